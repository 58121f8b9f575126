"""Stages in another account and region, on an engine where permissions count: a grant that is missing fails."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import record
from conftest import WAIT_SCALE
from deployed_belay import Application, Belay
from small_releases import nesting, setting

from local.deployment import LOCAL_PARAMETERS, deploy
from local.engine import Engine
from local.spokes import SPOKE_ACCOUNT, SPOKE_REGION, Spoke, join

Elsewhere = Callable[..., Application]

SERVICE_ROLE = f"arn:aws:iam::{SPOKE_ACCOUNT}:role/belay/deployer"
APPLICATIONS = ("good", "fails", "nested", "by-hand", "unreachable")
"""Those that the other account lets Belay deploy."""


@pytest.fixture(scope="module")
def files() -> set[str]:
    """This Belay is another one than that of the other files."""
    return set()


@pytest.fixture(scope="module")
def spoke_of() -> dict[str, Spoke]:
    return {}


@pytest.fixture(scope="module")
def belay(files: set[str], spoke_of: dict[str, Spoke]) -> Iterator[Belay]:
    """Belay in an engine where permissions count, and another account that is ready for some applications."""
    with Engine.start(snapshot_seconds=0.2, wait_scale=float(WAIT_SCALE), permissions=True) as engine:
        outputs = deploy(engine, parameters={**LOCAL_PARAMETERS, "SpokeAccounts": SPOKE_ACCOUNT})
        spoke_of["the"] = join(engine, APPLICATIONS)
        deployed = Belay(engine, outputs)
        yield deployed
        record.leave(deployed, files)


@pytest.fixture
def spoke(belay: Belay, spoke_of: dict[str, Spoke]) -> Spoke:
    """The other account."""
    return spoke_of["the"]


@pytest.fixture
def elsewhere(belay: Belay) -> Elsewhere:
    """``elsewhere("good")`` registers an application whose production lies in the other account and region."""

    def make(name: str, **stages: Any) -> Application:
        app = Application(belay, name)
        place = {"account": SPOKE_ACCOUNT, "region": SPOKE_REGION, "service_role": SERVICE_ROLE}
        app.register({**stages, "production": place})
        app.subscribe()
        belay.applications.append(app)
        return app

    return make


def value(spoke: Spoke, stack: str, name: str = "Setting") -> str:
    """The value that a stack's parameter has in the other account."""
    found = spoke.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
    physical = found["StackResourceDetail"]["PhysicalResourceId"]
    return str(spoke.client("ssm").get_parameter(Name=physical)["Parameter"]["Value"])


def test_a_release_goes_through_test_here_and_production_there(elsewhere: Elsewhere, spoke: Spoke) -> None:
    app = elsewhere("good", test={})

    app.deploy("1.0.0")
    app.deploy("1.1.0")

    assert app.belay.setting(app.stack("first", "test")) == "1.1.0"
    assert value(spoke, app.stack("first")) == "1.1.0"
    assert app.belay.status(app.stack("first")) is None, "nothing of production is here"
    assert app.belay.last_known_good(app.name) == "1.1.0"


def test_a_release_that_fails_there_is_taken_back_there(elsewhere: Elsewhere, spoke: Spoke) -> None:
    app = elsewhere("fails")
    both = {name: setting("1.0.0") for name in ("first", "second")}
    app.deploy("1.0.0", stacks=both, depends_on={"second": ["first"]})
    app.belay.engine.fail_resource("Setting", "update", "no such tier", stack=app.stack("second"))

    stacks = {name: setting("1.1.0") for name in ("first", "second")}
    outcome = app.run(app.release("1.1.0", stacks=stacks, depends_on={"second": ["first"]}))

    assert outcome["outcome"] == "ROLLED_BACK"
    assert "no such tier" in outcome["reason"]
    assert {name: value(spoke, app.stack(name)) for name in both} == {"first": "1.0.0", "second": "1.0.0"}
    assert app.belay.last_known_good(app.name) == "1.0.0"
    (incident,) = app.belay.incidents(app.name)
    assert incident


def test_files_of_a_release_are_read_from_the_bucket_of_the_region(elsewhere: Elsewhere, spoke: Spoke) -> None:
    app = elsewhere("nested")

    for version in ("1.0.0", "1.1.0"):
        more = {"child.json": json.dumps(setting(version)).encode()}
        app.deploy(version, stacks={"first": nesting("child.json")}, more=more)

    found = spoke.client("cloudformation").describe_stack_resource(
        StackName=app.stack("first"), LogicalResourceId="Child"
    )
    assert value(spoke, found["StackResourceDetail"]["PhysicalResourceId"]) == "1.1.0"
    s3 = app.belay.engine.client("s3", region=SPOKE_REGION)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=spoke.files)["Contents"]]
    assert keys
    assert all(key.startswith(f"spokes/{SPOKE_ACCOUNT}/") for key in keys)

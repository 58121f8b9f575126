"""Parameters from a table: releases take its newest version, and a rollback takes the earlier version."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from deployed_belay import Application, Belay, until
from small_releases import Release, setting

from belay.aws.function_url import post_signed
from local.deployment import deploy
from local.engine import REGION

pytestmark = pytest.mark.at_home("its table and its function lie in Belay's own account")

Applications = Callable[..., Application]
EXAMPLE = Path("examples/table_parameters").resolve()
TABLE = "parameters-shared"


@pytest.fixture(scope="module")
def lookup(belay: Belay) -> str:
    """The ARN of the example's function, of a team that has every application here."""
    belay.aws("cloudformation").create_stack(StackName="parameters", TemplateBody=(EXAMPLE / "table.yaml").read_text())
    belay.aws("dynamodb").get_waiter("table_exists").wait(TableName=TABLE)
    made = deploy(belay.engine, template=EXAMPLE / "lookup.yaml", stack_name="lookup", parameters={"Team": "orders"})
    return made["LookUpTableFunctionArn"]


def publish(app: Application, version: int, size: str) -> None:
    """Publish as ``publish.py`` does."""
    key = {"Owner": {"S": "orders/production"}}
    values = {"M": {"Size": {"S": size}}}
    for item in (
        {**key, "Item": {"S": f"{app.name}#{version:08d}"}, "Values": values},
        {**key, "Item": {"S": app.name}, "Version": {"N": str(version)}},
    ):
        app.belay.aws("dynamodb").put_item(TableName=TABLE, Item=item)


def registered(app: Application, lookup: str, **defaults: Any) -> None:
    key = {"Owner": "orders/production", "Item": app.name}
    version = {"table": TABLE, "key": key, "attribute": "Version"}
    stacks: dict[str, Any] = {name: {"name": app.stack(name)} for name in ("first", "second")}
    stacks["first"]["parameters"] = {"TableVersion": version, "LookUp": lookup}
    app.register({"production": {"stacks": stacks}}, **defaults)


def template(app: Application) -> dict[str, Any]:
    properties = {
        "ServiceToken": {"Ref": "LookUp"},
        "Owner": "orders/production",
        "Application": app.name,
        "Version": {"Ref": "TableVersion"},
    }
    found = {"Settings": {"Type": "Custom::TableLookup", "Properties": properties}}
    # A default is no substitute for a table's value.
    declared = {"LookUp": {"Type": "String"}, "TableVersion": {"Type": "Number", "Default": 99}}
    size = setting({"Fn::GetAtt": ["Settings", "Size"]})["Resources"]
    return {"Parameters": declared, "Resources": {**found, **size}}


def release(app: Application, version: str, **more: Mapping[str, Any]) -> Release:
    return app.release(version, stacks={"first": template(app), **more})


def version_of(app: Application) -> str:
    (stack,) = app.belay.aws("cloudformation").describe_stacks(StackName=app.stack("first"))["Stacks"]
    return str({each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}["TableVersion"])


def test_a_change_of_the_table_is_seen_by_the_next_release_and_a_rollback_takes_the_version_before(
    application: Applications, lookup: str
) -> None:
    app = application()
    registered(app, lookup)
    publish(app, 1, "small")
    assert app.run(release(app, "1.0.0"))["outcome"] == "DEPLOYED"
    assert (app.belay.setting(app.stack("first")), version_of(app)) == ("small", "1")

    # The same templates: only the table's version changes.
    publish(app, 2, "large")
    app.belay.engine.fail_resource("Setting", "create", "no room", stack=app.stack("second"))
    assert app.run(release(app, "1.1.0", second=setting("1")))["outcome"] == "ROLLED_BACK"
    assert (app.belay.setting(app.stack("first")), version_of(app)) == ("small", "1")

    registered(app, lookup, approval={"required": True})
    upload = app.belay.upload(release(app, "1.2.0"))
    asked = app.belay.asked(app.name, "1.2.0")
    publish(app, 3, "huge")
    message = next(each for each in app.received() if each.attributes["kind"] == "approval-requested")
    where = f"Version of Item {app.name}, Owner orders/production in the table {TABLE}"
    assert f"first: the parameter TableVersion changes from 1 to 2: {where}" in " ".join(message.text.split())
    decision = {"decision": "approve", "seal": asked["seal"]["digest"][:12]}
    assert app.belay.decide(decision, app.name, "1.2.0")[0] == 200
    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    assert (app.belay.setting(app.stack("first")), version_of(app)) == ("large", "2"), (
        "what was approved, not the newest"
    )

    url, credentials = app.belay.outputs["RollbackUrl"], app.belay.credentials("ann")
    status, answer = post_signed(url, {"application": app.name, "stage": "production"}, credentials, REGION)
    assert status == 200, answer
    until(lambda: [each for each in app.belay.incidents(app.name) if "announced" not in each], lambda left: not left)
    record = next(each for each in app.belay.incidents(app.name) if each["incident"] == answer["incident"])
    assert record["outcome"] == "ROLLED_BACK"
    assert (app.belay.setting(app.stack("first")), version_of(app)) == ("small", "1")


def test_a_version_that_nobody_published_rejects_the_release(application: Applications, lookup: str) -> None:
    app = application()
    registered(app, lookup)
    record = app.run(release(app, "1.0.0"))
    assert record["outcome"] == "REJECTED"
    assert f"expected an item Item {app.name}, Owner orders/production in the table {TABLE}" in json.dumps(record)
    assert app.belay.stacks(app.name) == {}

"""A published image becomes a release of the application that subscribes to it, which can be rolled back."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template
from types import ModuleType
from typing import Any

import pytest
from deployed_belay import Application, Belay, until
from small_releases import Release
from test_machines_asked_rollback import asked

from belay.release.document import load_document
from local.deployment import deploy
from local.packaged import exists

Applications = Callable[..., Application]
EXAMPLE = Path("examples/image_builder").resolve()
IMAGES = {"20261122-41": "ami-0123456789abcdef0", "20261129-42": "ami-0fedcba9876543210"}
OLD, NEW = IMAGES.values()
VERSION = "1.0.0+image-20261129-42"


@pytest.fixture
def publishing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build's settings for publishing an image."""
    monkeypatch.syspath_prepend(str(EXAMPLE / "publish"))
    module = importlib.import_module("publish_image")
    for name in ("publish_image", "copy_image", "smoke_test"):
        monkeypatch.delitem(sys.modules, name)
    return module


def publish(belay: Belay, publishing: ModuleType, build: str) -> dict[str, Any]:
    """Name and announce an image; return the event's detail."""
    image = publishing.Image("base", build, IMAGES[build], f"/images/base/{build}", "ami-0", "2fd4e1c", "the test")
    publishing.name_it(belay.aws("ssm"), image)
    publishing.make_latest(belay.aws("ssm"), image)
    publishing.announce(belay.aws("events"), image)
    return dict(vars(image))


@pytest.fixture
def subscribed(belay: Belay, application: Applications, publishing: ModuleType) -> Iterator[Application]:
    """The example's application, which runs on the first image, with the example's subscription deployed."""
    app, outputs = application(), belay.outputs
    app.register({"production": registered(app)})
    publish(belay, publishing, "20261122-41")
    deploy(
        belay.engine,
        template=EXAMPLE / "subscription.yaml",
        stack_name="subscription",
        parameters={
            "Application": app.name,
            "ReleaseBucketName": outputs["ReleaseBucketName"],
            "LedgerTableName": outputs["LedgerTableName"],
            "DeadLetterQueueArn": outputs["DeadLetterQueueArn"],
        },
    )
    document: Any = load_document((EXAMPLE / "application" / "release.yaml").read_text())
    upload = belay.upload(
        Release(
            app.name,
            stacks={},
            manifest={"stacks": document["stacks"]},
            more={"template.yaml": (EXAMPLE / "application" / "template.yaml").read_bytes()},
        )
    )
    belay.approve(app.name)
    assert belay.ended(upload)["outcome"] == "DEPLOYED"
    assert image_of(app) == OLD
    yield app
    belay.aws("cloudformation").delete_stack(StackName="subscription")
    until(lambda: not exists(belay.engine, "subscription"))


def registered(app: Application) -> dict[str, Any]:
    """The example's registration of production, with a stack of this application and the engine's own network."""
    ec2 = app.belay.aws("ec2")
    found = {
        "SubnetIds": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "SecurityGroupId": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
    }
    text = (EXAMPLE / "registration" / "production.yaml").read_text()
    stage: Any = load_document(Template(text).substitute(found))
    stage["stacks"]["fleet"]["name"] = app.stack("fleet")
    return dict(stage)


def image_of(app: Application) -> str:
    """The image in the fleet's actual launch template."""
    found = app.belay.aws("cloudformation").describe_stack_resource(
        StackName=app.stack("fleet"), LogicalResourceId="LaunchTemplate"
    )
    versions = app.belay.aws("ec2").describe_launch_template_versions(
        LaunchTemplateId=found["StackResourceDetail"]["PhysicalResourceId"], Versions=["$Latest"]
    )
    return str(versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"])


def outcome(app: Application) -> str:
    """Wait for the end of the image's release."""
    until(lambda: app.belay.release(app.name, VERSION), lambda release: release.get("announced"))
    app.belay.at_rest(app.name)
    return str(app.belay.release(app.name, VERSION)["outcome"])


def test_a_new_image_is_released_once_approved_and_rolled_back_to_the_old_one(
    belay: Belay, subscribed: Application, publishing: ModuleType
) -> None:
    detail = publish(belay, publishing, "20261129-42")
    belay.approve(subscribed.name, VERSION)

    assert outcome(subscribed) == "DEPLOYED"
    assert image_of(subscribed) == NEW
    assert belay.last_known_good(subscribed.name) == VERSION

    # The same event once more, through the same function: there is nothing left to release.
    function = belay.aws("cloudformation").describe_stacks(StackName="subscription")["Stacks"][0]["Outputs"][0]
    again = belay.aws("lambda").invoke(
        FunctionName=function["OutputValue"], Payload=json.dumps({"detail": detail}).encode()
    )
    assert json.load(again["Payload"]) == {
        "released": None,
        "because": f"{VERSION} is on /images/base/20261129-42 already",
    }

    record = asked(subscribed, comment="instances of the new image are slow")

    assert record["outcome"] == "ROLLED_BACK"
    assert image_of(subscribed) == OLD


def test_an_image_with_which_no_instance_starts_is_taken_back(
    belay: Belay, subscribed: Application, publishing: ModuleType
) -> None:
    belay.engine.fail_resource("Fleet", "update", "the instances are not healthy", stack=subscribed.stack("fleet"))
    publish(belay, publishing, "20261129-42")
    belay.approve(subscribed.name, VERSION)

    assert outcome(subscribed) == "ROLLED_BACK"
    assert image_of(subscribed) == OLD
    assert belay.last_known_good(subscribed.name) == "1.0.0"

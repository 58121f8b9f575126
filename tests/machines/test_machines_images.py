"""A published image becomes a release of the application that subscribes to it, which can be rolled back."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from deployed_belay import Application, Belay, until
from small_releases import Release
from test_machines_asked_rollback import asked

from belay.release.document import load_document
from local.deployment import deploy

Applications = Callable[..., Application]
EXAMPLE = Path("examples/image_builder").resolve()
IMAGES = {"20261122-41": "ami-0123456789abcdef0", "20261129-42": "ami-0fedcba9876543210"}
VERSION = "1.0.0+image-20261129-42"


@pytest.fixture
def subscribed(belay: Belay, application: Applications) -> Application:
    """The example's application, which runs on the first image, with the example's subscription deployed."""
    app = application(
        {
            "production": {
                "stacks": {"fleet": {"name": "fleet-production", "parameters": network(belay)}},
                "ssm_parameters": ["/images/base/"],
                "approval": {"required": True},
            }
        }
    )
    for build, image in IMAGES.items():
        belay.aws("ssm").put_parameter(Name=f"/images/base/{build}", Value=image, Type="String")
    publish(belay, "20261122-41")
    outputs = belay.outputs
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
    (stack,) = document["stacks"]
    release = Release(
        app.name,
        stacks={},
        manifest={"stacks": [{**stack, "name": "fleet"}]},
        more={"template.yaml": (EXAMPLE / "application" / "template.yaml").read_bytes()},
    )
    upload = belay.upload(release)
    belay.approve(app.name)
    assert belay.ended(upload)["outcome"] == "DEPLOYED"
    return app


def network(belay: Belay) -> Mapping[str, str]:
    """A subnet and a group of the engine's own network."""
    ec2 = belay.aws("ec2")
    return {
        "SubnetIds": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "SecurityGroupId": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
    }


def publish(belay: Belay, build: str) -> None:
    """Make an image the latest, as the build does."""
    belay.aws("ssm").put_parameter(Name="/images/base/latest", Value=IMAGES[build], Type="String", Overwrite=True)


def announce(belay: Belay, build: str) -> None:
    """Deliver the build's event."""
    detail = {"name": "base", "build": build, "image_id": IMAGES[build], "parameter": f"/images/base/{build}"}
    belay.deliver("acme.images", "Image Published", detail)


def image(belay: Belay) -> str:
    """The image that the fleet's launch template really names."""
    found = belay.aws("cloudformation").describe_stack_resource(
        StackName="fleet-production", LogicalResourceId="LaunchTemplate"
    )
    versions = belay.aws("ec2").describe_launch_template_versions(
        LaunchTemplateId=found["StackResourceDetail"]["PhysicalResourceId"], Versions=["$Latest"]
    )
    return str(versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"])


def uploads(belay: Belay, app: Application) -> list[str]:
    listed = belay.aws("s3").list_object_versions(
        Bucket=belay.outputs["ReleaseBucketName"], Prefix=f"releases/{app.name}/"
    )
    return [each["Key"] for each in listed.get("Versions", ())]


def test_a_new_image_is_released_once_approved_and_rolled_back_to_the_old_one(
    belay: Belay, subscribed: Application
) -> None:
    assert image(belay) == IMAGES["20261122-41"]
    publish(belay, "20261129-42")

    announce(belay, "20261129-42")
    belay.approve(subscribed.name, VERSION)
    until(lambda: belay.release(subscribed.name, VERSION), lambda release: release["announced"])

    assert belay.release(subscribed.name, VERSION)["outcome"] == "DEPLOYED"
    assert image(belay) == IMAGES["20261129-42"]
    assert belay.last_known_good(subscribed.name) == VERSION

    # The same event once more, through the same function: there is nothing left to release.
    function = belay.aws("cloudformation").describe_stacks(StackName="subscription")["Stacks"][0]["Outputs"][0]
    detail = {"name": "base", "build": "20261129-42", "image_id": IMAGES["20261129-42"]}
    again = belay.aws("lambda").invoke(
        FunctionName=function["OutputValue"],
        Payload=json.dumps({"detail": {**detail, "parameter": "/images/base/20261129-42"}}).encode(),
    )
    assert json.load(again["Payload"]) == {
        "released": None,
        "because": f"{VERSION} is on /images/base/20261129-42 already",
    }
    assert len(uploads(belay, subscribed)) == 2

    record = asked(subscribed, comment="instances of the new image are slow")

    assert record["outcome"] == "ROLLED_BACK"
    assert image(belay) == IMAGES["20261122-41"]

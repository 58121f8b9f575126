"""The instances' example released by Belay: a deployment that an alarm stops, and one that is rolled back later."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deployed_belay import Application, Belay
from small_releases import Release
from test_machines_asked_rollback import asked

from belay.release.document import load_document
from examples.instances import release as example

Applications = Callable[..., Application]
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def hello(belay: Belay, application: Applications) -> Application:
    """The example's application, registered with its own network on the engine."""
    found = belay.aws("ec2").describe_subnets()["Subnets"][0]
    app = application()
    given = {"VpcId": found["VpcId"], "SubnetIds": found["SubnetId"], "ConfigurationKeyArn": KEY}
    stack = {"name": app.stack("service"), "capabilities": ["CAPABILITY_IAM"], "parameters": given}
    app.register({"production": {"stacks": {"service": stack}}})
    return app


def outcome(app: Application, version: str, folder: Path) -> str:
    """Release the example in this version."""
    example.main(version, folder)
    document: Any = load_document((folder / "release.yaml").read_text())
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "release.yaml"}
    released = Release(app.name, version, stacks={}, manifest={"stacks": document["stacks"]}, more=files)
    return str(app.belay.ended(app.belay.upload(released))["outcome"])


def fleets(app: Application) -> list[str]:
    groups = app.belay.aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return [each["AutoScalingGroupName"] for each in groups if app.stack("service") in each["AutoScalingGroupName"]]


def deployed(app: Application) -> list[str]:
    """The revisions that CodeDeploy deployed, in order, without its own rollbacks."""
    codedeploy, name = app.belay.aws("codedeploy"), app.stack("service")
    found = codedeploy.list_deployments(applicationName=name, deploymentGroupName=name)["deployments"]
    told = [codedeploy.get_deployment(deploymentId=each)["deploymentInfo"] for each in found]
    return [each["revision"]["s3Location"]["key"] for each in told if each["creator"] == "user"]


@pytest.mark.at_home("the fleet is looked at in Belay's own account")
def test_a_release_that_an_alarm_stops_is_rolled_back_and_a_later_rollback_deploys_the_older_one(
    belay: Belay, hello: Application, tmp_path: Path
) -> None:
    assert outcome(hello, "1.0.0", tmp_path) == "DEPLOYED"
    first = fleets(hello)
    alarm = f"{hello.stack('service')}-server-errors"
    belay.aws("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="the test")

    assert outcome(hello, "1.1.0", tmp_path) == "ROLLED_BACK", hello.received()[-1].text
    assert fleets(hello) == first
    assert belay.last_known_good(hello.name) == "1.0.0"
    assert "ALARM_ACTIVE" in hello.received()[-1].text

    belay.aws("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="the test")
    assert outcome(hello, "1.2.0", tmp_path) == "DEPLOYED"
    second = fleets(hello)
    assert second != first

    assert asked(hello, comment="it is slow")["outcome"] == "ROLLED_BACK", hello.received()[-1].text
    assert len(fleets(hello)) == 1
    assert fleets(hello) not in (first, second)
    keys = deployed(hello)
    assert [key == keys[0] for key in keys] == [True, False, False, True]

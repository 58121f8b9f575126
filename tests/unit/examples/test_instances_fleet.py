"""A fleet is deployed blue/green, found again wherever CodeDeploy put it, rolled back, and deleted completely."""

import importlib
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.autoscaling.models import InstanceState

from local.bridges import blue_green_deployments

FOLDERS = (Path("examples/instances/functions"), Path("examples/custom_resources/functions"))
NOW = timedelta(0)
BUCKET = "releases"
AMI = "ami-12c6146b"


@pytest.fixture(scope="session")
def played() -> None:
    blue_green_deployments.play()


@pytest.fixture
def launched_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto shows the default version of an instance's launch template, where AWS shows the one that it has."""
    versions: dict[str, str] = {}

    def shown(state: InstanceState) -> dict[str, str]:
        group = state.auto_scaling_group
        version = versions.setdefault(state.instance_id, group.launch_template_version)
        return {"LaunchTemplateId": group.ec2_launch_template.id, "Version": version}

    monkeypatch.setattr(InstanceState, "launch_template", property(shown))


@pytest.fixture
def fleets(monkeypatch: pytest.MonkeyPatch, played: None, launched_as_they_were: None) -> Iterator[ModuleType]:
    """The module as Lambda would load it, with an AWS simulated by moto."""
    for folder in FOLDERS:
        monkeypatch.syspath_prepend(str(folder))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        monkeypatch.setattr(blue_green_deployments, "api", cache(boto3.client))
        yield importlib.import_module("fleet")
    for name in {path.stem for folder in FOLDERS for path in folder.glob("*.py")}:
        sys.modules.pop(name, None)


class World:
    """An application's account, and what a template says about its fleet."""

    def __init__(self, fleets: ModuleType) -> None:
        self.fleets, self.deployer = fleets, fleets.Deployer()
        self.codedeploy, self.scaling = boto3.client("codedeploy"), boto3.client("autoscaling")
        self.balancing, self.alarms = boto3.client("elbv2"), boto3.client("cloudwatch")
        ec2, self.s3 = boto3.client("ec2"), boto3.client("s3")
        (vpc,) = ec2.describe_vpcs()["Vpcs"]
        subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
        data = {"ImageId": AMI, "InstanceType": "t3.micro"}
        template = ec2.create_launch_template(LaunchTemplateName="hello", LaunchTemplateData=data)["LaunchTemplate"]
        ec2.create_launch_template_version(LaunchTemplateId=template["LaunchTemplateId"], LaunchTemplateData=data)
        (targets,) = self.balancing.create_target_group(
            Name="hello", Protocol="HTTP", Port=8080, VpcId=vpc["VpcId"], TargetType="instance"
        )["TargetGroups"]
        self.targets = targets["TargetGroupArn"]
        self.balancing.create_load_balancer(Name="hello", Subnets=subnets)
        self.codedeploy.create_application(applicationName="hello", computePlatform="Server")
        self.alarm("OK")
        self.s3.create_bucket(Bucket=BUCKET)
        for release in ("1", "2"):
            self.s3.put_object(Bucket=BUCKET, Key=f"{release}/revision.zip", Body=b"zip")
        self.properties: dict[str, Any] = {
            "Name": "hello",
            "ApplicationName": "hello",
            "ServiceRoleArn": "arn:aws:iam::123456789012:role/deploy",
            "LaunchTemplateId": template["LaunchTemplateId"],
            "LaunchTemplateVersion": "1",
            "SubnetIds": subnets,
            "TargetGroupArn": self.targets,
            "AlarmName": "hello-server-errors",
            "Size": "2",
            "WaitMinutes": "15",
            "RevisionBucket": BUCKET,
            "RevisionKey": "1/revision.zip",
        }

    def alarm(self, state: str) -> None:
        self.alarms.put_metric_alarm(
            AlarmName="hello-server-errors",
            Namespace="AWS/ApplicationELB",
            MetricName="HTTPCode_Target_5XX_Count",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=5,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        self.alarms.set_alarm_state(AlarmName="hello-server-errors", StateValue=state, StateReason="test")

    def step(self, request: str, age: timedelta = NOW, **changed: str) -> Any:
        return self.deployer.put(self.fleets.read({**self.properties, **changed}), request, age)

    def deploy(self, request: str, **changed: str) -> tuple[str, int]:
        """Take steps until there is a response; return the fleet's name, and the number of steps."""
        for steps in range(1, 20):
            made = self.step(request, **changed)
            if made is not self.fleets.NOT_YET:
                group = self.codedeploy.get_deployment_group(applicationName="hello", deploymentGroupName="hello")
                (fleet,) = group["deploymentGroupInfo"]["autoScalingGroups"]
                return fleet["name"], steps
        raise AssertionError("not answered")

    def delete(self) -> int:
        for steps in range(1, 20):
            if self.deployer.delete("hello", "hello") is None:
                return steps
        raise AssertionError("not deleted")

    @property
    def groups(self) -> list[str]:
        found = self.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return sorted(each["AutoScalingGroupName"] for each in found)

    def instances(self, name: str) -> dict[str, str]:
        """The launch template's version by the instance."""
        (found,) = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return {each["InstanceId"]: each["LaunchTemplate"]["Version"] for each in found["Instances"]}

    @property
    def serving(self) -> set[str]:
        found = self.balancing.describe_target_health(TargetGroupArn=self.targets)["TargetHealthDescriptions"]
        return {each["Target"]["Id"] for each in found}

    @property
    def deployments(self) -> list[dict[str, Any]]:
        names = self.codedeploy.list_deployments(applicationName="hello", deploymentGroupName="hello")["deployments"]
        return [self.codedeploy.get_deployment(deploymentId=name)["deploymentInfo"] for name in names]


@pytest.fixture
def world(fleets: ModuleType) -> World:
    return World(fleets)


# -- deploying ---------------------------------------------------------------------------------------------------------


def test_the_first_deployment_ends_in_a_copy_that_has_the_traffic(world: World) -> None:
    fleet, _ = world.deploy("request-1")
    (deployment,) = world.deployments
    assert fleet == f"CodeDeploy_hello_{deployment['deploymentId']}"
    assert world.groups == [fleet]
    assert world.serving == set(world.instances(fleet))
    assert deployment["revision"]["s3Location"]["key"] == "1/revision.zip"


def test_codedeploy_is_told_to_copy_to_wait_and_to_go_back(world: World) -> None:
    world.deploy("request-1")
    group = world.codedeploy.get_deployment_group(applicationName="hello", deploymentGroupName="hello")
    told = group["deploymentGroupInfo"]
    assert told["deploymentStyle"] == {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
    how = told["blueGreenDeploymentConfiguration"]
    assert how["greenFleetProvisioningOption"] == {"action": "COPY_AUTO_SCALING_GROUP"}
    assert how["terminateBlueInstancesOnDeploymentSuccess"] == {
        "action": "TERMINATE",
        "terminationWaitTimeInMinutes": 15,
    }
    assert told["alarmConfiguration"]["alarms"] == [{"name": "hello-server-errors"}]
    assert "DEPLOYMENT_STOP_ON_ALARM" in told["autoRollbackConfiguration"]["events"]
    assert told["loadBalancerInfo"] == {"targetGroupInfoList": [{"name": "hello"}]}


def test_the_next_release_copies_the_copy_with_its_own_launch_template(world: World) -> None:
    first, _ = world.deploy("request-1")
    second, _ = world.deploy("request-2", RevisionKey="2/revision.zip", LaunchTemplateVersion="2")
    assert second != first
    assert world.groups == [second]
    assert set(world.instances(second).values()) == {"2"}
    assert world.serving == set(world.instances(second))


def test_what_runs_already_is_not_deployed_again(world: World) -> None:
    fleet, _ = world.deploy("request-1")
    assert world.deploy("request-2", WaitMinutes="5") == (fleet, 1)
    assert len(world.deployments) == 1


@pytest.mark.parametrize("changed", [{"RevisionKey": "2/revision.zip"}, {"LaunchTemplateVersion": "2"}])
def test_another_revision_or_launch_template_is_a_deployment(world: World, changed: dict[str, str]) -> None:
    first, _ = world.deploy("request-1")
    assert world.deploy("request-2", **changed)[0] != first


def test_a_request_that_comes_twice_is_one_deployment(world: World) -> None:
    world.deploy("request-1")
    for _ in range(2):
        assert world.deploy("request-1")[1] == 1
    assert len(world.deployments) == 1


def test_a_deployment_that_goes_on_is_waited_for(world: World) -> None:
    world.deploy("request-1")
    location = {"bucket": BUCKET, "key": "1/revision.zip", "bundleType": "zip"}
    by_hand = world.codedeploy.create_deployment(
        applicationName="hello",
        deploymentGroupName="hello",
        revision={"revisionType": "S3", "s3Location": location},
    )["deploymentId"]
    assert world.step("request-2", RevisionKey="2/revision.zip") is world.fleets.NOT_YET
    assert [each["deploymentId"] for each in world.deployments][1:] == [by_hand]


# -- failures ----------------------------------------------------------------------------------------------------------


def failed(world: World, request: str, **changed: str) -> str:
    """Deploy until it fails; the reason."""
    with pytest.raises(world.fleets.DeploymentFailedError) as raised:
        world.deploy(request, **changed)
    return str(raised.value)


def test_an_alarm_while_blue_waits_gives_blue_the_traffic_again(world: World) -> None:
    first, _ = world.deploy("request-1")
    new = {"RevisionKey": "2/revision.zip", "LaunchTemplateVersion": "2"}
    for _ in range(3):
        world.step("request-2", **new)
    assert world.serving.isdisjoint(world.instances(first))
    world.alarm("ALARM")
    reason = failed(world, "request-2", **new)
    assert "ALARM_ACTIVE" in reason
    assert "hello-server-errors" in reason
    assert "the rollback" in reason
    assert world.serving == set(world.instances(first))


def test_the_stack_s_rollback_after_it_deploys_nothing_and_clears_what_was_left(world: World) -> None:
    first, _ = world.deploy("request-1")
    world.alarm("ALARM")
    failed(world, "request-2", RevisionKey="missing.zip", LaunchTemplateVersion="2")
    world.alarm("OK")
    before = len(world.deployments)
    fleet, _ = world.deploy("request-3")
    assert (fleet, len(world.deployments)) == (first, before)
    assert world.groups == [first]
    (group,) = world.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["LaunchTemplate"]["Version"] == "1"


def test_a_later_rollback_deploys_the_older_release_again(world: World) -> None:
    world.deploy("request-1")
    second, _ = world.deploy("request-2", RevisionKey="2/revision.zip", LaunchTemplateVersion="2")
    third, _ = world.deploy("request-3")
    assert third != second
    assert set(world.instances(third).values()) == {"1"}
    assert world.deployments[-1]["revision"]["s3Location"]["key"] == "1/revision.zip"


def test_a_missing_revision_fails_and_says_so(world: World) -> None:
    world.deploy("request-1")
    assert "REVISION_MISSING: There is no object 3/revision.zip" in failed(
        world, "request-2", RevisionKey="3/revision.zip"
    )


def test_a_deployment_that_takes_too_long_is_stopped_and_rolled_back(world: World) -> None:
    first, _ = world.deploy("request-1")
    for _ in range(2):
        world.step("request-2", RevisionKey="2/revision.zip")
    late = world.fleets.PATIENCE + timedelta(seconds=1)
    assert world.step("request-2", late, RevisionKey="2/revision.zip") is world.fleets.NOT_YET
    assert "MANUAL_STOP" in failed(world, "request-2", RevisionKey="2/revision.zip")
    assert world.serving == set(world.instances(first))


def test_what_never_begins_fails_in_time(world: World) -> None:
    with pytest.raises(world.fleets.FleetError, match="no deployment could begin within 0:50:00"):
        world.step("request-1", world.fleets.PATIENCE + timedelta(seconds=1))


def test_the_right_instances_without_traffic_are_waited_for_then_replaced(world: World) -> None:
    first, _ = world.deploy("request-1")
    taken = [{"Id": each} for each in world.instances(first)]
    world.balancing.deregister_targets(TargetGroupArn=world.targets, Targets=taken)
    assert world.step("request-2") is world.fleets.NOT_YET
    assert len(world.deployments) == 1
    world.step("request-2", world.fleets.SETTLING)
    assert len(world.deployments) == 2


def test_a_fleet_with_traffic_is_never_cleared(world: World) -> None:
    first, _ = world.deploy("request-1")
    world.scaling.create_auto_scaling_group(
        AutoScalingGroupName="CodeDeploy_hello_other",
        LaunchTemplate={"LaunchTemplateId": world.properties["LaunchTemplateId"], "Version": "1"},
        MinSize=1,
        MaxSize=1,
        VPCZoneIdentifier=",".join(world.properties["SubnetIds"]),
    )
    targets = [{"Id": each} for each in world.instances("CodeDeploy_hello_other")]
    world.balancing.register_targets(TargetGroupArn=world.targets, Targets=targets)
    with pytest.raises(world.fleets.FleetError, match="CodeDeploy_hello_other beside it still get traffic"):
        world.step("request-2", RevisionKey="2/revision.zip")
    assert world.groups == sorted([first, "CodeDeploy_hello_other"])


def test_a_fleet_that_was_deleted_by_hand_is_told(world: World) -> None:
    first, _ = world.deploy("request-1")
    world.scaling.delete_auto_scaling_group(AutoScalingGroupName=first, ForceDelete=True)
    with pytest.raises(world.fleets.FleetError, match=rf"found \['{first}'\]; none exist"):
        world.step("request-2", RevisionKey="2/revision.zip")


def test_a_deployment_group_that_was_deleted_by_hand_is_told(world: World) -> None:
    first, _ = world.deploy("request-1")
    world.codedeploy.delete_deployment_group(applicationName="hello", deploymentGroupName="hello")
    with pytest.raises(world.fleets.FleetError, match=f"the deployment group hello is gone; {first} run without it"):
        world.step("request-2")


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_deleting_leaves_neither_fleet_nor_group_and_may_come_twice(world: World) -> None:
    world.deploy("request-1")
    world.scaling.create_auto_scaling_group(
        AutoScalingGroupName="CodeDeploy_hello-2_other",
        LaunchTemplate={"LaunchTemplateId": world.properties["LaunchTemplateId"], "Version": "1"},
        MinSize=0,
        MaxSize=0,
        VPCZoneIdentifier=",".join(world.properties["SubnetIds"]),
    )
    world.delete()
    assert world.groups == ["CodeDeploy_hello-2_other"]
    assert world.codedeploy.list_deployment_groups(applicationName="hello")["deploymentGroups"] == []
    assert world.delete() == 1


def test_a_group_of_the_same_name_is_neither_taken_nor_deleted(world: World) -> None:
    template = {"LaunchTemplateId": world.properties["LaunchTemplateId"], "Version": "1"}
    world.scaling.create_auto_scaling_group(
        AutoScalingGroupName="hello",
        LaunchTemplate=template,
        MinSize=1,
        MaxSize=1,
        VPCZoneIdentifier=world.properties["SubnetIds"][0],
        Tags=[{"Key": "fleet", "Value": "another/hello"}],
    )

    with pytest.raises(world.fleets.FleetError, match="hello exists that is not this fleet's"):
        world.step("first")
    world.delete()

    assert world.groups == ["hello"]


def test_deleting_stops_what_goes_on(world: World) -> None:
    world.deploy("request-1")
    for _ in range(3):
        world.step("request-2", RevisionKey="2/revision.zip")
    world.delete()
    assert world.groups == []


def test_deleting_finds_what_a_failed_create_left(world: World) -> None:
    world.step("request-1")
    assert world.groups == ["hello"]
    world.delete()
    assert world.groups == []


# -- requests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Size": "0"}, "Size: expected 1 to 100, found '0'"),
        ({"WaitMinutes": "45"}, "WaitMinutes: expected 0 to 30, found '45'"),
        ({"SubnetIds": "subnet-1"}, "SubnetIds: expected a list, found 'subnet-1'"),
        ({"RevisionKey": ""}, "RevisionKey: expected a text, found ''"),
    ],
)
def test_a_template_that_asks_for_what_cannot_be_is_refused(world: World, changed: Any, reason: str) -> None:
    with pytest.raises(sys.modules["custom_resource"].InvalidPropertiesError) as raised:
        world.step("request-1", **changed)
    assert str(raised.value) == reason


def request(world: World, kind: str, **changed: str) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "ResponseURL": "http://127.0.0.1:9/answer",
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/hello/1",
        "RequestId": "request-1",
        "LogicalResourceId": "Fleet",
        "PhysicalResourceId": "hello",
        "Started": "2026-11-29T10:00:00.123Z",
        "ResourceProperties": {**world.properties, **changed},
    }


@pytest.fixture
def answers(fleets: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    found: list[bytes] = []
    monkeypatch.setattr(sys.modules["custom_resource"], "_send", lambda url, body: found.append(body))
    return found


def test_another_name_is_refused_because_the_old_fleet_would_be_lost(world: World, answers: list[bytes]) -> None:
    assert world.fleets.handler(request(world, "Update", Name="hello-2"), None) is True
    assert b"Name: expected hello, found hello-2" in answers[0]


def test_a_deletion_is_answered_when_nothing_is_left(world: World, answers: list[bytes]) -> None:
    world.deploy("request-0")
    event = request(world, "Delete")
    told = [world.fleets.handler(event, None) for _ in range(2)]
    assert told == [False, True]
    assert b'"SUCCESS"' in answers[0]


def raising(code: str, status: int) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "GetDeploymentGroup")

    return call


@pytest.mark.parametrize(
    ("fault", "answered"),
    [
        (raising("ThrottlingException", 400), False),
        (raising("InternalFailure", 500), False),
        (raising("AccessDeniedException", 400), True),
    ],
)
@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_only_what_passes_by_itself_is_tried_again(  # noqa: PLR0917 - fixtures and parameters
    world: World, answers: list[bytes], monkeypatch: pytest.MonkeyPatch, kind: str, fault: Any, answered: bool
) -> None:
    monkeypatch.setattr(world.fleets.Deployer, "_deployment_group", fault)
    assert world.fleets.handler(request(world, kind), None) is answered
    assert len(answers) == int(answered)


@pytest.fixture
def machine(fleets: ModuleType, monkeypatch: pytest.MonkeyPatch) -> str:
    arn: str = boto3.client("stepfunctions").create_state_machine(
        name="fleet",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/fleet",
    )["stateMachineArn"]
    monkeypatch.setenv("STATE_MACHINE_ARN", arn)
    return arn


def test_a_request_is_carried_out_by_one_execution_which_knows_the_id(
    world: World, machine: str, answers: list[bytes]
) -> None:
    event = request(world, "Create")
    del event["PhysicalResourceId"]
    for _ in range(2):
        importlib.import_module("start").handler(event, None)
    machines = boto3.client("stepfunctions")
    (execution,) = machines.list_executions(stateMachineArn=machine)["executions"]
    assert execution["name"] == "request-1"
    asked = machines.describe_execution(executionArn=execution["executionArn"])["input"]
    assert '"PhysicalResourceId": "hello"' in asked
    assert answers == []


def test_a_request_that_cannot_be_started_is_answered(
    world: World, monkeypatch: pytest.MonkeyPatch, answers: list[bytes]
) -> None:
    monkeypatch.setenv("STATE_MACHINE_ARN", "arn:aws:states:us-east-1:123456789012:stateMachine:none")
    importlib.import_module("start").handler(request(world, "Update"), None)
    assert b'"FAILED"' in answers[0]

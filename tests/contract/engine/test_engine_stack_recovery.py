import json

import pytest
from botocore.exceptions import ClientError

FIRST = {"First": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}}
CHANGED = {"First": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "2"}}}
NOWHERE = {"GroupId": "sg-nowhere", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "192.0.2.0/24"}
BROKEN = {"Broken": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": NOWHERE, "DependsOn": "First"}}
ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"


@pytest.fixture
def value(aws):
    """The value of the stack's first parameter."""

    def read(stack):
        resource = aws("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="First")
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        return aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]

    return read


def test_a_failed_update_is_rolled_back(stacks, unique, value):
    name = unique("stack")
    stacks.create(name, FIRST)

    assert stacks.update(name, CHANGED | BROKEN)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value(name) == "1"


def test_rollback_disabled_leaves_update_failed_for_rollback_stack(aws, stacks, unique, value):
    name = unique("stack")
    stacks.create(name, FIRST)

    assert stacks.update(name, CHANGED | BROKEN, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    assert value(name) == "2"
    aws("cloudformation").rollback_stack(StackName=name, ClientRequestToken="back-1")
    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value(name) == "1"


def test_rollback_disabled_leaves_create_failed_and_rollback_stack_deletes_what_was_made(aws, stacks, unique):
    name = unique("stack")

    assert stacks.create(name, FIRST | BROKEN, DisableRollback=True)["StackStatus"] == "CREATE_FAILED"
    resources = aws("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    assert {each["LogicalResourceId"]: each["ResourceStatus"] for each in resources} == {
        "First": "CREATE_COMPLETE",
        "Broken": "CREATE_FAILED",
    }
    aws("cloudformation").rollback_stack(StackName=name)

    assert stacks.settled(name)["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_rollback_that_fails_is_continued(engine, aws, stacks, unique, value):
    name = unique("stack")
    stacks.create(name, FIRST)
    engine.fail_resource("First", "update", "no rollback", stack=name, stack_status=ROLLING_BACK)

    stack = stacks.update(name, CHANGED | BROKEN)

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert "First" in stack["StackStatusReason"]
    aws("cloudformation").continue_update_rollback(StackName=name, ClientRequestToken="continue-1")
    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value(name) == "1"


def test_a_rollback_that_fails_is_continued_past_a_resource(engine, aws, stacks, unique, value):
    name, cloudformation = unique("stack"), aws("cloudformation")
    stacks.create(name, FIRST)
    engine.fail_resource("First", "update", times=5, stack=name, stack_status=ROLLING_BACK)
    stacks.update(name, CHANGED | BROKEN)

    failed = cloudformation.describe_stack_resources(StackName=name, LogicalResourceId="First")["StackResources"][0]
    assert (failed["ResourceStatus"], failed["ResourceStatusReason"]) == ("UPDATE_FAILED", "A fault was injected.")
    cloudformation.continue_update_rollback(StackName=name)
    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ClientError, match="cannot be skipped"):
        cloudformation.continue_update_rollback(StackName=name, ResourcesToSkip=["Broken"])
    cloudformation.continue_update_rollback(StackName=name, ResourcesToSkip=["First"])

    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value(name) == "2"
    detail = cloudformation.describe_stack_resource(StackName=name, LogicalResourceId="First")["StackResourceDetail"]
    assert detail["ResourceStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize("call", ["continue_update_rollback", "rollback_stack", "cancel_update_stack"])
def test_a_recovery_that_is_not_legal_in_a_status_is_refused(aws, stacks, unique, call):
    name = unique("stack")
    stacks.create(name, FIRST)

    with pytest.raises(ClientError) as refused:
        getattr(aws("cloudformation"), call)(StackName=name)

    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_a_create_whose_clean_up_fails_ends_rollback_failed(engine, stacks, unique):
    name = unique("stack")
    engine.fail_resource("First", "delete", stack=name)

    assert stacks.create(name, FIRST | BROKEN)["StackStatus"] == "ROLLBACK_FAILED"


@pytest.fixture
def trigger(alarm):
    """A rollback configuration with one alarm, in the given state; without a state the alarm does not exist."""

    def configuration(state):
        arn = alarm(state) if state else "arn:aws:cloudwatch:us-east-1:000000000000:alarm:nobody-made-it"
        return {"RollbackTriggers": [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"}], "MonitoringTimeInMinutes": 0}

    return configuration


@pytest.mark.parametrize(
    ("state", "status"),
    [("OK", "UPDATE_COMPLETE"), ("ALARM", "UPDATE_ROLLBACK_COMPLETE"), (None, "UPDATE_ROLLBACK_COMPLETE")],
)
def test_an_alarm_rolls_an_update_back(*, stacks, unique, trigger, value, state, status):
    name = unique("stack")
    stacks.create(name, FIRST)

    assert stacks.update(name, CHANGED, RollbackConfiguration=trigger(state))["StackStatus"] == status
    assert value(name) == ("2" if state == "OK" else "1")


SLOW = """
import boto3, json, urllib.request

def handler(event, context):
    if event["RequestType"] == "Update":
        boto3.client("ssm").get_parameters(Names=[event["ResourceProperties"]["Looks"]])
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": "made",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


def test_an_update_is_cancelled_on_its_way(*, engine, aws, stacks, function, unique, value):
    name, token, cloudformation = unique("stack"), function(SLOW), aws("cloudformation")

    def template(looks, first):
        slow = {"Type": "Custom::Slow", "Properties": {"ServiceToken": token, "Looks": looks}}
        return {"Slow": slow, "First": {**first["First"], "DependsOn": "Slow"}}

    stacks.create(name, template("here", FIRST))
    with engine.hold("ssm", "GetParameters") as look:
        cloudformation.update_stack(StackName=name, TemplateBody=json.dumps({"Resources": template("there", CHANGED)}))
        look.reached()
        assert stacks.describe(name)["StackStatus"] == "UPDATE_IN_PROGRESS"
        cloudformation.cancel_update_stack(StackName=name, ClientRequestToken="cancel-1")

    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value(name) == "1"


def test_a_stack_that_is_deleted_while_it_is_created_is_not_created_any_further(*, aws, stacks, unique, until):
    name, cloudformation = unique("stack"), aws("cloudformation")
    signal = {"ResourceSignal": {"Count": 1, "Timeout": "PT1M"}}
    waits = {"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": "First", "CreationPolicy": signal}
    template = {"Resources": FIRST | {"Waits": waits, "Last": {**FIRST["First"], "DependsOn": "Waits"}}}
    stack = cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), ClientRequestToken="make-1")
    stack_id = stack["StackId"]

    def events():
        return cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]

    until(events, lambda seen: any(each["LogicalResourceId"] == "Waits" for each in seen))
    cloudformation.delete_stack(StackName=name, ClientRequestToken="delete-1")

    assert stacks.settled(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    of_stack = [each for each in reversed(events()) if each["PhysicalResourceId"] == stack_id]
    assert [(each["ResourceStatus"], each["ClientRequestToken"]) for each in of_stack] == [
        ("CREATE_IN_PROGRESS", "make-1"),
        ("DELETE_IN_PROGRESS", "delete-1"),
        ("DELETE_COMPLETE", "delete-1"),
    ]
    assert not [each for each in events() if each["LogicalResourceId"] == "Last"]

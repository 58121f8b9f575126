"""Drift and its repair: ``DetectStackResourceDrift`` and change sets with ``DeploymentMode=REVERT_DRIFT``."""

import pytest

PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1", "Description": "first"}}
TEMPLATE = {"First": PARAMETER, "Second": PARAMETER}


@pytest.fixture
def drifted(aws, stacks, unique):
    """A stack whose first parameter was changed manually; its name and the parameter's."""
    name = unique("stack")
    stacks.create(name, TEMPLATE)
    resource = aws("cloudformation").describe_stack_resource(StackName=name, LogicalResourceId="First")
    parameter = resource["StackResourceDetail"]["PhysicalResourceId"]
    aws("ssm").put_parameter(Name=parameter, Value="by hand", Overwrite=True)
    return name, parameter


def change_set(aws, stack, name, **options):
    cloudformation = aws("cloudformation")
    cloudformation.create_change_set(StackName=stack, ChangeSetName=name, UsePreviousTemplate=True, **options)
    return cloudformation.describe_change_set(StackName=stack, ChangeSetName=name, IncludePropertyValues=True)


def test_a_resource_s_drift_is_detected_at_once(aws, drifted):
    stack, _ = drifted
    detect = aws("cloudformation").detect_stack_resource_drift

    found = detect(StackName=stack, LogicalResourceId="First")["StackResourceDrift"]
    assert found["StackResourceDriftStatus"] == "MODIFIED"
    assert [(each["PropertyPath"], each["ActualValue"]) for each in found["PropertyDifferences"]] == [
        ("/Value", "by hand")
    ]
    other = detect(StackName=stack, LogicalResourceId="Second")["StackResourceDrift"]
    assert other["StackResourceDriftStatus"] == "IN_SYNC"


def test_an_ordinary_change_set_does_not_see_drift(aws, drifted):
    stack, _ = drifted
    found = change_set(aws, stack, "ordinary")
    assert found["Status"] == "FAILED"
    assert "DeploymentMode" not in found


def test_a_drift_aware_change_set_shows_the_drift_and_brings_it_back(aws, stacks, drifted):
    stack, parameter = drifted
    found = change_set(aws, stack, "back", DeploymentMode="REVERT_DRIFT")
    assert (found["Status"], found["DeploymentMode"], found["StackDriftStatus"]) == (
        "CREATE_COMPLETE",
        "REVERT_DRIFT",
        "DRIFTED",
    )
    (change,) = (each["ResourceChange"] for each in found["Changes"])
    assert (change["LogicalResourceId"], change["Action"], change["ResourceDriftStatus"]) == (
        "First",
        "Modify",
        "MODIFIED",
    )

    aws("cloudformation").execute_change_set(StackName=stack, ChangeSetName="back")

    assert stacks.settled(stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert aws("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == "1"


def test_a_drift_aware_change_set_of_a_stack_in_sync_is_empty(aws, stacks, unique):
    name = unique("stack")
    stacks.create(name, TEMPLATE)
    found = change_set(aws, name, "nothing", DeploymentMode="REVERT_DRIFT")
    assert (found["Status"], found["StackDriftStatus"]) == ("FAILED", "IN_SYNC")
    assert "didn't contain changes" in found["StatusReason"]


def test_what_a_rollback_was_continued_without_has_drifted_and_is_brought_back(engine, aws, stacks, unique):
    name = unique("stack")
    stacks.create(name, TEMPLATE)
    changed = {**PARAMETER, "Properties": {**PARAMETER["Properties"], "Value": "2"}}
    engine.fail_resource("Second", "update", stack=name, stack_status="UPDATE_IN_PROGRESS")
    engine.fail_resource("First", "update", stack=name, stack_status="UPDATE_ROLLBACK_IN_PROGRESS")
    after_first = {**changed, "DependsOn": "First"}
    assert stacks.update(name, {"First": changed, "Second": after_first})["StackStatus"] == "UPDATE_ROLLBACK_FAILED"

    aws("cloudformation").continue_update_rollback(StackName=name, ResourcesToSkip=["First"])
    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    found = aws("cloudformation").detect_stack_resource_drift(StackName=name, LogicalResourceId="First")
    assert found["StackResourceDrift"]["StackResourceDriftStatus"] == "MODIFIED"

    assert change_set(aws, name, "back", DeploymentMode="REVERT_DRIFT")["Status"] == "CREATE_COMPLETE"
    aws("cloudformation").execute_change_set(StackName=name, ChangeSetName="back")
    assert stacks.settled(name)["StackStatus"] == "UPDATE_COMPLETE"
    found = aws("cloudformation").detect_stack_resource_drift(StackName=name, LogicalResourceId="First")
    assert found["StackResourceDrift"]["StackResourceDriftStatus"] == "IN_SYNC"

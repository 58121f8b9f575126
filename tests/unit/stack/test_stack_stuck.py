"""What a stack is stuck on, in the spelling of ContinueUpdateRollback and DeleteStack."""

import pytest

from belay.stack.status import StackStatus
from belay.stack.stuck import Resource, stuck_resources

ROOT = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1"
CHILD = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-Database-ABC/2"


def resource(logical_id: str, status: str, reason: str = "no", resource_type: str = "AWS::SNS::Topic") -> Resource:
    return {
        "LogicalResourceId": logical_id,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ResourceType": resource_type,
    }


TREE = {
    ROOT: [
        resource("Topic", "UPDATE_FAILED"),
        resource("Queue", "UPDATE_FAILED", "Resource update cancelled"),
        resource("Bucket", "DELETE_FAILED"),
        resource("Function", "UPDATE_COMPLETE", ""),
        resource("Database", "UPDATE_FAILED", "Embedded stack failed", "AWS::CloudFormation::Stack"),
        resource("Cache", "DELETE_FAILED", "Embedded stack failed", "AWS::CloudFormation::Stack"),
    ],
    CHILD: [resource("Instance", "UPDATE_FAILED"), resource("Old", "DELETE_FAILED")],
}


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (StackStatus.UPDATE_ROLLBACK_FAILED, ("Topic", "Cache", "orders-Database-ABC.Instance")),
        (StackStatus.DELETE_FAILED, ("Bucket", "Cache")),
        (
            StackStatus.UPDATE_FAILED,
            ("Topic", "Bucket", "orders-Database-ABC.Instance", "orders-Database-ABC.Old"),
        ),
        (StackStatus.UPDATE_COMPLETE, ()),
        (StackStatus.UPDATE_ROLLBACK_COMPLETE, ()),
    ],
)
def test_only_what_the_call_takes_is_named(status: StackStatus, names: tuple[str, ...]) -> None:
    assert stuck_resources(ROOT, status, TREE) == names


def test_a_resource_without_a_reason_counts_and_no_resources_are_none() -> None:
    bare = {"LogicalResourceId": "Topic", "ResourceStatus": "UPDATE_FAILED", "ResourceType": "AWS::SNS::Topic"}
    assert stuck_resources(ROOT, StackStatus.UPDATE_ROLLBACK_FAILED, {ROOT: [bare]}) == ("Topic",)
    assert stuck_resources(ROOT, StackStatus.DELETE_FAILED, {}) == ()

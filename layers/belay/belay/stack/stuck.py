"""Which resources a stack is stuck on, spelled as the call that goes on without them takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from belay.stack.cause import was_cancelled
from belay.stack.status import StackStatus

Resource = Mapping[str, Any]
"""One element of ListStackResources' ``StackResourceSummaries``
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceSummary.html)."""

_NESTED_STACK = "AWS::CloudFormation::Stack"


def stuck_resources(stack_id: str, status: StackStatus, resources: Mapping[str, Sequence[Resource]]) -> tuple[str, ...]:
    """Name the resources that keep a root stack in a failed status; empty in any other.

    ``resources`` maps the id of the stack and of each stack nested in it to its resources.

    - UPDATE_ROLLBACK_FAILED: what ``ResourcesToSkip`` of ContinueUpdateRollback takes, that is, resources that are
      UPDATE_FAILED because the rollback failed and not because they were cancelled, those of a nested stack as
      ``NestedStackName.LogicalId``; a nested stack itself only where its deletion failed
      (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html).
    - DELETE_FAILED: what ``RetainResources`` of DeleteStack takes, logical ids of the stack itself
      (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html).
    - The other failures have no such call: every failed resource, nested ones spelled as above.
    """
    if not status.failed:
        return ()
    if status is StackStatus.DELETE_FAILED:
        return tuple(
            str(each["LogicalResourceId"])
            for each in resources.get(stack_id, ())
            if each["ResourceStatus"] == "DELETE_FAILED"
        )
    wanted = _skippable if status is StackStatus.UPDATE_ROLLBACK_FAILED else _failed
    return tuple(_spelled(owner, each, stack_id) for owner, them in resources.items() for each in them if wanted(each))


def _skippable(resource: Resource) -> bool:
    if resource["ResourceType"] == _NESTED_STACK:
        return bool(resource["ResourceStatus"] == "DELETE_FAILED")
    return resource["ResourceStatus"] == "UPDATE_FAILED" and not was_cancelled(resource)


def _failed(resource: Resource) -> bool:
    failed = str(resource["ResourceStatus"]).endswith("_FAILED")
    return failed and resource["ResourceType"] != _NESTED_STACK and not was_cancelled(resource)


def _spelled(owner: str, resource: Resource, stack_id: str) -> str:
    logical_id = str(resource["LogicalResourceId"])
    return logical_id if owner == stack_id else f"{owner.split('/')[1]}.{logical_id}"

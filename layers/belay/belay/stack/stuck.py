"""The resources that a stack is stuck on, in the format of the call that continues without them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belay.stack.cause import Event, event_time, in_order, was_cancelled
from belay.stack.stateful import is_stateful
from belay.stack.status import StackStatus

Resource = Mapping[str, Any]
"""One element of ListStackResources' ``StackResourceSummaries``
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceSummary.html)."""

_NESTED_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class StuckResource:
    """A resource that could not be rolled back, and that ContinueUpdateRollback's ``ResourcesToSkip`` accepts.

    ``skip_as`` is its name in that call, ``path`` its logical path from the root stack, ``stack_id`` the stack it
    belongs to. ``reason`` is CloudFormation's. ``needs`` are the paths of other stuck resources that it depends on, and
    that may have made it fail.
    """

    skip_as: str
    path: str
    stack_id: str
    logical_id: str
    resource_type: str
    reason: str = ""
    needs: tuple[str, ...] = ()

    @property
    def stateful(self) -> bool:
        """Whether it holds data."""
        return is_stateful(self.resource_type)

    @property
    def forbidden(self) -> bool:
        """Whether it failed because CloudFormation's role lacks a permission, which a person can grant."""
        return bool(_FORBIDDEN.search(self.reason))


_FORBIDDEN = re.compile(
    r"access ?denied|not authorized|unauthorized(operation|access)|explicit deny|status code: 403", re.IGNORECASE
)
"""How services respond to a call that a role may not make
(https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
"""

Needs = Mapping[str, Mapping[str, Collection[str]]]
"""By stack id: the logical ids that each logical id of the stack's template depends on (``template.dependencies``)."""


def stuck_in_rollback(
    stack_id: str, resources: Mapping[str, Sequence[Resource]], events: Mapping[str, Sequence[Event]], needs: Needs
) -> tuple[StuckResource, ...]:
    """Return the resources of a root stack in UPDATE_ROLLBACK_FAILED that may be skipped, in the order they failed.

    ``resources`` and ``events`` are by the id of the stack and of each nested stack. Only resources that are
    UPDATE_FAILED "because a rollback failed" may be skipped: their newest failure is after the beginning of their
    stack's last rollback, and they were not cancelled. A nested stack itself may be skipped only if its deletion failed
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html).
    """
    paths = dict(_paths(stack_id, (), resources))
    found = [
        (event_time(failed), owner, resource, failed.get("ResourceStatusReason") or "")
        for owner in paths
        for resource in resources[owner]
        if _skippable(resource) and (failed := _failed_in_rollback(resource, events.get(owner, ())))
    ]
    here = {(*paths[owner], str(resource["LogicalResourceId"])) for _, owner, resource, _ in found}
    wider = {(*path, name): needed for owner, path in paths.items() for name, needed in needs.get(owner, {}).items()}
    return tuple(
        StuckResource(
            skip_as=_spelled(owner, resource, stack_id),
            path="/".join(path),
            stack_id=owner,
            logical_id=path[-1],
            resource_type=resource["ResourceType"],
            reason=reason,
            needs=tuple(sorted("/".join(other) for other in here if other != path and _leans(path, other, wider))),
        )
        for _, owner, resource, reason in sorted(found, key=lambda item: item[0])
        for path in [(*paths[owner], str(resource["LogicalResourceId"]))]
    )


def differences_in_words(drift: Mapping[str, Any]) -> str:
    """Return how a resource differs from its template, from DetectStackResourceDrift's StackResourceDrift.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDrift.html
    """
    if drift.get("DriftStatusReason"):
        return str(drift["DriftStatusReason"])
    if drift["StackResourceDriftStatus"] == "DELETED":
        return "it no longer exists"
    return ", ".join(sorted(each["PropertyPath"] for each in drift.get("PropertyDifferences") or ()))


def _paths(
    stack_id: str, path: tuple[str, ...], resources: Mapping[str, Sequence[Resource]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the stack and each nested stack with its logical path."""
    yield stack_id, path
    for resource in resources.get(stack_id, ()):
        child = str(resource.get("PhysicalResourceId"))
        if resource["ResourceType"] == _NESTED_STACK and child in resources and child != stack_id:
            yield from _paths(child, (*path, resource["LogicalResourceId"]), resources)


def _failed_in_rollback(resource: Resource, events: Sequence[Event]) -> Event | None:
    """Return the newest event of the resource's failure, if that was in its stack's last rollback."""
    for event in reversed(in_order(events)):
        of_the_stack = event.get("PhysicalResourceId") == event["StackId"]
        if of_the_stack and event["ResourceStatus"] == StackStatus.UPDATE_ROLLBACK_IN_PROGRESS:
            return None
        same = not of_the_stack and event["LogicalResourceId"] == resource["LogicalResourceId"]
        if same and event["ResourceStatus"] == resource["ResourceStatus"] and not was_cancelled(event):
            return event
    return None


def _leans(path: tuple[str, ...], other: tuple[str, ...], needs: Mapping[tuple[str, ...], Collection[str]]) -> bool:
    """Return whether a resource, or the nested stack it is in, depends on another, directly or through others."""
    common = next((i for i, (mine, its) in enumerate(zip(path, other, strict=False)) if mine != its), None)
    if common is None:
        return False
    stack, wanted = path[:common], other[common]
    seen, waiting = set(), [path[common]]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += needs.get((*stack, name), ())
    return wanted in seen


def stuck_resources(stack_id: str, status: StackStatus, resources: Mapping[str, Sequence[Resource]]) -> tuple[str, ...]:
    """Return the resources that keep a root stack in a failed status; empty in any other status.

    ``resources`` maps the id of the stack and of each nested stack to its resources.

    - UPDATE_ROLLBACK_FAILED: those that ContinueUpdateRollback's ``ResourcesToSkip`` accepts, that is, resources that
      are UPDATE_FAILED because the rollback failed and not because they were cancelled, nested ones as
      ``NestedStackName.LogicalId``; a nested stack itself only if its deletion failed
      (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html).
    - DELETE_FAILED: those that DeleteStack's ``RetainResources`` accepts, logical ids of the stack itself
      (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html).
    - Other failures have no such call: every failed resource, with nested ones named as above.
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

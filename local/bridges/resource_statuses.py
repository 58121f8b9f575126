"""Gap: describing a stack's resources hides what failed.

AWS shows every resource with the status and reason of its latest event: UPDATE_FAILED for one that could not be rolled
back (only those may be skipped), CREATE_FAILED for one that was never created. ministack keeps the earlier status and
leaves out what has no physical resource. It can be removed once ministack shows them.
"""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services.cloudformation import _stack_events, handlers
from ministack.services.cloudformation.helpers import _p

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]


def install() -> None:
    """Bring the records up to date before they are described, and add the resources that have none."""
    actions = handlers._ACTION_HANDLERS
    actions["DescribeStackResource"] = _described(actions["DescribeStackResource"], "", "")
    actions["DescribeStackResources"] = _described(actions["DescribeStackResources"], "StackResources", "Timestamp")
    actions["ListStackResources"] = _described(
        actions["ListStackResources"], "StackResourceSummaries", "LastUpdatedTimestamp"
    )


def _described(handle: Callable[[Any], Answer], listed: str, timestamp: str) -> Callable[[Any], Answer]:
    def handle_up_to_date(parameters: Any) -> Answer:
        stack = handlers._resolve_stack(_p(parameters, "StackName"))
        if stack is None:
            return handle(parameters)
        latest = _latest_events(stack)
        for logical_id, record in stack["_resources"].items():
            event = latest.get(logical_id)
            if event is not None:
                record.update(
                    ResourceStatus=event["ResourceStatus"], ResourceStatusReason=event["ResourceStatusReason"]
                )
        status, headers, body = handle(parameters)
        if not listed or _p(parameters, "LogicalResourceId"):
            return status, headers, body
        never_made = [
            event
            for logical_id, event in latest.items()
            if logical_id not in stack["_resources"] and event["ResourceStatus"].endswith("_FAILED")
        ]
        members = "".join(_member(event, timestamp) for event in never_made)
        return status, headers, body.replace(f"</{listed}>".encode(), f"{members}</{listed}>".encode())

    return handle_up_to_date


def _latest_events(stack: Record) -> dict[str, Record]:
    events = _stack_events.get(stack["StackId"], [])
    return {event["LogicalResourceId"]: event for event in events if event["LogicalResourceId"] != stack["StackName"]}


def _member(event: Record, timestamp: str) -> str:
    members = {
        "LogicalResourceId": event["LogicalResourceId"],
        "ResourceType": event["ResourceType"],
        "ResourceStatus": event["ResourceStatus"],
        "ResourceStatusReason": event["ResourceStatusReason"],
        timestamp: event["Timestamp"],
        "StackName": event["StackName"],
        "StackId": event["StackId"],
    }
    return f"<member>{''.join(f'<{name}>{escape(value)}</{name}>' for name, value in members.items())}</member>"

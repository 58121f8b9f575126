"""Gap: CloudFormation emits no EventBridge events.

AWS sends ``CloudFormation Stack Status Change`` and ``CloudFormation Resource Status Change`` for every stack event,
with the client request token of the operation behind it
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html). It can be
removed once ministack emits them.
"""

import contextvars
import json
import sys
from typing import Any

import ministack.app
from ministack.services import eventbridge
from ministack.services.cloudformation import stacks


def install() -> None:
    """Send an event to the default bus for every stack event recorded."""
    record = stacks._add_event

    def record_and_send(stack_id: str, stack_name: str, logical_id: str, *event: str, **more: str) -> None:
        record(stack_id, stack_name, logical_id, *event, **more)
        resource_type, status, reason, physical_id = _parts(*event, **more)
        detail: dict[str, Any] = {"stack-id": stack_id, "status-details": {"status": status, "status-reason": reason}}
        of_stack = resource_type == "AWS::CloudFormation::Stack" and logical_id == stack_name
        if not of_stack:
            detail |= {
                "logical-resource-id": logical_id,
                "physical-resource-id": physical_id,
                "resource-type": resource_type,
            }
        detail["client-request-token"] = stacks.CLIENT_REQUEST_TOKEN.get()
        _send(f"CloudFormation {'Stack' if of_stack else 'Resource'} Status Change", stack_id, detail)

    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("ministack.") and getattr(module, "_add_event", None) is record:
            module._add_event = record_and_send  # type: ignore[attr-defined]


def _parts(resource_type: str, status: str, reason: str = "", physical_id: str = "", *_: str, **__: str) -> list[str]:
    return [resource_type, status, reason, physical_id]


def _send(detail_type: str, stack_id: str, detail: dict[str, Any]) -> None:
    """Publish from the server's loop, where PutEvents runs too, and after the caller has finished with the stack."""
    entry = {
        "Source": "aws.cloudformation",
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": [stack_id],
    }
    ministack.app._MAIN_LOOP.call_soon_threadsafe(_publish, entry, context=contextvars.copy_context())


def _publish(entry: dict[str, Any]) -> None:
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

"""What DescribeEvents reports about a change set or an operation that failed validation or a hook."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_POINTER = re.compile(r"\s*(?:To troubleshoot\b[^.]*?,\s*use the|Call|Use the) DescribeEvents\b.*", re.IGNORECASE)
"""The part of CloudFormation's reason that points to DescribeEvents, useless beside its response."""

_MOST = 10


_FAILED = re.compile(r"^Validation failed with \d+ error", re.IGNORECASE)


def failed_validation(reason: str) -> bool:
    """Whether an operation failed validation, so that DescribeEvents names the cause."""
    return bool(_FAILED.match(reason))


def sends_to_events(reason: str) -> bool:
    """Whether CloudFormation's reason names no cause but points to DescribeEvents."""
    return "DescribeEvents" in reason


def with_events(reason: str, events: Sequence[Mapping[str, Any]]) -> str:
    """Return CloudFormation's reason with what its failed events name: resource, property and reason.

    ``events`` are DescribeEvents' ``OperationEvents`` with ``FailedEvents``
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_OperationEvent.html). Validations and hooks
    that only warn are left out; without any other event the reason is returned alone.
    """
    named = [*dict.fromkeys(filter(None, map(_in_words, events)))]
    if not named:
        return reason
    more = [f"and {len(named) - _MOST} more"] if len(named) > _MOST else []
    return f"{_POINTER.sub('', reason).rstrip('.: ')}: {'; '.join([*named[:_MOST], *more])}"


def _in_words(event: Mapping[str, Any]) -> str | None:
    """Describe one event in a line; None for one that only warns, or that repeats the operation's own end."""
    resource = f"{event.get('LogicalResourceId')} ({event.get('ResourceType')})"
    match event.get("EventType"):
        case "VALIDATION_ERROR" if event.get("ValidationFailureMode") != "WARN":
            return f"{resource}{_property(event)}: {_one_line(event.get('ValidationStatusReason'))}"
        case "HOOK_INVOCATION_ERROR" if event.get("HookFailureMode") != "WARN":
            return f"{resource}, hook {event.get('HookType')}: {_one_line(event.get('HookStatusReason'))}"
        case "PROVISIONING_ERROR" if event.get("PhysicalResourceId") != event.get("StackId"):
            return f"{resource}: {_one_line(event.get('ResourceStatusReason'))}"
        case _:
            return None


def _property(event: Mapping[str, Any]) -> str:
    """Return ``, property LifecycleConfiguration/Rules/2`` for ``/Resources/Bucket/Properties/Lifecycle...``."""
    path = str(event.get("ValidationPath") or "")
    resource = f"/Resources/{event.get('LogicalResourceId')}"
    inside = path.removeprefix(resource).removeprefix("/Properties").strip("/")
    return f", property {inside}" if inside else ""


def _one_line(reason: Any) -> str:
    return " ".join(str(reason or "CloudFormation gives no reason").split()).rstrip(".")

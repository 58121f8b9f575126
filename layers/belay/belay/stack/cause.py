"""The root cause of a failed stack operation: the first resource that failed, including nested stacks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Event = Mapping[str, Any]
"""One element of DescribeStackEvents' ``StackEvents``
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html); ``Timestamp`` is botocore's
``datetime`` or ISO 8601 text.
"""

_CANCELLED = re.compile(r"^\s*resource (creation|update|deletion|import) cancell?ed", re.IGNORECASE)
"""CloudFormation's reason on resources it stopped because another one had failed: never the cause."""

_NESTED_STACK = "AWS::CloudFormation::Stack"

_LONGEST_REASON = 2000


@dataclass(frozen=True)
class Cause:
    """The resource, or the stack itself, that failed first.

    ``path`` are the logical ids from the root stack down (``("Database", "Instance")``), empty if the stack itself
    failed (a rollback trigger, a timeout, a cancelled update). ``stack_id`` is the stack with the event, ``time`` is in
    UTC.
    """

    path: tuple[str, ...]
    resource_type: str
    status: str
    reason: str
    time: datetime
    stack_id: str
    physical_id: str | None = None

    @property
    def logical_path(self) -> str:
        """The path as text, ``Database/Instance``, or the stack's name if the stack itself failed."""
        return "/".join(self.path) or _stack_name(self.stack_id)

    def in_words(self) -> str:
        """Return one sentence: what failed, how, when and why."""
        what = f"{self.logical_path} ({self.resource_type})" if self.path else f"stack {self.logical_path}"
        return f"{what} {_failure(self.status)} at {self.time:%H:%M:%S} UTC: {self.reason}"


def first_cause(
    events: Sequence[Event], nested: Mapping[str, Sequence[Event]] | None = None, *, token: str | None = None
) -> Cause | None:
    """Return what failed first in one operation on a stack, or None if nothing failed.

    ``events`` are the root stack's, in any order; ``token`` is the operation's ClientRequestToken; without it all
    events count as one operation. ``nested`` maps the id of each nested stack to its events, of which those within the
    operation's time count. A resource that was only cancelled because another one failed is never the cause, nor is a
    nested stack whose own events name a resource in it. If no resource failed, the cause is the stack's own first event
    that failed or rolled back (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html).
    """
    operation = in_order(event for event in events if token is None or event.get("ClientRequestToken") == token)
    if not operation:
        return None
    first, last = event_time(operation[0]), event_time(operation[-1])
    inner = {
        stack: [event for event in in_order(them) if first <= event_time(event) <= last]
        for stack, them in (nested or {}).items()
    }
    failures = sorted(_failures((), operation, inner, frozenset()), key=lambda cause: cause.time)
    return failures[0] if failures else _of_the_stack(operation)


def nested_stack_ids(events: Sequence[Event], *, token: str | None = None) -> tuple[str, ...]:
    """Return the ids of the nested stacks that failed in an operation, whose events ``first_cause`` needs as well."""
    operation = in_order(event for event in events if token is None or event.get("ClientRequestToken") == token)
    failed = (event for event in operation if _is_failure(event) and event.get("ResourceType") == _NESTED_STACK)
    ids = (_physical_id(event, operation) for event in failed)
    return tuple(dict.fromkeys(each for each in ids if each))


def was_cancelled(resource: Mapping[str, Any]) -> bool:
    """Return whether an event or resource failed only because CloudFormation stopped it after another failure."""
    return bool(_CANCELLED.match(resource.get("ResourceStatusReason") or ""))


def in_order(events: Iterator[Event] | Sequence[Event]) -> list[Event]:
    """Return events oldest first. DescribeStackEvents returns newest first: of equal times, the later one is older."""
    placed = sorted(enumerate(events), key=lambda item: (event_time(item[1]), -item[0]))
    return [event for _, event in placed]


def _failures(
    path: tuple[str, ...], events: Sequence[Event], nested: Mapping[str, Sequence[Event]], seen: frozenset[str]
) -> Iterator[Cause]:
    """Yield every resource that failed by itself: in nested stacks whose events are known, the innermost ones."""
    for event in filter(_is_failure, events):
        here = (*path, event["LogicalResourceId"])
        child = _physical_id(event, events)
        inside: list[Cause] = []
        if event.get("ResourceType") == _NESTED_STACK and child in nested and child not in seen:
            inside = list(_failures(here, nested[child], nested, seen | {child}))
        if inside:
            yield from inside
        elif not was_cancelled(event):
            yield _cause(here, event, events)


def _physical_id(event: Event, events: Sequence[Event]) -> str:
    """Return the physical id of the event or of another event of the same resource; empty if there is none."""
    same = (each for each in (event, *events) if each["LogicalResourceId"] == event["LogicalResourceId"])
    return next((str(each["PhysicalResourceId"]) for each in same if each.get("PhysicalResourceId")), "")


def _is_failure(event: Event) -> bool:
    """Return whether an event is the failure of a resource, not of the event's own stack."""
    return str(event.get("ResourceStatus", "")).endswith("_FAILED") and not _is_stack(event)


def _is_stack(event: Event) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _of_the_stack(events: Sequence[Event]) -> Cause | None:
    own = (event for event in events if _is_stack(event))
    failed = (event for event in own if re.search(r"ROLLBACK|FAILED", str(event.get("ResourceStatus"))))
    event = next(failed, None)
    return _cause((), event, events) if event else None


def _cause(path: tuple[str, ...], event: Event, events: Sequence[Event]) -> Cause:
    return Cause(
        path=path,
        resource_type=event.get("ResourceType") or "unknown type",
        status=event["ResourceStatus"],
        reason=_reason(event, events),
        time=event_time(event),
        stack_id=event["StackId"],
        physical_id=event.get("PhysicalResourceId") or None,
    )


def _reason(event: Event, events: Sequence[Event]) -> str:
    """Return the event's reason on one line; for a hook's failure also the hook's reason, from its own event."""
    said = [event.get("ResourceStatusReason") or "CloudFormation gives no reason"]
    if "hook" in said[0].lower():
        hooks = (each for each in events if each.get("LogicalResourceId") == event.get("LogicalResourceId"))
        said += [each["HookStatusReason"] for each in hooks if each.get("HookStatusReason")]
    line = " ".join(" ".join(said).split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."


def event_time(event: Event) -> datetime:
    """Return an event's time in UTC."""
    stamp = event["Timestamp"]
    time = stamp if isinstance(stamp, datetime) else datetime.fromisoformat(stamp)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _failure(status: str) -> str:
    verbs = {
        "CREATE_FAILED": "could not be created",
        "UPDATE_FAILED": "could not be updated",
        "DELETE_FAILED": "could not be deleted",
        "IMPORT_FAILED": "could not be imported",
    }
    return verbs.get(status, f"became {status}")


def _stack_name(stack_id: str) -> str:
    """Return ``orders-network`` for ``arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-network/6a7e8feb``."""
    parts = stack_id.split("/")
    return parts[1] if len(parts) > 1 else stack_id

"""The root cause of a failed stack operation: what failed first, a resource (of nested stacks too) or the stack."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from belay.stack.stack_id import name_of_stack
from belay.stack.status import StackStatus

Event = Mapping[str, Any]
"""One element of DescribeStackEvents' ``StackEvents``
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html); ``Timestamp`` is botocore's
``datetime`` or ISO 8601 text.
"""

_CANCELLED = re.compile(r"^\s*resource (creation|update|deletion|import) cancell?ed", re.IGNORECASE)
"""CloudFormation's reason on resources it stopped because another one had failed: never the cause."""

_BY_RESOURCES = re.compile(r"^\s*The following resource\(s\) failed to", re.IGNORECASE)
"""CloudFormation's reason on a stack that failed because its resources did: they have their own events."""

_STACK_FAILS = re.compile(r"ROLLBACK_IN_PROGRESS|_FAILED|DELETE_IN_PROGRESS")
"""The statuses by which a stack's own event shows that it failed, was cancelled or is partly deleted."""

_NESTED_STACK = "AWS::CloudFormation::Stack"

_EMBEDDED = re.compile(r"^Embedded stack (?P<stack_id>arn:\S+:stack/\S+) was not successfully")
"""CloudFormation's reason on a failed nested stack, which identifies it."""

_REQUESTED = "User Initiated"
"""CloudFormation's reason on a stack when a user started the operation."""

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
        return "/".join(self.path) or name_of_stack(self.stack_id)

    def in_words(self) -> str:
        """Return one sentence: what failed, how, when and why."""
        what = f"{self.logical_path} ({self.resource_type})" if self.path else f"stack {self.logical_path}"
        return f"{what} {_failure(self)} at {self.time:%H:%M:%S} UTC: {self.reason}"


def first_cause(
    events: Sequence[Event], nested: Mapping[str, Sequence[Event]] | None = None, *, token: str | None = None
) -> Cause | None:
    """Return what failed first in one operation on a stack, or None if nothing failed.

    ``events`` are the root stack's, in any order; ``token`` is the operation's ClientRequestToken, without one it is
    the newest operation. ``nested`` maps the id of each nested stack to its events, of which those within the
    operation's time count. A resource that was only cancelled because another one failed is never the cause, nor is a
    nested stack whose own events name a resource in it. The stack itself is the cause if it failed before any resource
    did: a rollback trigger, an export in use, a cancellation; what fails while it rolls back comes later
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html).
    """
    operation = of_operation(events, token)
    found = _failures((), operation, _within(operation, nested or {}), frozenset())
    failures = sorted(found, key=lambda cause: cause.time)
    return failures[0] if failures else _of_the_stack(operation)


def what_keeps_it(
    events: Sequence[Event], nested: Mapping[str, Sequence[Event]] | None = None, *, token: str | None = None
) -> Cause | None:
    """Return why an operation left a stack in its status: the first failure in its rollback, or else in all of it.

    None if nothing failed in it. The parameters are those of ``first_cause``.
    """
    operation = of_operation(events, token)
    within = _within(operation, nested or {})
    turned = [number for number, each in enumerate(operation) if _is_stack(each) and _turns_back(each)]
    for part in (operation[turned[0] :], operation) if turned else (operation,):
        failures = sorted(_failures((), part, within, frozenset()), key=lambda cause: cause.time)
        if failures:
            return failures[0]
    return None


def _turns_back(event: Event) -> bool:
    return str(event["ResourceStatus"]).endswith("ROLLBACK_IN_PROGRESS")


def of_operation(events: Sequence[Event], token: str | None) -> list[Event]:
    """Return the events of the operation with a ClientRequestToken, or else of the newest one, oldest first.

    An operation ends in a terminal status of the stack. A cancellation has its own token but no operation of its own:
    it is part of the one that it stops.
    """
    operations: list[list[Event]] = [[]]
    last: Event | None = None
    for event in in_order(events):
        if _is_stack(event):
            if last is not None and _follows(last, event):
                operations.append([])
            last = event
        operations[-1].append(event)
    if token is None:
        return operations[-1]
    return next((each for each in operations if any(event.get("ClientRequestToken") == token for event in each)), [])


def _follows(last: Event, event: Event) -> bool:
    """Whether the second of two consecutive events of a stack itself begins another operation."""
    if not StackStatus(last["ResourceStatus"]).terminal:
        return False
    token = event.get("ClientRequestToken")
    by_itself = event.get("ResourceStatusReason") != _REQUESTED and "ROLLBACK" in str(event["ResourceStatus"])
    return not by_itself if token is None else token != last.get("ClientRequestToken")


def nested_stack_ids(
    events: Sequence[Event], nested: Mapping[str, Sequence[Event]] | None = None, *, token: str | None = None
) -> tuple[str, ...]:
    """Return the ids of the nested stacks that failed in an operation and are not in ``nested`` yet, at any depth.

    ``first_cause`` needs their events as well.
    """
    operation = of_operation(events, token)
    known = _within(operation, nested or {})
    found: dict[str, None] = {}
    for each in (operation, *known.values()):
        failed = (event for event in each if _is_failure(event) and event.get("ResourceType") == _NESTED_STACK)
        found |= dict.fromkeys(_nested_stack(event, each) for event in failed)
    return tuple(each for each in found if each and each not in known)


def was_cancelled(resource: Mapping[str, Any]) -> bool:
    """Return whether an event or resource failed only because CloudFormation stopped it after another failure."""
    return bool(_CANCELLED.match(resource.get("ResourceStatusReason") or ""))


def in_order(events: Iterator[Event] | Sequence[Event]) -> list[Event]:
    """Return events oldest first. DescribeStackEvents returns newest first: of equal times, the later one is older."""
    placed = sorted(enumerate(events), key=lambda item: (event_time(item[1]), -item[0]))
    return [event for _, event in placed]


def _within(operation: Sequence[Event], nested: Mapping[str, Sequence[Event]]) -> dict[str, list[Event]]:
    """Return the events of nested stacks within the time of an operation on their root stack, oldest first."""
    if not operation:
        return {}
    first, last = event_time(operation[0]), event_time(operation[-1])
    return {
        stack: [event for event in in_order(them) if first <= event_time(event) <= last]
        for stack, them in nested.items()
    }


def _failures(
    path: tuple[str, ...], events: Sequence[Event], nested: Mapping[str, Sequence[Event]], seen: frozenset[str]
) -> Iterator[Cause]:
    """Yield what failed by itself: the stack, its resources, and in nested stacks with known events the same."""
    begin = next(filter(_is_stack, events), None)
    for event in events:
        if _is_stack(event):
            if event is not begin and _fails_by_itself(event):
                yield _cause(path, event, events)
        elif _is_failure(event):
            here = (*path, event["LogicalResourceId"])
            child = _nested_stack(event, events)
            inside: list[Cause] = []
            if event.get("ResourceType") == _NESTED_STACK and child in nested and child not in seen:
                inside = list(_failures(here, nested[child], nested, seen | {child}))
            if was_cancelled(event):
                inside = [each for each in inside if each.path != here]
            if inside:
                yield from inside
            elif not was_cancelled(event):
                yield _cause(here, event, events)


def _fails_by_itself(event: Event) -> bool:
    """Whether a stack's own event says that it failed, and not only because its resources did."""
    reason = event.get("ResourceStatusReason") or ""
    failed = _STACK_FAILS.search(str(event.get("ResourceStatus")))
    return bool(failed and reason and not _BY_RESOURCES.match(reason)) and not was_cancelled(event)


def _nested_stack(event: Event, events: Sequence[Event]) -> str:
    """Return the id of the nested stack that an event is about; empty if its events do not show it."""
    same = (each for each in (event, *events) if each["LogicalResourceId"] == event["LogicalResourceId"])
    known = next((str(each["PhysicalResourceId"]) for each in same if each.get("PhysicalResourceId")), "")
    named = _EMBEDDED.match(event.get("ResourceStatusReason") or "")
    return known or (named["stack_id"] if named else "")


def _is_failure(event: Event) -> bool:
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


def _failure(cause: Cause) -> str:
    if not cause.path and cause.reason == _REQUESTED:
        return "was deleted halfway" if cause.status == StackStatus.DELETE_IN_PROGRESS else "was cancelled"
    verbs = {
        "CREATE_FAILED": "could not be created",
        "UPDATE_FAILED": "could not be updated",
        "DELETE_FAILED": "could not be deleted",
        "IMPORT_FAILED": "could not be imported",
    }
    return verbs.get(cause.status, f"became {cause.status}")

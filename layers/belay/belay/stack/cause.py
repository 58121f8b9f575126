"""Why a stack operation failed: the first resource that did, through nested stacks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Event = Mapping[str, Any]
"""One element of DescribeStackEvents' ``StackEvents``
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html); ``Timestamp`` as botocore gives
it (a ``datetime``) or as ISO 8601 text.
"""

_CANCELLED = re.compile(r"^\s*resource (creation|update|deletion|import) cancell?ed", re.IGNORECASE)
"""What CloudFormation writes on resources it stopped because another one had failed: never the cause."""

_NESTED_STACK = "AWS::CloudFormation::Stack"

_LONGEST_REASON = 2000


@dataclass(frozen=True)
class Cause:
    """The resource, or the stack itself, that failed first.

    ``path`` are the logical ids from the root stack down (``("Database", "Instance")``); it is empty when no resource
    is to blame but the stack itself (a rollback trigger, a timeout, a cancelled update). ``stack_id`` is the stack
    whose event says so, ``time`` is in UTC.
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
        """The path as one word: ``Database/Instance``; the stack's name when the stack itself is to blame."""
        return "/".join(self.path) or _stack_name(self.stack_id)

    def in_words(self) -> str:
        """One sentence for people: what failed, doing what, why and when."""
        what = f"{self.logical_path} ({self.resource_type})" if self.path else f"stack {self.logical_path}"
        return f"{what} {_deed(self.status)} at {self.time:%H:%M:%S} UTC: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """The cause as a JSON document."""
        return vars(self) | {"path": list(self.path), "time": self.time.isoformat()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Cause":
        """The inverse of ``to_dict``. Raises ``KeyError`` or ``TypeError`` when it was not written by it."""
        values = dict(document)
        return cls(**values | {"path": tuple(values["path"]), "time": datetime.fromisoformat(values["time"])})


def first_cause(
    events: Sequence[Event], nested: Mapping[str, Sequence[Event]] | None = None, *, token: str | None = None
) -> Cause | None:
    """Find what failed first in one operation on a stack; None when nothing failed.

    ``events`` are the root stack's, in any order; ``token`` is the operation's ClientRequestToken, and without it all
    events count as one operation. ``nested`` maps the id of each nested stack to its events; of those, the ones within
    the operation's time count. What was merely cancelled because something else failed is never the cause, nor is a
    nested stack whose own events name a resource inside it. When no resource failed, the stack's own first failing or
    rolling-back event speaks (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html).
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
    """The ids of the nested stacks that failed in an operation: whose events ``first_cause`` wants to see as well."""
    operation = in_order(event for event in events if token is None or event.get("ClientRequestToken") == token)
    failed = (event for event in operation if _is_failure(event) and event.get("ResourceType") == _NESTED_STACK)
    ids = (_physical_id(event, operation) for event in failed)
    return tuple(dict.fromkeys(each for each in ids if each))


def was_cancelled(resource: Mapping[str, Any]) -> bool:
    """Whether an event or a resource failed only because CloudFormation stopped it when something else had failed."""
    return bool(_CANCELLED.match(resource.get("ResourceStatusReason") or ""))


def in_order(events: Iterator[Event] | Sequence[Event]) -> list[Event]:
    """Events oldest first. DescribeStackEvents answers newest first: of equal times the one further down is older."""
    placed = sorted(enumerate(events), key=lambda item: (event_time(item[1]), -item[0]))
    return [event for _, event in placed]


def _failures(
    path: tuple[str, ...], events: Sequence[Event], nested: Mapping[str, Sequence[Event]], seen: frozenset[str]
) -> Iterator[Cause]:
    """Every resource that failed by itself, the deepest first where a nested stack's events are known."""
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
    """The event's physical id, or the one that another event of the same resource has; empty where none has one."""
    same = (each for each in (event, *events) if each["LogicalResourceId"] == event["LogicalResourceId"])
    return next((str(each["PhysicalResourceId"]) for each in same if each.get("PhysicalResourceId")), "")


def _is_failure(event: Event) -> bool:
    """Whether an event says that a resource (not the stack that the event belongs to) failed."""
    return str(event.get("ResourceStatus", "")).endswith("_FAILED") and not _is_stack(event)


def _is_stack(event: Event) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _of_the_stack(events: Sequence[Event]) -> Cause | None:
    own = (event for event in events if _is_stack(event))
    turned = (event for event in own if re.search(r"ROLLBACK|FAILED", str(event.get("ResourceStatus"))))
    event = next(turned, None)
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
    """The event's reason on one line; for a hook's refusal also what the hook said, which stands in its own event."""
    said = [event.get("ResourceStatusReason") or "CloudFormation gives no reason"]
    if "hook" in said[0].lower():
        hooks = (each for each in events if each.get("LogicalResourceId") == event.get("LogicalResourceId"))
        said += [each["HookStatusReason"] for each in hooks if each.get("HookStatusReason")]
    line = " ".join(" ".join(said).split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."


def event_time(event: Event) -> datetime:
    """When an event happened, in UTC."""
    stamp = event["Timestamp"]
    time = stamp if isinstance(stamp, datetime) else datetime.fromisoformat(stamp)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _deed(status: str) -> str:
    verbs = {
        "CREATE_FAILED": "could not be created",
        "UPDATE_FAILED": "could not be updated",
        "DELETE_FAILED": "could not be deleted",
        "IMPORT_FAILED": "could not be imported",
    }
    return verbs.get(status, f"went {status}")


def _stack_name(stack_id: str) -> str:
    """``orders-network`` of ``arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-network/6a7e8feb``."""
    parts = stack_id.split("/")
    return parts[1] if len(parts) > 1 else stack_id

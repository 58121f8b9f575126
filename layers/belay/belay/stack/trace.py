"""What a stack's events show about each resource that a rolled-back operation touched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from belay.stack.cause import Event, event_time, in_order, was_cancelled
from belay.stack.operation import BEGINS
from belay.stack.resource import NESTED_STACK
from belay.stack.stateful import is_stateful
from belay.stack.stuck import Resource


class Trace(StrEnum):
    """Why a resource's own events do not prove that it is as it was."""

    SKIPPED = "SKIPPED"
    """Its rollback failed, and the stack's rollback was continued without it: it is as the operation left it."""
    SILENT = "SILENT"
    """The operation changed it, and no event shows that it was changed back."""
    UNDELETED = "UNDELETED"
    """It was to be deleted, could not be, and still exists."""
    RETAINED = "RETAINED"
    """The stack no longer manages it, and its policy retains it."""

    @property
    def outlives(self) -> bool:
        """Whether the resource still exists although it is not part of the stack."""
        return self in (Trace.UNDELETED, Trace.RETAINED)


@dataclass(frozen=True)
class UnprovedResource:
    """A resource that an operation touched and whose own events do not prove that it is as it was.

    ``path`` is its logical path from the root stack, ``stack_id`` the stack it belongs to, ``at`` the time of the event
    that shows it (ISO 8601), ``reason`` CloudFormation's. ``drift`` is its ``StackResourceDriftStatus`` since then,
    None if it was not detected; ``differences`` says what differs; ``left`` says why CloudFormation cannot restore it.
    """

    path: str
    stack_id: str
    logical_id: str
    resource_type: str
    trace: Trace = Trace.SKIPPED
    physical_id: str = ""
    at: str = ""
    reason: str = ""
    drift: str | None = None
    differences: str = ""
    left: str | None = None

    @property
    def stateful(self) -> bool:
        """Whether it holds data."""
        return is_stateful(self.resource_type)

    @property
    def named(self) -> str:
        """Its path, type and physical id."""
        return f"{self.path} ({self.resource_type}, {self.physical_id})"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The event that leaves it in doubt; a later one puts it in doubt again."""
        return (self.stack_id, self.logical_id, self.physical_id, self.at)

    def compared(self, known: "UnprovedResource | None") -> "UnprovedResource":
        """Return it with what drift detection has found since the event, taken from ``known``."""
        if known is None:
            return self
        left = known.left or (None if known.drift == "IN_SYNC" else self.left)
        return replace(self, drift=known.drift, differences=known.differences, left=left)


def unproved(
    stack_id: str, events: Mapping[str, Sequence[Event]], resources: Mapping[str, Sequence[Resource]]
) -> tuple[UnprovedResource, ...]:
    """Return the resources of a stack that its events leave in doubt, nested ones included.

    ``events`` are those since the failed operation began, ``resources`` ListStackResources' StackResourceSummaries as
    they are now, both by the id of the stack and of each nested stack.
    """
    return tuple(_walked(stack_id, "", events, resources, frozenset()))


def undeleted(stack_id: str, events: Mapping[str, Sequence[Event]]) -> tuple[str, ...]:
    """Return what a successful operation could not delete, each in words with its physical id.

    The stack is still UPDATE_COMPLETE, "but one or more resources could not be deleted" (public case:
    bcgov/coverage-roadmap#744).
    """
    found = (each for each in unproved(stack_id, events, {}) if each.trace is Trace.UNDELETED)
    return tuple(f"{each.named}: {each.reason or 'CloudFormation gives no reason'}" for each in found)


def nested_in(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the ids of the nested stacks that an operation touched, from its stack's events."""
    ids = (each.get("PhysicalResourceId") for each in events if each.get("ResourceType") == NESTED_STACK)
    return tuple(dict.fromkeys(str(each) for each in ids if each and each != events[0]["StackId"]))


def _walked(
    stack_id: str,
    above: str,
    events: Mapping[str, Sequence[Event]],
    resources: Mapping[str, Sequence[Resource]],
    seen: frozenset[str],
) -> Iterator[UnprovedResource]:
    here = events.get(stack_id, ())
    yield from _of_one_stack(stack_id, above, here, resources.get(stack_id, ()))
    children = {str(each.get("PhysicalResourceId")): str(each["LogicalResourceId"]) for each in here}
    for child in (each for each in nested_in(here) if each not in seen):
        yield from _walked(child, f"{above}{children[child]}/", events, resources, seen | {stack_id})


def _of_one_stack(
    stack_id: str, above: str, events: Sequence[Event], resources: Sequence[Resource]
) -> Iterator[UnprovedResource]:
    told = _Told()
    for event in in_order(events):
        told.hear(event)
    standing = {str(each["LogicalResourceId"]): each for each in resources if each["ResourceStatus"] not in _GONE}
    for event, trace in told.doubts():
        logical_id, physical_id = str(event["LogicalResourceId"]), str(event.get("PhysicalResourceId") or "")
        now = standing.get(logical_id)
        if trace is Trace.SILENT and now is None:
            continue  # it was never created
        if trace.outlives and now is not None and _stands(now, physical_id):
            continue  # it belongs to the stack again
        yield UnprovedResource(
            path=f"{above}{logical_id}",
            stack_id=stack_id,
            logical_id=logical_id,
            resource_type=str(event.get("ResourceType") or "unknown type"),
            trace=trace,
            physical_id=physical_id,
            at=event_time(event).isoformat(),
            reason=event.get("ResourceStatusReason") or "",
            left=told.rolled_back_again(logical_id) if trace is Trace.SKIPPED else None,
        )


_GONE: Final = ("DELETE_COMPLETE", "DELETE_SKIPPED")
_KEPT: Final = {"DELETE_FAILED": Trace.UNDELETED, "DELETE_SKIPPED": Trace.RETAINED}


def _stands(resource: Resource, physical_id: str) -> bool:
    same = resource.get("PhysicalResourceId") == physical_id
    return same and resource["ResourceStatus"] != "DELETE_FAILED"


class _Told:
    """What the events of one stack, taken oldest first, show about its resources.

    A resource that is skipped "is set to UPDATE_COMPLETE" without an update of its own
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html), or keeps its
    failure; a later update that leaves it out does not restore it, so it stays in doubt. Once an update after that was
    rolled back, what CloudFormation compares the resource with may be that update's starting point.
    """

    def __init__(self) -> None:
        self._turned_back = False
        self._changed: dict[str, Event] = {}
        self._back: set[str] = set()
        self._failed: dict[str, Event] = {}
        self._skipped: dict[str, Event] = {}
        self._kept: dict[tuple[str, str], Event] = {}
        self._failure: Event | None = None
        self._before: set[str] = set()
        self._rolled_back_again: dict[str, Event | None] = {}

    def hear(self, event: Event) -> None:
        """Process the next event."""
        status = str(event["ResourceStatus"])
        if event.get("PhysicalResourceId") == event["StackId"]:
            self._hear_of_stack(status)
        elif status.startswith("DELETE_"):
            self._hear_of_deletion(event, status)
        elif self._turned_back:
            self._hear_of_rollback(event, status)
        elif event.get("PhysicalResourceId") and event.get("ResourceType") != NESTED_STACK:
            self._changed[str(event["LogicalResourceId"])] = event
        if not self._turned_back and status.endswith("_FAILED") and not was_cancelled(event):
            self._failure = self._failure or event

    def rolled_back_again(self, name: str) -> str | None:
        """Say that the update after a resource was skipped was rolled back, and why; None if there was none."""
        if name not in self._rolled_back_again:
            return None
        failure = self._rolled_back_again[name]
        because = "" if failure is None else f" ({failure['LogicalResourceId']}: {failure.get('ResourceStatusReason')})"
        return f"the update after that, which was to bring it back, was itself rolled back{because}"

    def doubts(self) -> Iterator[tuple[Event, Trace]]:
        """Yield the events that leave a resource in doubt, and the kind of doubt."""
        skipped = self._skipped | self._failed
        yield from ((event, Trace.SKIPPED) for event in skipped.values())
        if self._turned_back:
            known = self._back | skipped.keys()
            yield from ((event, Trace.SILENT) for name, event in self._changed.items() if name not in known)
        yield from ((event, _KEPT[str(event["ResourceStatus"])]) for event in self._kept.values())

    def _hear_of_stack(self, status: str) -> None:
        if status in BEGINS:
            self._turned_back = False
            self._skipped |= self._failed
            self._before = {*self._skipped}
            self._changed, self._back, self._failed, self._failure = {}, set(), {}, None
        elif status == "UPDATE_ROLLBACK_IN_PROGRESS":
            self._turned_back = True
            self._rolled_back_again |= dict.fromkeys(self._before, self._failure)
        elif status.startswith("UPDATE_COMPLETE"):
            for name in self._changed:
                self._rolled_back_again.pop(name, None)

    def _hear_of_deletion(self, event: Event, status: str) -> None:
        name, physical_id = str(event["LogicalResourceId"]), str(event.get("PhysicalResourceId") or "")
        self._back.add(name)
        if status in _KEPT and physical_id:
            self._kept[name, physical_id] = event
        elif status == "DELETE_COMPLETE":
            self._kept.pop((name, physical_id), None)

    def _hear_of_rollback(self, event: Event, status: str) -> None:
        name, reason = str(event["LogicalResourceId"]), str(event.get("ResourceStatusReason") or "")
        nested = event.get("ResourceType") == NESTED_STACK
        if status.endswith("_FAILED") and not was_cancelled(event) and not nested:
            self._failed[name] = event
        elif status.endswith("_IN_PROGRESS"):
            self._failed.pop(name, None)
        elif status.endswith("_COMPLETE"):
            self._back.add(name)
            if self._failed.pop(name, None) or "skipped" in reason.lower():
                self._skipped[name] = event

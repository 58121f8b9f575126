"""Ended incidents that left unstable stacks to a person: watched until the stacks are stable again."""

from collections.abc import Mapping, Sequence
from typing import Final

from belay.approval.asked import GivenAnswer
from belay.aws.clock import timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.sns import Notifications
from belay.control.on_call import BELAY
from belay.control.places import Places
from belay.control.topics import Topic
from belay.errors import AwsFault, may_pass
from belay.ledger.incidents import WatchedIncident
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Purpose
from belay.notify.incidents import healthy_again
from belay.notify.publication import told_on
from belay.release.left_to_do import LeftToDo
from belay.stack.command_line import detect_drift_command
from belay.stack.operation import last_operation
from belay.stack.stack_id import name_of_stack
from belay.stack.status import StackStatus
from belay.stack.trace import Trace, unproved
from belay.subject.incident import Incident
from belay.subject.subjects import ForeignOperation

_STABLE: Final = "all stacks that it left to a person are stable again"


class Unhealthy:
    """Remembers unstable stacks in the ledger; ``default_topic`` is for applications without their own."""

    def __init__(self, ledger: Ledger, places: Places, sns: Notifications, default_topic: str) -> None:
        self._ledger = ledger
        self._places = places
        self._sns = sns
        self._default_topic = default_topic

    def watch(self, incident: Incident, stacks: Mapping[str, str], left_to_do: Sequence[LeftToDo]) -> None:
        """Remember the stacks that are unstable when an incident ends, if any, and whether it left other work.

        ``stacks`` are the registered names of the incident's stacks, by id. If their account or region cannot be
        reached, all of them count as possibly unstable.
        """
        try:
            there = self._places.of_incident(incident)
            unstable = [stack_id for stack_id in stacks if not _stable(_status(there.stacks, stack_id))]
        except AwsFault as fault:
            if may_pass(fault):
                raise
            unstable = [*stacks]
        if unstable:
            names = {stacks[stack_id] for stack_id in unstable}
            self._ledger.incidents.watch(incident, unstable, more=any(each.subject not in names for each in left_to_do))

    def close_if_healthy(self, watched: WatchedIncident) -> str | None:
        """Announce, once, that all stacks of an incident are stable again; return its name, None if they are not.

        The incident is closed, unless it left other work to a person.
        """
        incident = watched.incident
        stacks = self._places.of_incident(incident).stacks
        statuses = {stack_id: _status(stacks, stack_id) for stack_id in watched.stack_ids}
        if not all(_stable(status) for status in statuses.values()):
            return None
        standing = [stack_id for stack_id, status in statuses.items() if status is not None]
        for stack_id in standing:
            self._note_repair(stacks, stack_id, incident)
        left = [each for stack_id in standing for each in _doubts(stacks, stack_id)]
        if not left and not watched.more:
            self._ledger.incidents.shut(incident, GivenAnswer("close", BELAY, timestamp(), _STABLE))
            self._ledger.incidents.left_no_more(incident)
        self._tell(watched, [_in_words(*stands) for stands in statuses.items()], left)
        self._ledger.incidents.watch_no_more(incident)
        return incident.name

    def _note_repair(self, stacks: Stacks, stack_id: str, incident: Incident) -> None:
        """Prevent a late event from opening another incident; Belay's own operations stay its own."""
        newest = stacks.newest_event(stack_id)
        if newest is None or self._ledger.operations.get(stack_id, last_operation(newest)) is not None:
            return
        self._ledger.operations.record(
            stack_id,
            last_operation(newest),
            incident.subject.origin,
            incident.stage,
            purpose=Purpose.REPAIR,
            now=timestamp(),
        )

    def _tell(self, watched: WatchedIncident, stacks: Sequence[str], left: Sequence[LeftToDo]) -> None:
        subject = watched.incident.subject
        message = healthy_again(
            subject.application,
            subject.stage,
            incident=watched.incident.name,
            thread=subject.thread,
            stacks=stacks,
            left_to_do=left,
            more=watched.more,
            version=None if isinstance(subject, ForeignOperation) else subject.label,
        )
        topic = Topic(self._sns, told_on(subject.topic, self._default_topic), self._ledger)
        topic.publish(message, [watched.incident.place])


def _doubts(stacks: Stacks, stack_id: str) -> list[LeftToDo]:
    """Return what was skipped when a stack was made stable again: a stable status does not show that."""
    found = unproved(stack_id, stacks.events_since(stack_id, None), {})
    return [
        LeftToDo(
            name_of_stack(stack_id),
            f"compare {each.path} ({each.resource_type}) with the template",
            "the stack's rollback was continued without it, so that it may be as the failed operation left it",
            look=detect_drift_command(each.stack_id, each.logical_id),
        )
        for each in found
        if each.trace is Trace.SKIPPED
    ]


def _status(stacks: Stacks, stack_id: str) -> StackStatus | None:
    """Return a stack's state, None if it was deleted."""
    description = stacks.describe_stack(stack_id)
    if description is None or description["StackStatus"] == StackStatus.DELETE_COMPLETE:
        return None
    return StackStatus(description["StackStatus"])


def _stable(status: StackStatus | None) -> bool:
    """Whether a stack can be updated, or was deleted."""
    return status is None or status.updatable


def _in_words(stack_id: str, status: StackStatus | None) -> str:
    return f"{name_of_stack(stack_id)} is {status or 'deleted'}"

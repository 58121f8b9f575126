"""A stack's operations, according to its events, and when CloudFormation accepts the next one."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from belay.stack.cause import Event, event_time, in_order
from belay.stack.status import StackStatus

BEGINS: Final = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
"""The statuses in which every operation begins, and only a beginning operation."""

LONGEST_SILENCE: Final = timedelta(hours=12)
"""How long to wait for a stack in progress without a new event: the longest that a wait condition may take
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitcondition.html).
"""

SILENT: Final = f"CloudFormation has said nothing about it for {LONGEST_SILENCE // timedelta(hours=1)} hours"

_IN_CONSOLE: Final = "Console-"
"""The prefix of the token of an operation started in the console (page of StackEvent)."""


@dataclass(frozen=True)
class TakenOver:
    """An operation that another one interrupted before it had ended: a cancellation, a deletion.

    ``token`` is the interrupted operation's, ``by_token`` the other one's; ``began`` is the status in which that began,
    ``at`` when (UTC).
    """

    token: str | None
    by_token: str | None
    began: StackStatus
    at: datetime

    @property
    def by(self) -> str:
        """Who did it, as far as CloudFormation's events show."""
        if self.by_token is None:
            return "someone other than Belay"
        where = "a person in the CloudFormation console" if self.by_token.startswith(_IN_CONSOLE) else "someone else"
        return f"{where} (client request token {self.by_token})"

    def in_words(self, stack_name: str) -> str:
        """Describe it, as in ``cancelled the update of the stack orders-production at 09:41:05 UTC``."""
        done = "began another operation on"
        if self.began.rolling_back:
            done = "cancelled the update of"
        elif self.began is StackStatus.DELETE_IN_PROGRESS:
            done = "deleted"
        return f"{done} the stack {stack_name} at {self.at:%H:%M:%S} UTC"


@dataclass(frozen=True)
class OperationSeen:
    """The progress of an operation: its newest status, None before its first event, and what interrupted it."""

    status: StackStatus | None
    taken_over: TakenOver | None = None


def operation_seen(events: Iterable[Event], stack_id: str, token: str) -> OperationSeen:
    """Return the progress of a stack's operation, from the stack's events, newest first.

    An operation has no more events once another one takes the stack over: the rollback of a cancelled update carries
    the token of CancelUpdateStack. Reads no more events than needed.
    """
    later: Event | None = None
    for event in events:
        if event.get("PhysicalResourceId") != stack_id:
            continue
        if event.get("ClientRequestToken") == token:
            status = StackStatus(event["ResourceStatus"])
            return OperationSeen(status, _interrupted(event, later) if later is not None else None)
        later = event
    return OperationSeen(None)


def taken_over(events: Iterable[Event], stack_id: str, by: str | None = None) -> TakenOver | None:
    """Return what the operation with the token ``by``, or else a stack's last one, interrupted; None if nothing.

    ``events`` are the stack's, newest first.
    """
    own = (event for event in events if event.get("PhysicalResourceId") == stack_id)
    for later, event in pairwise(own):
        token, by_token = (each.get("ClientRequestToken") or None for each in (event, later))
        if by in (None, by_token) and (token != by_token or (not token and later["ResourceStatus"] in BEGINS)):
            return _interrupted(event, later)
    return None


def _interrupted(last: Event, by: Event) -> TakenOver | None:
    """Return an operation's interruption after its ``last`` event, unless it had ended by then."""
    if not StackStatus(last["ResourceStatus"]).in_progress:
        return None
    token, by_token = (each.get("ClientRequestToken") or None for each in (last, by))
    return TakenOver(token, by_token, StackStatus(by["ResourceStatus"]), event_time(by))


_TOO_EARLY = re.compile(
    r"\bis in \S+ state|current stack status|cannot be deleted while in status|"
    r"cannot be executed in its current (?:execution )?status|only when the stack is in|stack status is not|"
    r"\bStack (?:with id )?\S+ does not exist|operation .*\bis (?:already |currently )?in progress",
    re.IGNORECASE,
)
"""CloudFormation's wordings for a call that the stack's or change set's current status does not allow.

Public reports have them: amplify-backend#2366 and guidance-for-clickstream-analytics-on-aws#573 (DeleteStack),
amazon-chime-sdk-js#1089 (an obsolete change set), eks-perf-tests#517 (FORCE_DELETE_STACK). Termination protection is
worded otherwise: it is permanent.
"""


def refused_for_now(code: str, message: str) -> bool:
    """Whether CloudFormation refused a call only because of a current status, so that a retry may succeed.

    ``InvalidChangeSetStatus`` is "for example, the change set status might be CREATE_IN_PROGRESS, or the stack status
    might be UPDATE_IN_PROGRESS"
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html).
    """
    return code == "InvalidChangeSetStatus" or bool(_TOO_EARLY.search(message))


def last_token(events: Sequence[Event]) -> str | None:
    """Return the ClientRequestToken of a stack's newest event.

    "All events initiated by a given stack operation are assigned the same client request token"
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html). None if the operation was
    started without one (Belay always passes one), or if there are no events.
    """
    newest = in_order(events)[-1:]
    return (newest[0].get("ClientRequestToken") or None) if newest else None


def last_operation(newest: Event) -> str:
    """Return an identity of a stack's last operation from its newest event: its token, or else the event's id.

    An operation without a token is identified by its last event, as long as nothing else happens to the stack.
    """
    return last_token([newest]) or str(newest["EventId"])


def last_change_began(events: Iterable[Event], stack_id: str) -> datetime | None:
    """Return when the last change of a stack began, from its events, newest first; None if they do not show it."""
    began = (each for each in events if each.get("PhysicalResourceId") == stack_id and each["ResourceStatus"] in BEGINS)
    newest = next(began, None)
    return None if newest is None else newest["Timestamp"]


def since(events: Iterable[Event], operation: str | None) -> list[Event]:
    """Return a stack's events, newest first, back to the beginning of an operation named by ``last_operation``.

    Back to the beginning of the last one if none is named, or if the events do not show it any more.
    """
    found: list[Event] = []
    last, seen = None, operation is None
    for event in events:
        found.append(event)
        seen = seen or operation in (event.get("ClientRequestToken"), event.get("EventId"))
        if event.get("PhysicalResourceId") == event["StackId"] and event["ResourceStatus"] in BEGINS:
            if seen:
                return found
            last = last or len(found)
    return found[:last]

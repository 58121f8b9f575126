"""A stack's last operation, according to its events, and when CloudFormation accepts the next one."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from belay.stack.cause import Event, in_order

BEGINS: Final = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
"""The statuses in which every operation begins, and only a beginning operation."""


_TOO_EARLY = re.compile(
    r"\bis in \S+ state|current stack status|cannot be deleted while in status|"
    r"cannot be executed in its current (?:execution )?status|only when the stack is in|stack status is not|"
    r"\bStack (?:with id )?\S+ does not exist|operation .*\bis (?:already |currently )?in progress",
    re.IGNORECASE,
)
"""CloudFormation's wordings for a call that the status of the stack or the change set does not allow now.

Public reports have them: amplify-backend#2366 and guidance-for-clickstream-analytics-on-aws#573 (DeleteStack),
amazon-chime-sdk-js#1089 (an obsolete change set), eks-perf-tests#517 (FORCE_DELETE_STACK). Termination protection is
worded otherwise: it stays.
"""


def refused_for_now(code: str, message: str) -> bool:
    """Whether CloudFormation refused a call only because of the status that something is in: it may be accepted later.

    ``InvalidChangeSetStatus`` is "for example, the change set status might be CREATE_IN_PROGRESS, or the stack status
    might be UPDATE_IN_PROGRESS" (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html).
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
    """Return a stack's events, newest first, back to the beginning of an operation: ``last_operation`` names it.

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

"""A stack's last operation, according to its events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from belay.stack.cause import Event, in_order

_BEGINS: Final = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
"""The statuses in which every operation begins, and only a beginning operation."""


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
    began = (
        each for each in events if each.get("PhysicalResourceId") == stack_id and each["ResourceStatus"] in _BEGINS
    )
    newest = next(began, None)
    return None if newest is None else newest["Timestamp"]

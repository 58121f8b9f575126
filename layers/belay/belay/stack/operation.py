"""Whose operation a stack went through last, told by its events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from belay.stack.cause import Event, in_order

_BEGINS: Final = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
"""What a stack goes into when somebody begins to change it, and nothing else puts it into."""


def last_token(events: Sequence[Event]) -> str | None:
    """The ClientRequestToken of the operation that the newest of a stack's events belongs to.

    "All events initiated by a given stack operation are assigned the same client request token"
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html). None where the operation
    was started without one, which is never one of Belay's, or where there are no events.
    """
    newest = in_order(events)[-1:]
    return (newest[0].get("ClientRequestToken") or None) if newest else None


def last_operation(newest: Event) -> str:
    """Name the operation that a stack went through last by its newest event: its token, or the event's own id.

    An operation that was begun without a token is told apart by the event that ended it, for as long as nothing else
    happens to the stack.
    """
    return last_token([newest]) or str(newest["EventId"])


def last_change_began(events: Iterable[Event], stack_id: str) -> datetime | None:
    """Tell when somebody last began to change a stack, from its events, newest first; None where none of them says."""
    began = (
        each for each in events if each.get("PhysicalResourceId") == stack_id and each["ResourceStatus"] in _BEGINS
    )
    newest = next(began, None)
    return None if newest is None else newest["Timestamp"]

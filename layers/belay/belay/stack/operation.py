"""Whose operation a stack went through last, told by its events."""

from collections.abc import Sequence

from belay.stack.cause import Event, in_order


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

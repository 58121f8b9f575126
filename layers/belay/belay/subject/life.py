"""The life of an incident: it is recovered, then over, or left to a person until it is closed."""

from enum import StrEnum

from belay.release.records import Outcome


class IncidentState(StrEnum):
    """An incident's state."""

    RECOVERING = "RECOVERING"
    """It has no outcome yet: ``rollback_stage`` is running, or the sweep will run it again."""
    LEFT_TO_A_PERSON = "LEFT TO A PERSON"
    """It ended NEEDS_OPERATOR, and what it left is not finished. It is closed by a person who reports that it is done,
    by the sweep if it left only unstable stacks and these are stable again, or by the next deployment to or rollback of
    its stage.
    """
    CLOSED = "CLOSED"
    """Nothing is left to do."""

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do, for Belay or for a person."""
        return self is not IncidentState.CLOSED


def state_of(outcome: Outcome | None, *, left: bool, closed: bool) -> IncidentState:
    """Return an incident's state.

    ``left`` says whether its stage or its stacks are still as it left them, ``closed`` whether its end was recorded.
    """
    if outcome is None:
        return IncidentState.RECOVERING
    if outcome is Outcome.NEEDS_OPERATOR and left and not closed:
        return IncidentState.LEFT_TO_A_PERSON
    return IncidentState.CLOSED

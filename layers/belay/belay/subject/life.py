"""The life of an incident: it is recovered, then over, or left to a person until somebody or something closes it."""

from enum import StrEnum

from belay.release.records import Outcome


class IncidentState(StrEnum):
    """An incident's state."""

    RECOVERING = "RECOVERING"
    """It has no outcome yet: ``rollback_stage`` runs, or will be run again by the sweep."""
    LEFT_TO_A_PERSON = "LEFT TO A PERSON"
    """It ended NEEDS_OPERATOR, and nobody has finished what it left. It is closed by a person who says that it is done,
    by the sweep once all that it left are unstable stacks and these are stable again, or by the next deployment to or
    rollback of its stage."""
    CLOSED = "CLOSED"
    """Nothing is left of it."""

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do about it, for Belay or for a person."""
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

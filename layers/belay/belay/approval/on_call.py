"""What a person says about an incident as a whole: that they are on it, or that it is done; and why that is refused."""

from collections.abc import Sequence

from belay.approval.asked import GivenAnswer
from belay.approval.decision import Decision
from belay.events.function_url import Refusal
from belay.release.records import Outcome
from belay.subject.life import IncidentState


def refuse_acknowledgement(decision: Decision, state: IncidentState | None) -> Refusal | None:
    """Return why an acknowledgement is refused, or None; ``state`` is None where there is no such incident."""
    if state is None:
        return _unknown(decision)
    if not state.is_open:
        return Refusal(410, "Ended", f"{decision.about} is closed: nothing is left to do about it")
    return None


def refuse_closing(
    decision: Decision,
    state: IncidentState | None,
    outcome: Outcome | None,
    closed: GivenAnswer | None,
    unstable: Sequence[str],
) -> Refusal | None:
    """Return why an incident cannot be closed by a person, or None.

    ``closed`` is who closed it before, ``unstable`` are its stacks that took no update when they were last looked at.
    """
    if state is None:
        return _unknown(decision)
    if state is IncidentState.RECOVERING:
        return Refusal(
            409, "Recovering", f"{decision.about} is still being rolled back: nothing is left to a person yet"
        )
    if closed is not None:
        return Refusal(409, "AlreadyClosed", f"{decision.about} was {closed.in_words}, at {closed.at}")
    if state is IncidentState.CLOSED:
        since = (
            "the stage has been deployed to or rolled back since" if outcome is Outcome.NEEDS_OPERATOR else str(outcome)
        )
        return Refusal(410, "Ended", f"{decision.about} is over: {since}")
    if unstable:
        return Refusal(
            409,
            "Unstable",
            f"{decision.about} cannot be closed while its stacks cannot be updated: {', '.join(unstable)}. This is "
            "checked every five minutes",
        )
    return None


def _unknown(decision: Decision) -> Refusal:
    return Refusal(404, "Unknown", f"{decision.application} has no incident {decision.incident}")

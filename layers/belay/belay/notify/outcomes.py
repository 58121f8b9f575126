"""What each outcome means to whoever is on call."""

from typing import Final

from belay.notify.message import Urgency
from belay.release.reason import PersonDecided, Reason
from belay.release.records import Outcome

URGENCY: Final = {
    Outcome.DEPLOYED: Urgency.INFO,
    Outcome.REJECTED: Urgency.WARNING,
    Outcome.ABORTED: Urgency.WARNING,
    Outcome.ROLLED_BACK: Urgency.WARNING,
    Outcome.NEEDS_OPERATOR: Urgency.CRITICAL,
}

WHAT: Final = {
    Outcome.DEPLOYED: "The release is deployed and validated.",
    Outcome.REJECTED: "The release was refused.",
    Outcome.ABORTED: "The release was stopped before it changed {where}.",
    Outcome.ROLLED_BACK: "The release failed and was rolled back.",
    Outcome.NEEDS_OPERATOR: "The release failed, and a person has to finish the rollback.",
}

_BY_A_PERSON: Final = {
    Outcome.ROLLED_BACK: "The release was stopped by a person and rolled back.",
    Outcome.NEEDS_OPERATOR: "The release was stopped by a person, and its rollback could not be finished without one.",
}
"""The same where nothing failed: a person decided it."""

OTHERWISE: Final = {
    Outcome.DEPLOYED: "Nothing to do.",
    Outcome.REJECTED: "Nothing to do on the stage. Correct the release and upload it again.",
    Outcome.ABORTED: "Nothing to do.",
    Outcome.ROLLED_BACK: "Nothing to do now. Find the cause before this version is deployed again.",
    Outcome.NEEDS_OPERATOR: "Do this now: look at every stack of the stage; what is left to do is not known.",
}
"""What is left to do where nothing else says so."""


def what_it_means(outcome: Outcome, reason: Reason | None, where: str) -> str:
    """Say how a release ended, in a sentence."""
    decided = isinstance(reason, PersonDecided) and outcome in _BY_A_PERSON
    return _BY_A_PERSON[outcome] if decided else WHAT[outcome].format(where=where)


def otherwise(outcome: Outcome, reason: Reason | None) -> str:
    """Say what is left to do where nothing else says so: what a person decided needs no cause."""
    if outcome is Outcome.ROLLED_BACK and isinstance(reason, PersonDecided):
        return "Nothing to do. Upload the release again when it is wanted."
    return OTHERWISE[outcome]

"""What each outcome means to whoever is on call."""

from typing import Final

from belay.notify.message import Urgency
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
    Outcome.ABORTED: "The release was stopped before it changed anything.",
    Outcome.ROLLED_BACK: "The release failed and was taken back.",
    Outcome.NEEDS_OPERATOR: "The release failed, and its rollback could not be finished without a person.",
}

OTHERWISE: Final = {
    Outcome.DEPLOYED: "Nothing to do.",
    Outcome.REJECTED: "Nothing to do on the stage. Correct the release and upload it again.",
    Outcome.ABORTED: "Nothing to do.",
    Outcome.ROLLED_BACK: "Nothing to do now. Find the cause before this version is deployed again.",
    Outcome.NEEDS_OPERATOR: "Do this now: look at every stack of the stage; what is left to do is not known.",
}
"""What is left to do where nobody said so."""

STOPPED: Final = "The release was stopped by a person and taken back."
STOPPED_OTHERWISE: Final = "Nothing to do. Upload the release again when it is wanted."
"""The same where no fault but a person's act ended it, and it was rolled back."""

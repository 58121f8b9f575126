"""The one outcome of an upload, whether or not it became a release."""

from dataclasses import dataclass

from belay.aws.clock import timestamp
from belay.aws.ssm import APPLICATIONS
from belay.control.endings import Endings
from belay.control.registrations import Registrations
from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt
from belay.release.left_to_do import LeftToDo
from belay.release.reason import Reason, ReleaseProblems
from belay.release.records import Outcome, Upload


@dataclass(frozen=True)
class UploadEnds:
    """Closes uploads: releases are announced on the topic they were accepted with, others on the registered one."""

    ledger: Ledger
    endings: Endings
    registrations: Registrations

    def close(self, upload: Upload, execution: str, outcome: Outcome, reason: Reason | None) -> Outcome:
        """Record and announce the outcome of an upload that an execution opened; return the recorded one.

        An upload that another execution claimed is left to that one.
        """
        # The function that opens an upload may have died before claiming it.
        claimed = self.ledger.attempts.claim(upload, execution, timestamp())
        attempt = self.ledger.attempts.get(upload) if claimed else None
        if attempt is None:
            return outcome
        self.close_attempt(attempt, outcome, reason)
        standing = self.ledger.attempts.get(upload)
        return standing.outcome if standing is not None and standing.outcome is not None else outcome

    def close_attempt(self, attempt: Attempt, outcome: Outcome, reason: Reason | None) -> None:
        """Record and announce an attempt's outcome, unless that was done."""
        if attempt.release is not None:
            self.endings.close(attempt, outcome, reason=reason)
            return
        topic, left = self.registrations.topic_of(attempt.application), left_to_operator(reason, attempt.application)
        self.endings.close(attempt, outcome, reason=reason, topic=topic, left_to_do=left)


def left_to_operator(reason: Reason | None, application: str) -> list[LeftToDo]:
    """Say who has to act if the registration is at fault and not the release."""
    if not isinstance(reason, ReleaseProblems) or not reason.by_registration:
        return []
    look = f"aws ssm get-parameters-by-path --path {APPLICATIONS}{application} --recursive"
    todo = "have the operator correct the registration, then upload the same zip again"
    return [LeftToDo(application, todo, look=look)]

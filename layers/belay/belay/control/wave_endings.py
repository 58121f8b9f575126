"""How a release ends in a wave: unfinished stages are recovered, and others rolled back with them if registered so."""

from dataclasses import dataclass, replace

from belay.aws.s3 import ArtifactBucket
from belay.control.incidents import Incidents
from belay.control.rollback_incidents import BUSY, OVERTAKEN, RollbackIncidents
from belay.events.function_url import Refusal
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt
from belay.release.ending import Close, TakeBack, closed_with, conclusion
from belay.release.reason import Reason, StageEnd, Statement, Why
from belay.release.records import Outcome, ReleaseReference


@dataclass(frozen=True)
class WaveEndings:
    """Decides how a release ends in a wave, from the ledger's records of its stages and their incidents."""

    ledger: Ledger
    artifacts: ArtifactBucket
    incidents: Incidents

    def conclude(self, attempt: Attempt, accepted: AcceptedRelease) -> Close | None:
        """Return a release's outcome once every stage of its wave has ended; None while one is active."""
        if attempt.outcome is not None:
            return Close(attempt.outcome, attempt.reason)
        concluded = conclusion(attempt, accepted.application)
        return self.take_back(attempt, accepted, concluded) if isinstance(concluded, TakeBack) else concluded

    def take_back(self, attempt: Attempt, accepted: AcceptedRelease, left: TakeBack) -> Close | None:
        """Roll back the deployed stages of a failed wave, each once; None until that has ended."""
        ends = [self._taken_back(attempt, accepted, left, each) for each in left.ends]
        return closed_with([each for each in ends if each]) if all(ends) else None

    def _taken_back(
        self, attempt: Attempt, accepted: AcceptedRelease, left: TakeBack, end: StageEnd
    ) -> StageEnd | None:
        """Return how a stage ended; None while it is being rolled back, or waits for its lock."""
        release = attempt.release
        if release is None or end.stage not in left.stages or accepted.stages[end.stage].ephemeral:
            return end
        failed = " and ".join(each.stage for each in left.ends if each.outcome is not Outcome.DEPLOYED)
        why = Statement(Why.WAVE_FAILED, f"{failed} failed, and its wave is rolled back with it, as registered")
        rollbacks = RollbackIncidents(self.ledger, self.artifacts, self.incidents)
        answer = rollbacks.take_back(release, end.stage, attempt.execution, why)
        if isinstance(answer, Refusal):
            if answer.error == BUSY:
                return None
            outcome = end.outcome if answer.error == OVERTAKEN else Outcome.NEEDS_OPERATOR
            return replace(end, outcome=outcome, reason=replace(why, what=f"not rolled back: {answer.message}"))
        record = self.ledger.incidents.get(release.application, answer)
        if record is None or record.outcome is None:
            return None
        return replace(end, outcome=record.outcome, reason=why)

    def recover(self, release: ReleaseReference, stage: str, reason: Reason) -> None:
        """Open the incident of a stage that has not ended though its execution has, unless that was done."""
        attempt = self.ledger.attempts.get(release)
        if attempt is not None and attempt.outcome is None and attempt.may_recover(stage):
            self.incidents.open_for_release(release, stage, reason)

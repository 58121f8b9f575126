"""Superseding: a release that reaches a stage takes the turn of every older one still waiting there."""

from dataclasses import dataclass

from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt, OpenAttempt, Superseded, is_newer
from belay.release.reason import SUPERSEDED
from belay.release.records import ReleaseReference


def runs_newer(ledger: Ledger, release: ReleaseReference, stage: str) -> str | None:
    """Return the version that a stage runs, if it is newer than a release on its way there."""
    runs, own = ledger.stages.runs(release.application, stage), ledger.attempts.get(release)
    running = None if runs is None else ledger.attempts.get(runs.release)
    return running.version if running is not None and own is not None and is_newer(running, own) else None


@dataclass(frozen=True)
class Superseding:
    """Ends the waits of older releases: each execution then ends its own release and announces that."""

    ledger: Ledger
    artifacts: ArtifactBucket
    executions: Executions

    def arrive(self, release: ReleaseReference, stage: str) -> list[str]:
        """Supersede every older release that waits in a stage, for whatever reason. Returns their versions."""
        # The sweep reports an item that cannot be read; it must not hold up another application's release.
        found = (self.ledger.attempts.get(each.upload) for each in self.ledger.attempts.open_ones(faults=[]))
        waiting = [each for each in found if each is not None and each.waits_in(stage)]
        superseded, arrived = Superseded(stage, release.version), self.ledger.attempts.get(release)
        return [
            each.release.version
            for each in waiting
            if each.release is not None and arrived is not None and each.application == release.application
            if is_newer(arrived, each) and self._end(each.release, superseded)
        ]

    def follow_up(self, open_attempt: OpenAttempt) -> str | None:
        """End each wait of a release that was superseded without noticing, or overtaken by a deployed one.

        Returns the newer version; None if it may continue.
        """
        attempt = self.ledger.attempts.get(open_attempt.upload)
        if attempt is None or attempt.release is None:
            return None
        waiting = [each.stage for each in attempt.stages if attempt.waits_in(each.stage)]
        ended = [self._ended_in(attempt, attempt.release, each) for each in waiting]
        return attempt.version if any(ended) else None

    def _ended_in(self, attempt: Attempt, release: ReleaseReference, stage: str) -> bool:
        superseded = attempt.superseded_in(stage) or self._overtaken(release, stage)
        return superseded is not None and self._end(release, superseded)

    def _overtaken(self, release: ReleaseReference, stage: str) -> Superseded | None:
        newer = runs_newer(self.ledger, release, stage)
        if newer is None:
            return None
        manifest = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key)).manifest
        return None if manifest.downgrade else Superseded(stage, newer)

    def _end(self, release: ReleaseReference, superseded: Superseded) -> bool:
        """Record that a release is superseded, and wake its execution; False if it no longer waits."""
        if not self.ledger.attempts.supersede(release, superseded):
            return False
        stage, why = superseded.stage, superseded.why(release.version)
        asked = self.ledger.approvals.asked_of(release, stage)
        hold = self.ledger.holds.of(release, stage)
        if asked is not None:
            self.executions.send_task_failure(asked.task_token, SUPERSEDED, why)
            self.ledger.approvals.ask_no_more(release, stage)
        if hold is not None:
            self.executions.send_task_failure(hold.task_token, SUPERSEDED, why)
        return True

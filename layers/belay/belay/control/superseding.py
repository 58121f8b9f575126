"""Superseding: a release that comes to a stage takes the turn of every older one that still waits there."""

from dataclasses import dataclass

from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt, OpenAttempt, Superseded
from belay.release.lock import overtaken
from belay.release.reason import SUPERSEDED
from belay.release.records import ReleaseReference
from belay.release.version import Version


@dataclass(frozen=True)
class Superseding:
    """Ends the waits of older releases: each execution then ends its own release, and tells of it."""

    ledger: Ledger
    artifacts: ArtifactBucket
    executions: Executions

    def arrive(self, release: ReleaseReference, stage: str) -> list[str]:
        """Supersede every older release that waits in a stage, for whatever. Returns their versions."""
        # The sweep tells of an item that cannot be read; it keeps no release of another application waiting.
        older = [each for each in map(self._open, self.ledger.attempts.open_ones(faults=[])) if each is not None]
        superseded = Superseded(stage, release.version)
        return [
            each.version
            for each in (attempt.release for attempt in older if attempt.stage == stage)
            if each is not None and each.application == release.application
            if Version.parse(each.version) < Version.parse(release.version) and self._end(each, superseded)
        ]

    def see_to(self, open_attempt: OpenAttempt) -> str | None:
        """End the wait of a release that was superseded without hearing of it, or that a deployed one overtook.

        Returns its version; None if it may go on.
        """
        attempt = self._open(open_attempt)
        if attempt is None or attempt.release is None or attempt.stage is None:
            return None
        superseded = attempt.superseded_in(attempt.stage) or self._overtaken(attempt.release, attempt.stage)
        return attempt.version if superseded and self._end(attempt.release, superseded) else None

    def _open(self, open_attempt: OpenAttempt) -> Attempt | None:
        """Return an attempt that waits in a stage where nothing was changed yet."""
        attempt = self.ledger.attempts.get(open_attempt.upload)
        return attempt if attempt is not None and attempt.state.waits else None

    def _overtaken(self, release: ReleaseReference, stage: str) -> Superseded | None:
        runs = self.ledger.stages.runs(release.application, stage)
        if runs is None or Version.parse(runs.release.version) <= Version.parse(release.version):
            return None
        manifest = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key)).manifest
        passed = overtaken(manifest.version, runs.release.version, downgrade=manifest.downgrade)
        return Superseded(stage, runs.release.version) if passed else None

    def _end(self, release: ReleaseReference, superseded: Superseded) -> bool:
        """Record that a release is superseded, and wake its execution; False if it no longer waits."""
        if not self.ledger.attempts.supersede(release, superseded):
            return False
        stage, why = superseded.stage, superseded.why(release.version)
        asked = self.ledger.approvals.asked_of(release, stage)
        hold = self.ledger.holds.get(release.application, release.version, stage)
        if asked is not None:
            self.executions.send_task_failure(asked.task_token, SUPERSEDED, why)
            self.ledger.approvals.ask_no_more(release.application, release.version, stage)
        if hold is not None and hold.attempt == release.attempt:
            self.executions.send_task_failure(hold.task_token, SUPERSEDED, why)
        return True

"""Finishing the work of dead executions: releases without an outcome, incidents without an end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.s3 import ArtifactBucket
from belay.control.closing import Closing
from belay.control.incidents import Incidents
from belay.control.recovery import Recovery
from belay.control.upload_ends import UploadEnds
from belay.control.wave_endings import WaveEndings
from belay.ledger.incidents import IncidentRecord, OpenIncident
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt, OpenAttempt
from belay.release.ending import Close, Recover, TakeBack, what_is_left
from belay.release.reason import PersonDecided, Reason, Statement, Why, abort_cause
from belay.release.records import ReleaseReference
from belay.subject.names import incident_of

_MOST_RERUNS = 3
_ENDED = Statement(Why.INTERRUPTED, "the release's execution ended without an outcome")


@dataclass(frozen=True)
class Unfinished:
    """Finishes releases and incidents whose executions have ended early."""

    ledger: Ledger
    uploads: UploadEnds
    incidents: Incidents
    artifacts: ArtifactBucket
    closing: Closing
    waves: WaveEndings

    def take_up_execution(self, execution_arn: str, document: Mapping[str, Any]) -> str | None:
        """Finish the subject of a failed execution, found by its input. Returns a description of it."""
        if "incident" in document and "application" in document:
            follows = self.ledger.incidents.execution(document["incident"])
            if follows not in (None, "", execution_arn):
                return None  # another execution continues it
            return self.take_up_incident(document["application"], document["incident"])
        if "stage" in document and "incident" not in document:
            release = ReleaseReference.from_dict(document["release"])
            parent = document.get("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID")
            attempt = self.ledger.attempts.get(release)
            if attempt is not None and parent not in (None, attempt.execution):
                return None  # another execution continues it
            interrupted = Statement(Why.INTERRUPTED, "the stage's execution ended without an outcome")
            reason = self.incidents.executions.stopped_by(execution_arn) or interrupted
            return self._take_up_stage(attempt, str(document["stage"]), reason)
        for each in self.ledger.attempts.open_ones():
            if each.execution == execution_arn:
                return self.take_up(each)
        return None

    def take_up_dead(self, held_open: OpenAttempt) -> str | None:
        """Finish an open attempt that has no execution any more. Returns a description of it."""
        self.ledger.attempts.adopt(held_open.upload)
        return None if self.incidents.executions.running(held_open.execution, held_open.at) else self.take_up(held_open)

    def dead(self, held_open: OpenIncident) -> IncidentRecord | None:
        """Return an open incident that has no execution any more; None if it has one."""
        if self.incidents.executions.running(held_open.execution, held_open.at):
            return None
        return self.ledger.incidents.get(held_open.application, held_open.incident)

    def take_up(self, held_open: OpenAttempt) -> str | None:
        """Finish an open attempt whose execution has ended. Returns a description of it."""
        attempt = self.ledger.attempts.get(held_open.upload)
        return self.take_up_attempt(attempt, self.incidents.executions.stopped_by(held_open.execution) or _ENDED)

    def _take_up_stage(self, attempt: Attempt | None, stage: str, reason: Reason) -> str | None:
        """Open the incident of a stage whose execution died; the release's own execution does the rest.

        If the release has no running execution, the whole attempt is taken up.
        """
        if attempt is None or attempt.announced:
            return None
        if attempt.release is None or not self.incidents.executions.running(attempt.execution):
            return self.take_up_attempt(attempt, reason)
        self.waves.recover(attempt.release, stage, reason)
        return incident_of(attempt.release.origin, stage)

    def take_up_attempt(self, attempt: Attempt | None, reason: Reason) -> str | None:
        """Open the incidents of a release in the middle of stages, or close an attempt that is in none."""
        if attempt is None or attempt.announced:
            return None
        release, accepted = attempt.release, None
        if release is not None:
            accepted = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key))
        stopped = reason if isinstance(reason, PersonDecided) else None
        left = what_is_left(attempt, None if accepted is None else accepted.application, stopped=stopped)
        if isinstance(left, Recover) and release is not None:
            names = [self.incidents.open_for_release(release, stage, reason) for stage in left.stages]
            return ", ".join(each for each in names if each)
        if isinstance(left, TakeBack) and accepted is not None:
            left = self.waves.take_back(attempt, accepted, left)
        if isinstance(left, Close):
            self.uploads.close_attempt(attempt, left.outcome, left.reason)
        return f"{attempt.application} {attempt.name}"

    def take_up_incident(self, application: str, name: str) -> str | None:
        """Restart an incident's recovery; after the third time, or if a person stopped it, leave it to a person."""
        record = self.ledger.incidents.get(application, name)
        return None if record is None else self.recover(record)

    def recover(self, record: IncidentRecord) -> str | None:
        """Restart a recovery as ``take_up_incident`` does."""
        if record.announced:
            return None
        name = record.incident.name
        recovery, first = Recovery(record, self.artifacts, self.ledger), in_words(record.incident.reason)
        stopped = self.incidents.stopped_by(name)
        if stopped is not None:
            by = abort_cause(stopped.by, stopped.comment)
            self.closing.give_up(recovery, Statement(Why.INTERRUPTED, f"its recovery was {by}; first: {first}"))
            return name
        rerun = self.ledger.incidents.rerun(record.incident)
        if rerun <= _MOST_RERUNS:
            self.incidents.start_recovery(record.incident, f"{name[:76]}-{rerun}")
        else:
            times = f"its recovery ended without a result {_MOST_RERUNS + 1} times"
            self.closing.give_up(recovery, Statement(Why.INTERRUPTED, f"{times}; first: {first}"))
        return name

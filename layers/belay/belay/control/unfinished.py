"""Taking up what a dead execution left: releases without an outcome, incidents without an end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.s3 import ArtifactBucket
from belay.control.closing import Closing
from belay.control.endings import Endings
from belay.control.incidents import Incidents
from belay.control.recovery import Recovery
from belay.control.registrations import Registrations
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.ending import Recover, what_is_left
from belay.release.reason import Reason, Statement, Why, from_document
from belay.release.records import Outcome, ReleaseReference, Upload

_MOST_RERUNS = 3
_ENDED = Statement(Why.INTERRUPTED, "the release's execution ended without an outcome")


@dataclass(frozen=True)
class Unfinished:
    """Sees releases and incidents to their end when no execution does any more."""

    ledger: Ledger
    endings: Endings
    incidents: Incidents
    artifacts: ArtifactBucket
    registrations: Registrations
    closing: Closing

    def take_up_execution(self, execution_arn: str, document: Mapping[str, Any]) -> str | None:
        """Take up what an execution that ended badly was about, told by its input. Returns what that was."""
        if "incident" in document and "application" in document:
            return self.take_up_incident(document["application"], document["incident"])
        if "stage" in document and "incident" not in document:
            release = ReleaseReference.from_dict(document["release"])
            parent = document.get("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID")
            if self._is_continued(release, parent):
                return None
            stopped = self.incidents.execution_stopped_by(execution_arn)
            interrupted = stopped or "the stage's execution ended without an outcome"
            return self.take_up_release(release, Statement(Why.INTERRUPTED, interrupted))
        for item in self.ledger.open_items():
            if item["execution"] == execution_arn:
                return self.take_up(item)
        return None

    def _is_continued(self, release: ReleaseReference, parent: str | None) -> bool:
        """Whether another execution than the one that ``parent`` started sees to the release by now."""
        record = self.ledger.releases.get(release.application, release.version) or {}
        return parent is not None and record.get("attempt") == release.attempt and record["execution"] != parent

    def take_up_dead(self, item: Mapping[str, Any]) -> str | None:
        """Take up what the ledger holds open where no execution sees to it any more. Returns what that was."""
        return None if self.incidents.executions.running(item["execution"]) else self.take_up(item)

    def take_up(self, item: Mapping[str, Any]) -> str | None:
        """Take up what the ledger still holds open though its execution has ended. Returns what that was."""
        document = item["document"]
        if item["SK"].startswith("INCIDENT#"):
            return self.take_up_incident(document["application"], document["incident"])
        if item["SK"].startswith("UPLOAD#"):
            return self.take_up_upload(Upload(**document), item["execution"])
        release = ReleaseReference.from_dict(document)
        return self.take_up_release(release, _ENDED)

    def take_up_upload(self, upload: Upload, execution: str) -> str | None:
        """Close an upload of which no release came; where one did, maybe only just now, take up that."""
        record = self.ledger.uploads.get(upload) or {}
        release = self.ledger.releases.get(upload.application, record.get("version", "")) or {}
        if release.get("attempt") == upload.attempt:
            return self.take_up_release(ReleaseReference.from_dict(release), _ENDED)
        reason = "its execution ended before the upload was accepted: nothing was changed; upload it again"
        self.endings.close_upload(
            upload,
            Outcome(record.get("outcome", Outcome.NEEDS_OPERATOR)),
            reason=from_document(record.get("reason", reason)),
            execution=execution,
            topic=self.registrations.topic_of(upload.application),
        )
        return upload.key

    def take_up_release(self, release: ReleaseReference, reason: Reason) -> str | None:
        """Open the incident of a release in the middle of a stage, or close one that is between stages."""
        record = self.ledger.releases.get(release.application, release.version)
        if record is None or record.get("attempt") != release.attempt:
            return None
        accepted = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key))
        left = what_is_left(record, accepted.application.stages)
        if left is None:
            return None
        if isinstance(left, Recover):
            return self.incidents.open_for_release(release, left.stage, reason)
        self.endings.close_release(release, left.outcome, reason=from_document(left.reason), stage=left.stage)
        return f"{release.application} {release.version}"

    def take_up_incident(self, application: str, name: str) -> str | None:
        """Start the recovery of an incident again; after the third time, or where a person stopped it, ask for one."""
        record = self.ledger.incidents.get(application, name)
        if record is None or record.announced:
            return None
        recovery, first = Recovery(record, self.artifacts, self.ledger), in_words(record.incident.reason)
        stopped = self.incidents.stopped_by(name)
        if stopped is not None:
            self.closing.give_up(recovery, Statement(Why.INTERRUPTED, f"its recovery was {stopped}; first: {first}"))
            return name
        rerun = self.ledger.incidents.rerun(record.incident)
        if rerun <= _MOST_RERUNS:
            self.incidents.start_recovery(record.incident, f"{name[:76]}-{rerun}")
        else:
            times = f"its recovery ended without a result {_MOST_RERUNS + 1} times"
            self.closing.give_up(recovery, Statement(Why.INTERRUPTED, f"{times}; first: {first}"))
        return name

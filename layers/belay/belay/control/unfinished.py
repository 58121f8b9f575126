"""Taking up what a dead execution left: releases without an outcome, incidents without an end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket
from belay.control.endings import Endings
from belay.control.incidents import Incidents
from belay.control.recovery import Recovery
from belay.control.registrations import Registrations
from belay.control.unhealthy import Unhealthy
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.ending import Recover, what_is_left
from belay.release.left_to_do import LeftToDo
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.rollback.incident import Incident
from belay.rollback.services import left_stopped

_MOST_RERUNS = 3


@dataclass(frozen=True)
class Unfinished:
    """Sees releases and incidents to their end when no execution does any more."""

    ledger: Ledger
    endings: Endings
    incidents: Incidents
    artifacts: ArtifactBucket
    registrations: Registrations
    unhealthy: Unhealthy

    def take_up_execution(self, execution_arn: str, document: Mapping[str, Any]) -> str | None:
        """Take up what an execution that ended badly was about, told by its input. Returns what that was."""
        if "incident" in document:
            release = ReleaseReference.from_dict(document["release"])
            return self.take_up_incident(release.application, document["incident"])
        if "stage" in document:
            release = ReleaseReference.from_dict(document["release"])
            stopped = self.incidents.execution_stopped_by(execution_arn)
            return self.take_up_release(release, stopped or "the stage's execution ended without an outcome")
        for item in self.ledger.open_items():
            if item["execution"] == execution_arn:
                return self.take_up(item)
        return None

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
        return self.take_up_release(release, "the release's execution ended without an outcome")

    def take_up_upload(self, upload: Upload, execution: str) -> str | None:
        """Close an upload of which no release came; where one did, maybe only just now, take up that."""
        record = self.ledger.uploads.get(upload) or {}
        release = self.ledger.releases.get(upload.application, record.get("version", "")) or {}
        if release.get("attempt") == upload.attempt:
            reason = "the release's execution ended without an outcome"
            return self.take_up_release(ReleaseReference.from_dict(release), reason)
        reason = "its execution ended before the upload was accepted: nothing was changed; upload it again"
        self.endings.close_upload(
            upload,
            Outcome(record.get("outcome", Outcome.NEEDS_OPERATOR)),
            reason=record.get("reason", reason),
            execution=execution,
            topic=self.registrations.topic_of(upload.application),
        )
        return upload.key

    def take_up_release(self, release: ReleaseReference, reason: str) -> str | None:
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
        self.endings.close_release(release, left.outcome, reason=left.reason, stage=left.stage)
        return f"{release.application} {release.version}"

    def take_up_incident(self, application: str, name: str) -> str | None:
        """Start the recovery of an incident again; after the third time, or where a person stopped it, ask for one."""
        record = self.ledger.incidents.get(application, name)
        if record is None or "announced" in record:
            return None
        incident = Incident.from_dict(record["details"])
        stopped = self.incidents.stopped_by(name)
        if stopped is not None:
            self._give_up(incident, f"its recovery was {stopped}; first: {incident.reason}")
            return name
        rerun = self.ledger.incidents.rerun(application, name)
        if rerun <= _MOST_RERUNS:
            self.incidents.start_recovery(incident, f"{name[:76]}-{rerun}")
        else:
            times = f"its recovery ended without a result {_MOST_RERUNS + 1} times"
            self._give_up(incident, f"{times}; first: {incident.reason}")
        return name

    def _give_up(self, incident: Incident, reason: str) -> None:
        """Leave an incident to a person, as ``RecoveryEnd`` does; told twice, it is told once."""
        record = self.ledger.incidents.get(incident.release.application, incident.name) or {}
        recovery = Recovery(incident, record, self.artifacts, self.ledger)
        left_to_do = [
            LeftToDo(incident.stage, "look at every stack before anything is deployed there again"),
            *recovery.plan().undone(),
            *left_stopped(record.get("noted", {})),
        ]
        self.unhealthy.watch(incident, recovery.stack_ids())
        if incident.pipeline is not None:
            self.endings.close_pipeline(incident, Outcome.NEEDS_OPERATOR, reason=reason, left_to_do=left_to_do)
        elif incident.foreign or incident.asked_by:
            self.endings.need_person(incident, why=reason, left_to_do=left_to_do)
        else:
            self.endings.close_release(
                incident.release,
                Outcome.NEEDS_OPERATOR,
                reason=reason,
                stage=incident.stage,
                left_to_do=left_to_do,
            )
        application = incident.release.application
        self.ledger.incidents.close(application, incident.name, Outcome.NEEDS_OPERATOR, reason, timestamp())
        self.ledger.incidents.announced(application, incident.name)
        lock = self.ledger.locks.get(application, incident.stage) or {}
        if lock.get("held") and lock["incident"] == incident.name:
            self.ledger.locks.release(application, incident.stage, int(lock["fencing"]))

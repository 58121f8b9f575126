"""Opening incidents: one for each failure, however many notice it, with one recovery."""

from contextlib import suppress

from belay.aws.clock import timestamp
from belay.aws.metrics import emit
from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.errors import IllegalTransition
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.life import State
from belay.release.reason import PersonDecided, Reason
from belay.release.records import ReleaseReference
from belay.subject.incident import Incident
from belay.subject.measures import failed
from belay.subject.names import incident_of
from belay.subject.subjects import ReleaseAttempt


class Incidents:
    """Opens incidents in the ledger and starts ``rollback_stage`` for them."""

    def __init__(
        self, ledger: Ledger, artifacts: ArtifactBucket, executions: Executions, rollback_machine_arn: str
    ) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self.executions = executions
        self._machine = rollback_machine_arn

    def open_for_release(self, release: ReleaseReference, stage: str, reason: Reason) -> str:
        """Open the incident of a release that failed in a stage, unless it is open. Returns its name."""
        accepted = AcceptedRelease.from_dict(self._artifacts.require_json(release.document_key))
        registered = accepted.stages[stage]
        return self.open(
            Incident(
                name=incident_of(release.origin, stage),
                subject=ReleaseAttempt(release, stage, accepted.application.topic, registered.ephemeral),
                reason=reason,
                service_role=registered.service_role,
                recover_foreign=registered.recover_foreign,
                place=registered.place,
            )
        )

    def open(self, incident: Incident) -> str:
        """Open an incident unless it exists, and make sure that its recovery was started."""
        subject, opened = incident.subject, self._ledger.incidents.open(incident, timestamp())
        if opened:
            emit(failed(incident))
        if isinstance(subject, ReleaseAttempt) and (opened or self._not_recorded(incident.name, subject)):
            release, stage, reason = subject.release, subject.stage, in_words(incident.reason)
            # An attempt that has ended stays ended; its failed stacks are recovered all the same.
            with suppress(IllegalTransition):
                self._ledger.attempts.record(release, State.RECOVERING, timestamp(), stage=stage, detail=reason)
        if self._ledger.incidents.execution(incident.name) == "":
            self.start_recovery(incident, incident.name)
        return incident.name

    def _not_recorded(self, incident: str, subject: ReleaseAttempt) -> bool:
        """Whether an open incident is not in its attempt's record: its opener was cut off.

        Two stages of a wave write to that one record, and DynamoDB refuses one of two writes at the same moment.
        """
        record = self._ledger.incidents.get(subject.application, incident)
        attempt = self._ledger.attempts.get(subject.release)
        still_open = record is not None and record.outcome is None
        return still_open and attempt is not None and attempt.may_recover(subject.stage)

    def stopped_by(self, incident: str) -> PersonDecided | None:
        """Return who stopped an incident's last recovery, and why; None if no person did."""
        execution = self._ledger.incidents.execution(incident)
        return self.execution_stopped_by(execution) if execution else None

    def execution_stopped_by(self, execution: str) -> PersonDecided | None:
        """Return who stopped an execution, and why; None if no person did."""
        return self.executions.stopped_by(execution)

    def start_recovery(self, incident: Incident, execution_name: str) -> None:
        """Start ``rollback_stage`` under a name that makes a second start of the same attempt harmless."""
        document = {"application": incident.application, "stage": incident.stage, "incident": incident.name}
        execution = self.executions.start_execution(self._machine, execution_name, document)
        self._ledger.incidents.follow(incident.name, execution, timestamp())

"""Opening incidents: one for each failure, however often it is noticed, with one recovery."""

from dataclasses import dataclass

from belay.aws.clock import timestamp
from belay.aws.metrics import emit
from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.ending import outcome_of_stage
from belay.release.reason import PersonDecided, Reason
from belay.release.records import Outcome, ReleaseReference
from belay.subject.incident import Incident
from belay.subject.measures import failed
from belay.subject.names import incident_of
from belay.subject.subjects import ReleaseAttempt


@dataclass(frozen=True)
class Incidents:
    """Opens incidents in the ledger and starts ``rollback_stage`` for them."""

    ledger: Ledger
    artifacts: ArtifactBucket
    executions: Executions
    rollback_machine_arn: str

    def open_for_release(self, release: ReleaseReference, stage: str, reason: Reason) -> str | None:
        """Open the incident of a release that failed in a stage, unless it is open. Returns its name.

        None if the stage was deployed meanwhile: an execution can die just as it succeeds. A stage that has ended
        otherwise stays ended; its failed stacks are still recovered.
        """
        incident, records = self._of_release(release, stage, reason), self.ledger.incidents
        if self.ledger.attempts.recover(release, stage, incident, timestamp()):
            emit(failed(incident))
        elif outcome_of_stage(self.ledger.attempts.get(release), stage) is Outcome.DEPLOYED:
            return None if records.get(incident.application, incident.name) is None else incident.name
        return self.open(incident)

    def _of_release(self, release: ReleaseReference, stage: str, reason: Reason) -> Incident:
        accepted = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key))
        registered = accepted.stages[stage]
        subject = ReleaseAttempt(release, stage, accepted.application.topic, registered.ephemeral)
        return Incident.in_stage(registered, incident_of(release.origin, stage), subject, reason)

    def open(self, incident: Incident) -> str:
        """Open an incident unless it exists, and make sure that its recovery was started."""
        if self.ledger.incidents.open(incident, timestamp()):
            emit(failed(incident))
        if self.ledger.incidents.execution(incident.name) == "":
            self.start_recovery(incident, incident.name)
        return incident.name

    def stopped_by(self, incident: str) -> PersonDecided | None:
        """Return who stopped an incident's last recovery, and why; None if no person did."""
        execution = self.ledger.incidents.execution(incident)
        return self.executions.stopped_by(execution) if execution else None

    def start_recovery(self, incident: Incident, execution_name: str) -> None:
        """Start ``rollback_stage`` under a name that makes a second start of the same attempt harmless."""
        document = {"application": incident.application, "stage": incident.stage, "incident": incident.name}
        execution = self.executions.start_execution(self.rollback_machine_arn, execution_name, document)
        self.ledger.incidents.follow(incident.name, execution, timestamp())

"""Observing a whole stage before its recovery is planned."""

from dataclasses import dataclass, replace

from belay.aws.application_autoscaling import ScalableTargets
from belay.aws.cloudformation import ResourceDrift, Stacks
from belay.aws.ecs import Services
from belay.aws.gateways import Aws
from belay.aws.rds import Databases
from belay.control.questions import Questions
from belay.control.recovered_databases import RecoveredDatabases
from belay.control.recovered_services import RecoveredServices
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.stack_values import StackValues
from belay.control.verification import verification_seen
from belay.ledger.ledger import Ledger
from belay.release.attempt import Runs
from belay.release.reason import Fault
from belay.rollback.situation import Situation
from belay.rollback.taken import times_tried
from belay.subject.subjects import AskedRollback, Subject


@dataclass(frozen=True)
class Situations:
    """Observes whole stages."""

    stacks: Stacks
    drift: ResourceDrift
    databases: Databases
    services: Services
    targets: ScalableTargets
    values: StackValues

    @classmethod
    def of(cls, there: Aws, ledger: Ledger) -> "Situations":
        """Return the observer of an account's and region's stages."""
        looks = there.stacks, there.drift, there.databases, there.services, there.scalable_targets
        return cls(*looks, StackValues.of(there, ledger))

    def recovered_stacks(self, recovery: Recovery) -> RecoveredStacks:
        """Return the stacks of an incident."""
        return RecoveredStacks(recovery, self.stacks, self.drift, self.values)

    def look(self, recovery: Recovery) -> Situation:
        """Gather the current state, and what this incident has tried already."""
        incident = recovery.incident
        subject = incident.subject
        runs = recovery.ledger.stages.runs(incident.application, incident.stage)
        stage, seen = recovery.registered(), self.recovered_stacks(recovery).look()
        tried = times_tried(recovery.record.tried)
        if isinstance(subject, AskedRollback) and runs is not None and subject.is_overtaken_by(runs.release.attempt):
            overtaken = f"{runs.release.version} was deployed after the rollback was requested; request it again"
            seen = tuple(replace(stack, blocked=overtaken) for stack in seen)
        return Situation(
            application=incident.application,
            stage=incident.stage,
            version=subject.origin.name,
            stacks=seen,
            databases=RecoveredDatabases(recovery, self.databases).look(seen),
            services=RecoveredServices(recovery, self.services, self.targets).look(stage),
            verification=verification_seen(recovery, stage),
            goal=_goal(subject, runs),
            recover_foreign=incident.recover_foreign,
            blind=isinstance(incident.reason, Fault) and incident.reason.blind,
            ephemeral=subject.ephemeral,
            asked=isinstance(subject, AskedRollback),
            role_arn=incident.service_role,
            tried=tried,
            answers=Questions(recovery).answers(),
            again=incident.again,
        )


def _goal(subject: Subject, runs: Runs | None) -> str | None:
    """Return the version that the stage is rolled back to.

    For a requested rollback it is the requested target: the last-known-good only changes when it is reached.
    """
    if isinstance(subject, AskedRollback):
        return None if subject.target is None else subject.target.version
    return None if runs is None else runs.release.version

"""Takes one step of a rollback plan on a stack, its services or the stage. Checks first: a rerun finishes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.recovered_services import RecoveredServices
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.stack_values import StackValues
from belay.control.verification import RecoveredStage, StageVerification
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.rollback.plan import Kind
from belay.settings import read
from belay.steps import UnknownStep


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take the step; ``again`` while its change set is still being created."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    recovery = Recovery.enter(event, ledger, artifacts)
    there = recovery.at(aws, Power.RECOVER)
    step, number = recovery.step(event["rollback_step"]), event["rollback_step"]["number"]
    match step.kind:
        case Kind.STACK:
            values = StackValues.of(there, ledger)
            again = RecoveredStacks(recovery, there.stacks, there.drift, values).perform(step, number)
        case Kind.SERVICE:
            again = RecoveredServices(recovery, there.services, there.scalable_targets).perform(step, number)
        case Kind.STAGE:
            verification = StageVerification(there.alarms, there.verify_functions)
            again = RecoveredStage(recovery, verification).perform(step, number)
        case Kind.DATABASE:
            raise UnknownStep(f"{step.subject}: expected a step on a stack, a service or the stage, found {step.kind}")
    return {"again": again, "wait_seconds": settings.poll_seconds}

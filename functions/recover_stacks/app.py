"""Takes one step of a rollback plan on a stack, its services or the stage. Looks first: a rerun finishes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.recovered_services import RecoveredServices
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.verification import RecoveredStage, StageVerification
from belay.observability import observed
from belay.rollback.plan import Kind, Step
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
    """Take the step; ``again`` while it has to be come back to, as long as its change set is still being made."""
    settings = read(Settings)
    recovery = Recovery.enter(event, settings.ledger_table, settings.artifact_bucket)
    again = perform(recovery, recovery.step(event["rollback_step"]), event["rollback_step"]["number"])
    return {"again": again, "wait_seconds": settings.poll_seconds}


def perform(recovery: Recovery, step: Step, number: int) -> bool:
    """Hand the step to what performs its kind; a database's is for another function. Returns whether to come back."""
    match step.kind:
        case Kind.SERVICE:
            return RecoveredServices.of(recovery).perform(step, number)
        case Kind.STAGE:
            return RecoveredStage(recovery, StageVerification.here()).perform(step, number)
        case Kind.STACK:
            return RecoveredStacks.of(recovery).perform(step, number)
        case Kind.DATABASE:
            raise UnknownStep(f"{step.subject}: expected a step on a stack, a service or the stage, found {step.kind}")

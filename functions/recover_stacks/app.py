"""Takes one step of a rollback plan on a stack, its services or the stage. Idempotent: it checks before it acts."""

from collections.abc import Mapping
from typing import Any

from belay.control.recovered_services import RecoveredServices
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.stack_values import StackValues
from belay.control.verification import RecoveredStage, StageVerification
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power
from belay.rollback.plan import Kind
from belay.steps import UnknownStep


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take the step; ``again`` while its change set is still being created."""
    home = own_home()
    recovery = Recovery.enter(event, home.ledger, home.artifacts)
    there = recovery.at(home.aws, Power.RECOVER)
    step, number = recovery.step(event["rollback_step"]), event["rollback_step"]["number"]
    match step.kind:
        case Kind.STACK:
            values = StackValues.of(there, home.ledger)
            again = RecoveredStacks(recovery, there.stacks, there.drift, values).perform(step, number)
        case Kind.SERVICE:
            again = RecoveredServices(recovery, there.services, there.scalable_targets).perform(step, number)
        case Kind.STAGE:
            verification = StageVerification(there.alarms, there.verify_functions)
            again = RecoveredStage(recovery, verification).perform(step, number)
        case Kind.DATABASE:
            raise UnknownStep(f"{step.subject}: expected a step on a stack, a service or the stage, found {step.kind}")
    return {"again": again, "wait_seconds": home.poll_seconds}

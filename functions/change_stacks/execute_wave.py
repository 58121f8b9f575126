"""Executes the change sets that are ready and follows them until the wave is done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from belay.aws.clock import timestamp
from belay.control.stage import StageContext
from belay.errors import StackFailed
from belay.ledger.operations import Purpose
from belay.observability import observed
from belay.settings import read
from belay.stack.plan import Progress, StackPlan


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Bring the wave one step on: ``progress`` is RUNNING, NEXT_WAVE or DONE. Raises ``StackFailed``."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    plan = run.plan()
    for stack in plan.in_progress(Progress.PLANNED):
        plan = plan.with_stack(execute(run, stack))
        run.save(plan)
    for stack in plan.in_progress(Progress.EXECUTING):
        plan = plan.with_stack(follow(run, stack))
    run.save(plan)
    running = plan.in_progress(Progress.EXECUTING)
    progress = "RUNNING" if running else "DONE" if plan.done else "NEXT_WAVE"
    return {"progress": progress, "wait_seconds": settings.poll_seconds}


def execute(run: StageContext, stack: StackPlan) -> StackPlan:
    """Execute a stack's change set, once: a rerun finds the operation begun under its token."""
    release, stage = run.release, run.stage.name
    token = release.origin.deployment_token(stage, stack.stack, stack.generation)
    if run.stacks.operation_status(str(stack.stack_id), token) is None:
        run.ledger.operations.record(
            str(stack.stack_id), token, release, stage, purpose=Purpose.DEPLOY, now=timestamp()
        )
        run.ledger.releases.record(release, stage, f"EXECUTING {stack.stack}", timestamp())
        with run.stacks.begun_once(str(stack.stack_id), token):
            run.stacks.execute_change_set(str(stack.change_set_id), token)
    return replace(stack, progress=Progress.EXECUTING, token=token)


def follow(run: StageContext, stack: StackPlan) -> StackPlan:
    """Return the stack with how its execution stands. Raises ``StackFailed`` with the first cause."""
    stack_id, token = str(stack.stack_id), str(stack.token)
    status = run.stacks.operation_status(stack_id, token)
    if status is None or (status.in_progress and not status.turned_back):
        return stack
    if status.succeeded:
        return replace(stack, progress=Progress.EXECUTED)
    cause = run.stacks.first_cause(stack_id, token)
    words = "CloudFormation names no cause" if cause is None else cause.in_words()
    raise StackFailed(f"{stack.stack} ({stack.stack_name}) is {status}: {words}")

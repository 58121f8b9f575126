"""Deletes the change sets that will not be executed, and the empty shells of the stacks they were to create."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.control.stage import StageContext
from belay.ledger.operations import Purpose
from belay.observability import observed
from belay.release.names import client_request_token
from belay.settings import read
from belay.stack.plan import Progress, StackPlan


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Leave nothing of the plan behind."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    unused = [stack for stack in run.plan().stacks if stack.progress not in (Progress.EXECUTING, Progress.EXECUTED)]
    for stack in unused:
        discard(run, stack)
    return {"discarded": [stack.stack for stack in unused]}


def discard(run: StageContext, stack: StackPlan) -> None:
    """Delete one stack's change set; a stack that was only ever a shell goes with it."""
    if stack.change_set_id is not None:
        run.stacks.delete_change_set(stack.change_set_id)
    if stack.creates and stack.stack_id is not None:
        description = run.stacks.describe_stack(stack.stack_id)
        shell = description is not None and description["StackStatus"] == "REVIEW_IN_PROGRESS"
        # Another release may plan on the same shell.
        if shell and not run.stacks.list_change_sets(stack.stack_id):
            release, stage = run.release, run.stage.name
            token = client_request_token(
                release.application, stage, release.version, stack.stack, "discard", release.attempt
            )
            run.ledger.operations.record(stack.stack_id, token, release, stage, purpose=Purpose.DELETE, now=timestamp())
            run.stacks.delete_stack(stack.stack_id, token, run.stage.service_role)

"""Deletes the stacks of an ephemeral stage, the last first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.control.stage import StageContext
from belay.errors import StackFailed
from belay.ledger.operations import Purpose
from belay.observability import observed
from belay.release.names import client_request_token
from belay.settings import read
from belay.stack.plan import StackPlan
from belay.stack.status import StackStatus


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Delete the last stack that still stands, or see it go; ``done`` once none is left. Raises ``StackFailed``."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    standing = next((stack for stack in reversed(run.plan().stacks) if stack.stack_id and not gone(run, stack)), None)
    if standing is not None:
        delete(run, standing)
    return {"done": standing is None, "wait_seconds": settings.poll_seconds}


def gone(run: StageContext, stack: StackPlan) -> bool:
    """Tell whether a stack is deleted. Raises ``StackFailed`` where its deletion failed."""
    description = run.stacks.describe_stack(str(stack.stack_id))
    status = StackStatus.DELETE_COMPLETE if description is None else StackStatus(description["StackStatus"])
    if status is StackStatus.DELETE_FAILED:
        cause = run.stacks.first_cause(str(stack.stack_id), token_of(run, stack))
        words = "CloudFormation names no cause" if cause is None else cause.in_words()
        raise StackFailed(f"{stack.stack} ({stack.stack_name}) could not be deleted: {words}")
    return status is StackStatus.DELETE_COMPLETE


def delete(run: StageContext, stack: StackPlan) -> None:
    """Ask for a stack's deletion; asking again under the same token changes nothing."""
    token = token_of(run, stack)
    run.ledger.operations.record(
        str(stack.stack_id), token, run.release, run.stage.name, purpose=Purpose.DELETE, now=timestamp()
    )
    run.stacks.delete_stack(str(stack.stack_id), token, run.stage.service_role)


def token_of(run: StageContext, stack: StackPlan) -> str:
    """Return the client request token of the stack's deletion."""
    release = run.release
    return client_request_token(
        release.application, run.stage.name, release.version, stack.stack, "delete", release.attempt
    )

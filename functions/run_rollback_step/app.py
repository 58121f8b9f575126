"""Takes one step of a rollback plan. Each looks before it acts, so that a rerun finishes what a crash began."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.recovery import Recovery
from belay.errors import InvalidRequest
from belay.observability import observed
from belay.rollback.plan import Action, Step
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take the step; ``again`` while its change set is still being made."""
    settings = read(Settings)
    recovery = Recovery.enter(event, settings.ledger_table, settings.artifact_bucket)
    step = recovery.step(Action(event["step"]["action"]), event["step"]["stack"])
    again = take(recovery, step, event["step"]["number"])
    return {"again": again, "wait_seconds": settings.poll_seconds}


def take(recovery: Recovery, step: Step, number: int) -> bool:
    """Take the step unless CloudFormation has begun it. Returns whether its change set is still being made."""
    if recovery.begun(step, number):
        return False
    if step.action is Action.UPDATE_TO_BASELINE:
        return update_to_baseline(recovery, step, number)
    recovery.perform(step, number)
    return False


def update_to_baseline(recovery: Recovery, step: Step, number: int) -> bool:
    """Make the change set back, look at what it would do, execute it. Returns whether it is still being made."""
    try:
        change_set_id = recovery.create_change_set(step, number)
    except InvalidRequest as error:
        recovery.block(step.stack, f"CloudFormation refused the change set back: {error.message}")
        return False
    change_set = recovery.stacks.describe_change_set(change_set_id)
    if change_set is None or change_set.in_progress:
        return True
    if change_set.empty:
        recovery.settle(step.stack)
    elif change_set.failed:
        recovery.block(step.stack, f"the change set back could not be made: {change_set.reason}")
    elif change_set.loses_data:
        lost = ", ".join(change_set.loses_data)
        recovery.block(step.stack, f"the change set back would replace or delete {lost}, which hold data")
    else:
        recovery.execute(step, number, change_set_id)
        return False
    recovery.stacks.delete_change_set(change_set_id)
    return False

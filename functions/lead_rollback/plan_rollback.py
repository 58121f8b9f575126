"""Looks at every stack of an incident and plans its recovery; the machine takes the first step and comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.situations import look
from belay.control.topics import Topic
from belay.notify.incidents import recovery_started
from belay.observability import observed
from belay.release.reason import from_document
from belay.rollback.plan import Action, RollbackPlan
from belay.rollback.planner import plan_rollback
from belay.settings import read
from belay.subject.subjects import ForeignOperation, PipelineDeployment


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the next step, or null and the outcome when there is none left."""
    settings = read(Settings)
    recovery = Recovery.enter(event, settings.ledger_table, settings.artifact_bucket)
    stacks = RecoveredStacks.of(recovery)
    if stacks.unheard():
        return answer({"action": Action.WAIT}, recovery.plan(), settings)
    plan = recovery.timed(plan_rollback(look(recovery, stacks)))
    recovery.save(plan)
    if not plan.steps:
        return answer(None, plan, settings)
    tell(recovery, plan, settings.notification_topic_arn)
    first = plan.steps[0]
    named = {"action": first.action, "kind": first.kind, "subject": first.subject, "number": recovery.next_number}
    return answer(named, plan, settings)


def tell(recovery: Recovery, plan: RollbackPlan, default_topic: str) -> None:
    """Tell once that a lasting stage failed and what is being done.

    Not of a pipeline, whose failure was told with it, and of a foreign operation only where its stack is touched.
    """
    incident, subject = recovery.incident, recovery.incident.subject
    waits = all(step.action is Action.WAIT for step in plan.steps)
    if subject.ephemeral or recovery.record.tried or isinstance(subject, PipelineDeployment):
        return
    if isinstance(subject, ForeignOperation) and waits:
        return
    message = recovery_started(subject.told_as, reason=from_document(incident.reason), steps=in_words(plan))
    Topic(client("sns"), subject.topic or default_topic, recovery.ledger).publish(message)


def in_words(plan: RollbackPlan) -> list[str]:
    """Say what the plan does and leaves; what it waits for is only said where it does nothing else."""
    steps = [step.in_words() for step in plan.steps if step.action is not Action.WAIT]
    left, remarks = [each.in_words() for each in plan.left_to_do], [each.in_words() for each in plan.remarks]
    return [*(steps or [step.in_words() for step in plan.steps]), *left, *remarks]


def answer(step: Mapping[str, Any] | None, plan: RollbackPlan, settings: Settings) -> dict[str, Any]:
    """Return what the machine assigns."""
    return {"step": step, "outcome": plan.outcome_if_done, "wait_seconds": settings.poll_seconds}

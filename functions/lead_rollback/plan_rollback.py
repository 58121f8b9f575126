"""Observes every stack of an incident and plans its recovery; the state machine takes the first step and repeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.recovery import Recovery
from belay.control.recovery_plans import RecoveryPlans
from belay.control.situations import Situations
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.rollback.plan import Action, RollbackPlan
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the next step, or null and the outcome when there is none left."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    recovery = Recovery.enter(event, ledger, artifacts)
    situations = Situations.of(recovery.at(aws, Power.RECOVER), ledger)
    topic = Topic(aws.notifications, recovery.incident.subject.topic or settings.notification_topic_arn, ledger)
    plan = RecoveryPlans(recovery, situations, topic).make()
    return {
        "step": {"action": Action.WAIT} if plan is None else first_step(plan, recovery.next_number),
        "outcome": (plan or recovery.plan()).outcome_if_done,
        "wait_seconds": settings.poll_seconds,
    }


def first_step(plan: RollbackPlan, number: int) -> dict[str, Any] | None:
    """Return what the state machine needs to know of the next step; None if there is none."""
    if not plan.steps:
        return None
    step = plan.steps[0]
    return {"action": step.action, "kind": step.kind, "subject": step.subject, "number": number}

"""Observes every stack of an incident and plans its recovery; the state machine takes the first step and repeats."""

from collections.abc import Mapping
from typing import Any

from belay.control.recovery import Recovery
from belay.control.recovery_plans import RecoveryPlans
from belay.control.situations import Situations
from belay.control.topics import Topic
from belay.home import own_home
from belay.notify.publication import told_on
from belay.release.place import Power
from belay.rollback.plan import Action, RollbackPlan
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the next step, or null and the outcome when there is none left."""
    home, settings = own_home(), read(DefaultTopic)
    recovery = Recovery.enter(event, home.ledger, home.artifacts)
    situations = Situations.of(recovery.at(home.aws, Power.RECOVER), home.ledger)
    arn = told_on(recovery.incident.subject.topic, settings.notification_topic_arn)
    plan = RecoveryPlans(recovery, situations, Topic(home.aws.notifications, arn, home.ledger)).make()
    return {
        "step": {"action": Action.WAIT} if plan is None else first_step(plan, recovery.next_number),
        "outcome": (plan or recovery.plan()).outcome_if_done,
        "wait_seconds": home.poll_seconds,
    }


def first_step(plan: RollbackPlan, number: int) -> dict[str, Any] | None:
    """Return what the state machine needs of the next step; None if there is none."""
    if not plan.steps:
        return None
    step = plan.steps[0]
    return {"action": step.action, "kind": step.kind, "subject": step.subject, "number": number}

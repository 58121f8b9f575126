"""Takes one step of a rollback plan. Each looks before it acts, so that a rerun finishes what a crash began."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.control.questions import Questions
from belay.control.recovered_databases import RecoveredDatabases
from belay.control.recovered_services import RecoveredServices
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.topics import Topic
from belay.control.verification import RecoveredStage, StageVerification
from belay.observability import observed
from belay.rollback.plan import Action, Kind, Step
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take the step; ``again`` while it has to be come back to, as long as its change set is still being made."""
    settings = read(Settings)
    recovery = Recovery.enter(event, settings.ledger_table, settings.artifact_bucket)
    step = recovery.step(Action(event["step"]["action"]), event["step"]["subject"])
    again = perform(recovery, step, event["step"]["number"], settings.notification_topic_arn)
    return {"again": again, "wait_seconds": settings.poll_seconds}


def perform(recovery: Recovery, step: Step, number: int, default_topic: str) -> bool:
    """Hand the step to what performs its kind. Returns whether it has to be come back to."""
    if step.action is Action.ASK:
        topic = Topic(client("sns"), recovery.incident.topic or default_topic, recovery.ledger)
        Questions(recovery).put(step, number, topic)
        return False
    match step.kind:
        case Kind.STACK:
            return RecoveredStacks.of(recovery).perform(step, number)
        case Kind.SERVICE:
            return RecoveredServices.of(recovery).perform(step, number)
        case Kind.STAGE:
            return RecoveredStage(recovery, StageVerification.here()).perform(step, number)
        case Kind.DATABASE:
            return RecoveredDatabases.of(recovery).perform(step, number)

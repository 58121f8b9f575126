"""Ends an incident: the release gets its outcome, people are told, the stage is free again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.endings import Endings
from belay.aws.recovery import Recovery
from belay.aws.sns import Topic
from belay.notify.message import foreign_stack_failed
from belay.observability import observed
from belay.release.ledger import Outcome
from belay.release.reason import in_words
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Record and tell how the recovery ended; ``reason`` is set where the recovery itself failed."""
    settings = read(Settings)
    recovery = Recovery.enter({**event, "fencing": None}, settings.ledger_table, settings.artifact_bucket)
    incident, outcome = recovery.incident, Outcome(event["outcome"])
    done = [f"{each['stack']}: {each['why']}" for each in recovery.record["tried"]]
    left = [each.in_words() for each in recovery.plan().left_to_do] + failures(event)
    if incident.foreign:
        tell_foreign(recovery, Topic(client("sns"), incident.topic or settings.notification_topic_arn), done, left)
    else:
        recovery.discard_change_sets()
        endings = Endings(recovery.ledger, recovery.artifacts, client("sns"), settings.notification_topic_arn)
        endings.close_release(
            incident.release, outcome, reason=incident.reason, stage=incident.stage, done=done, left_to_do=left
        )
    if event["fencing"] is not None:
        recovery.ledger.release_lock(incident.release.application, incident.stage, int(event["fencing"]))
    recovery.ledger.close_incident(incident.release.application, incident.name, outcome, incident.reason, timestamp())
    return {"outcome": outcome}


def failures(event: Mapping[str, Any]) -> list[str]:
    """Say what stopped the recovery itself, where something did."""
    if event["reason"] is None:
        return []
    return [f"The recovery stopped: {in_words(event['reason'])}. Look at each stack before anything is deployed again."]


def tell_foreign(recovery: Recovery, topic: Topic, done: list[str], left: list[str]) -> None:
    """Tell about a stack that failed under somebody else's hands."""
    incident = recovery.incident
    description = recovery.stacks.describe_stack(str(incident.stack_id))
    topic.publish(
        foreign_stack_failed(
            incident.release.application,
            incident.stage,
            stack=str(incident.stack),
            stack_id=str(incident.stack_id),
            status="DELETED" if description is None else description["StackStatus"],
            cause=recovery.stacks.first_cause(str(incident.stack_id), incident.token) or incident.reason,
            done=done,
            left_to_do=left,
        )
    )

"""Asks people the question that a rollback needs answered before it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.control.questions import Questions
from belay.control.recovery import Recovery
from belay.control.topics import Topic
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Put the question, unless that was done; the answer is found by the next plan."""
    settings = read(Settings)
    recovery = Recovery.enter(event, settings.ledger_table, settings.artifact_bucket)
    topic = Topic(client("sns"), recovery.incident.subject.topic or settings.notification_topic_arn, recovery.ledger)
    Questions(recovery).put(recovery.step(event["rollback_step"]), event["rollback_step"]["number"], topic)
    return {"wait_seconds": settings.poll_seconds}

"""Asks people the question that a rollback needs answered before it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.questions import Questions
from belay.control.recovery import Recovery
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
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
    """Ask the question, unless that was done; the next plan finds the answer."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    recovery = Recovery.enter(event, ledger, artifacts)
    arn, named = recovery.incident.subject.topic or settings.notification_topic_arn, event["rollback_step"]
    Questions(recovery).put(recovery.step(named), named["number"], Topic(aws.notifications, arn, ledger))
    return {"wait_seconds": settings.poll_seconds}

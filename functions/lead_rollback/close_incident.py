"""Ends an incident: the release gets its outcome, people are told, the stage is free again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.cloudformation import Stacks
from belay.control.closing import Closing, ended
from belay.control.endings import Endings
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.unhealthy import Unhealthy
from belay.observability import observed
from belay.release.records import Outcome
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
    outcome, stacks = Outcome(event["outcome"]), Stacks(client("cloudformation"))
    sns, topic = client("sns"), settings.notification_topic_arn
    endings = Endings(recovery.ledger, recovery.artifacts, sns, topic)
    RecoveredStacks.of(recovery).discard_change_sets()
    closing = Closing(recovery.ledger, stacks, endings, Unhealthy(recovery.ledger, stacks, sns, topic))
    closing.close(recovery, ended(recovery, outcome, event["reason"]))
    # Last: who waits for the lock to recover the same must find the incident ended.
    if event["fencing"] is not None:
        recovery.ledger.locks.release(recovery.application, recovery.incident.stage, int(event["fencing"]))
    return {"outcome": outcome}

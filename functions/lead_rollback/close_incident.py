"""Closes an incident: records and announces the outcome, and releases the stage's lock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.closing import Closing, ended
from belay.control.endings import Endings
from belay.control.places import Places
from belay.control.recovered_changes import record_restored
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.stack_values import StackValues
from belay.control.unhealthy import Unhealthy
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.release.records import Outcome
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Record and announce how the recovery ended; ``reason`` is set if the recovery itself failed."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    recovery = Recovery.enter({**event, "fencing": None}, ledger, artifacts)
    there = recovery.at(aws, Power.RECOVER)
    told = aws.notifications, settings.notification_topic_arn
    places = Places(aws, Power.RECOVER, "recovery")
    endings, unhealthy = Endings(ledger, artifacts, *told), Unhealthy(ledger, places, *told)
    outcome = Outcome(event["outcome"])
    RecoveredStacks(recovery, there.stacks, there.drift, StackValues.of(there, ledger)).discard_change_sets()
    record_restored(recovery)
    closing = Closing(ledger, places, endings, unhealthy)
    closing.close(recovery, ended(recovery, outcome, event["reason"]))
    # Last: another execution that waits for the lock for the same recovery must find the incident ended.
    if event["fencing"] is not None:
        recovery.ledger.locks.release(recovery.application, recovery.incident.stage, int(event["fencing"]))
    return {"outcome": outcome}

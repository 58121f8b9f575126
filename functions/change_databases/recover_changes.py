"""Takes one step of a rollback plan on database changes: asks what became of them, or has them undone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.recovered_changes import RecoveredChanges
from belay.control.recovery import Recovery
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take the step; ``again`` while the executor works on it."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    recovery = Recovery.enter(event, ledger, artifacts)
    there = recovery.at(aws, Power.DEPLOY)
    step, number = recovery.step(event["rollback_step"]), event["rollback_step"]["number"]
    return {
        "again": RecoveredChanges(recovery, aws, there.databases, there.executors).perform(step, number),
        "wait_seconds": settings.poll_seconds,
    }

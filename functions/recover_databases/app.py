"""Takes one step of a rollback plan on a database. It checks before it acts, so that a rerun finishes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.recovered_databases import RecoveredDatabases
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
    """Take the step; ``again`` while it has to be repeated."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    recovery = Recovery.enter(event, ledger, artifacts)
    there = recovery.at(aws, Power.RECOVER)
    step, number = recovery.step(event["rollback_step"]), event["rollback_step"]["number"]
    return {
        "again": RecoveredDatabases(recovery, there.databases).perform(step, number),
        "wait_seconds": settings.poll_seconds,
    }

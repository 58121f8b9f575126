"""Compares a release's database changes with what the stage's database records; what it lacks is pending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stage import StageContext
from belay.control.stage_changes import StageChanges
from belay.control.stage_files import StageFiles
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
    """Bring the reading one step on; ``ready`` once it is done. Raises ``InvalidRelease`` and ``ChangesFailed``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there, files = run.at(aws, Power.DEPLOY), StageFiles.kept_by(aws, run)
    reading = "read" if event["fencing"] is None else f"read-{event['fencing']}"
    plan = StageChanges(run, there.databases, there.executors, files).plan(reading)
    return {"ready": plan is None or plan.read, "wait_seconds": settings.poll_seconds}

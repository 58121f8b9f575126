"""Restores the newest usable snapshot of the database beside it, under a name and tags of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.stage_forecast import StageForecast
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
    """Bring the copy one step on. Raises ``NotForecast`` and ``ReleaseSuperseded``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there, files = run.at(aws, Power.FORECAST), StageFiles.kept_by(aws, run)
    forecast = StageForecast(run, there.databases, there.database_copies, there.executors, files)
    return {"progress": forecast.restore(event["execution"]).value, "wait_seconds": settings.poll_seconds}

"""Stores what the forecast found, and decides whether it refuses the release."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.reasons import read_reason
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.stage_forecast import StageForecast
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.observability import observed
from belay.policy.verdict import Report
from belay.release.gate import passes, refusal_of
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Conclude; ``refused`` if a change failed on the copy, or if something is for a person and nobody is asked."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    why_not = in_words(read_reason(artifacts, event["reason"]))
    there, files = run.at(aws, Power.FORECAST), StageFiles.kept_by(aws, run)
    forecast = StageForecast(run, there.databases, there.database_copies, there.executors, files)
    report = Report(forecast.conclude(event["basis"], why_not).findings)
    refused = not passes(report.verdict, run.stage)
    return {"refused": refused, "reason": run.reasons.keep(refusal_of(report)) if refused else None}

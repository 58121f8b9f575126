"""Stores the forecast's findings, and decides whether it refuses the release."""

from collections.abc import Mapping
from typing import Any

from belay.control.reasons import read_reason
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.stage_forecast import StageForecast
from belay.home import own_home
from belay.notify.told import in_words
from belay.policy.verdict import Report
from belay.release.gate import passes, refusal_of
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Conclude; ``refused`` if a change failed on the copy, or if a decision is needed in a stage without approval."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    why_not = in_words(read_reason(home.artifacts, event["reason"]))
    there, files = run.at(home.aws, Power.FORECAST), StageFiles.kept_by(home.aws, run)
    forecast = StageForecast(run, there.databases, there.database_copies, there.executors, files)
    report = Report(forecast.conclude(event["basis"], why_not).findings)
    refused = not passes(report.verdict, run.stage)
    return {"refused": refused, "reason": run.reasons.keep(refusal_of(report)) if refused else None}

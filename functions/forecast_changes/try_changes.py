"""Has the executor run the pending changes on the copy, undo them, and plan the live database's queries."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.stage_forecast import StageForecast
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance the trial one step. Raises ``NotForecast``, ``ExecutorFailed`` and ``ReleaseSuperseded``."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there, files = run.at(home.aws, Power.FORECAST), StageFiles.kept_by(home.aws, run)
    forecast = StageForecast(run, there.databases, there.database_copies, there.executors, files)
    return {"progress": forecast.try_changes(event["execution"]).value, "wait_seconds": home.poll_seconds}

"""Starts the pipeline that deploys a release to a stage, with the uploaded zip pinned as its source."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.control.pipeline_runs import PipelineRuns
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.home import own_home
from belay.release.life import State
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the id of the execution; raises ``InvalidRegistration`` if the pipeline cannot take the zip."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    runs = PipelineRuns.of(run, run.at(home.aws, Power.PIPELINE), StageFiles.kept_by(home.aws, run))
    execution = runs.start()
    run.ledger.attempts.record(run.release, State.PIPELINE_STARTED, timestamp(), stage=run.stage.name, detail=execution)
    return {"execution": execution, "wait_seconds": home.poll_seconds}

"""Starts the pipeline that deploys a release to a stage, with the uploaded zip pinned as its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.gateways import own_aws
from belay.control.diagnoses import Diagnoses
from belay.control.pipeline_runs import PipelineRuns
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.life import State
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
    """Return the id of the execution; raises ``InvalidRegistration`` if the pipeline cannot take the zip."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there, files = run.at(aws, Power.PIPELINE), StageFiles.kept_by(aws, run)
    stacks = PipelineStacks(there.stacks, artifacts, ledger, files.keep)
    diagnoses = Diagnoses(there.builds, there.logs, there.deployments, there.stacks)
    runs = PipelineRuns(there.pipelines, ledger, stacks, diagnoses, reasons=run.reasons, files=files)
    execution = runs.start(run.release, run.stage)
    run.ledger.attempts.record(run.release, State.PIPELINE_STARTED, timestamp(), stage=run.stage.name, detail=execution)
    return {"execution": execution, "wait_seconds": settings.poll_seconds}

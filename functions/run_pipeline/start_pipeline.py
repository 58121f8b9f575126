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
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.life import State
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
    stacks = PipelineStacks(aws.stacks, artifacts, ledger)
    diagnoses = Diagnoses(aws.builds, aws.logs, aws.deployments, aws.stacks)
    runs = PipelineRuns(aws.pipelines, run.ledger, stacks, diagnoses, run.reasons)
    execution = runs.start(run.release, run.stage)
    run.ledger.attempts.record(run.release, State.PIPELINE_STARTED, timestamp(), stage=run.stage.name, detail=execution)
    return {"execution": execution, "wait_seconds": settings.poll_seconds}

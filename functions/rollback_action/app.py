"""A CodePipeline Invoke action: takes back what an execution has deployed to a stage, and waits for the end of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.cloudformation import Stacks
from belay.aws.codepipeline import Jobs
from belay.aws.pipelines import Pipelines
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control.application_topics import ApplicationTopics
from belay.control.incidents import Incidents
from belay.control.pipeline_recovery import PipelineRecovery
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.registrations import Registrations
from belay.errors import InvalidActionConfiguration, RollbackFailed
from belay.ledger.ledger import Ledger
from belay.observability import logger, observed
from belay.pipeline.actions import RollbackAction, rollback_action
from belay.pipeline.execution import origin_of
from belay.pipeline.job import Job, Success
from belay.release.records import Outcome
from belay.release.registration import Stage
from belay.settings import read
from belay.subject.names import pipeline_incident_of


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer the job: success once all is taken back, failure where a person is needed, or to be called again."""
    settings = read(Settings)
    registrations = Registrations(ParameterStore(client("ssm")), client("s3"))
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    incidents = Incidents(ledger, artifacts, Executions(client("stepfunctions")), settings.rollback_stage_machine_arn)
    recovery = PipelineRecovery(
        PipelineStacks(Stacks(client("cloudformation")), artifacts, ledger),
        incidents,
        ApplicationTopics(registrations, ledger, client("sns"), settings.notification_topic_arn),
    )
    return Jobs(client("codepipeline"), logger().exception).answer(
        event, lambda job: take_back(registrations, Pipelines(client("codepipeline")), ledger, recovery, job)
    )


def take_back(
    registrations: Registrations, pipelines: Pipelines, ledger: Ledger, recovery: PipelineRecovery, job: Job
) -> Success:
    """Open the incident, or look whether it has ended. Raises ``RollbackFailed`` where it needs a person.

    Whoever may invoke the function could write any event, so nothing begins before CodePipeline says whose the job is.
    """
    action = rollback_action(job.parameters)
    stage = registrations.stage(action.registered)
    if stage.pipeline is None:
        raise InvalidActionConfiguration(f"{stage.application}/{stage.name} has no pipeline registered")
    asked = f"ASKED {action.execution}"
    origin = origin_of(stage.application, stage.pipeline.name, action.execution)
    name = pipeline_incident_of(origin, stage.name, asked)
    record = ledger.incidents.get(stage.application, name)
    if record is None:
        pipelines.get_job_details(job.id).refuse_others(stage.pipeline.name, action.execution)
        return begin(pipelines, recovery, stage, action, asked)
    if record.outcome is None:
        looked = int(job.continuation_token or 0) + 1
        return Success(f"the incident {name} is being recovered (looked {looked} times)", str(looked))
    if record.outcome is not Outcome.ROLLED_BACK:
        raise RollbackFailed(f"the incident {name} ended {record.outcome}: its message says what is left to do")
    return Success(f"what {action.execution} had deployed to {stage.name} was taken back")


def begin(
    pipelines: Pipelines, recovery: PipelineRecovery, stage: Stage, action: RollbackAction, asked: str
) -> Success:
    """Open the incident of what the execution deployed, unless there is nothing to take back."""
    pipeline = str(stage.pipeline and stage.pipeline.name)
    seen = pipelines.get_execution(pipeline, action.execution)
    if seen is None:
        raise InvalidActionConfiguration(f"the pipeline {pipeline} has no execution {action.execution}")
    deployed = recovery.take_back(stage, seen, failure=asked, reason=action.reason)
    if not deployed:
        return Success(f"{action.execution} has changed no stack of {stage.name}: nothing to take back")
    return Success(f"taking back {', '.join(deployed)}", "0")

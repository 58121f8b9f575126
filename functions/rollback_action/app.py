"""A CodePipeline Invoke action: rolls back what an execution has deployed to a stage, and waits for the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.application_topics import ApplicationTopics
from belay.control.baselines import kept_in
from belay.control.incidents import Incidents
from belay.control.pipeline_recovery import PipelineRecovery
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.registrations import Registrations
from belay.control.rollback_jobs import RollbackJobs
from belay.ledger.ledger import Ledger
from belay.observability import logger, observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Report the job's result: success once all is rolled back, failure if a person is needed, or continue."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    registrations = Registrations(aws.parameters, aws.artifacts(settings.artifact_bucket))
    topics = ApplicationTopics(registrations, ledger, aws.notifications, settings.notification_topic_arn)
    incidents = Incidents(ledger, artifacts, aws.executions, settings.rollback_stage_machine_arn)
    recovery = PipelineRecovery(PipelineStacks(aws.stacks, artifacts, ledger, kept_in(artifacts)), incidents, topics)
    jobs = RollbackJobs(registrations, aws.pipelines, ledger, recovery)
    return aws.jobs(logger().exception).answer(event, jobs.take_back)

"""A CodePipeline Invoke action: rolls back what an execution has deployed to a stage, and waits for the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.application_topics import ApplicationTopics
from belay.control.baselines import kept_in
from belay.control.incidents import Incidents
from belay.control.pipeline_recovery import PipelineRecovery
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.rollback_jobs import RollbackJobs
from belay.home import own_home
from belay.observability import logger, observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    notification_topic_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Report the job's result: success once all is rolled back, failure if a person is needed, or continue."""
    home, settings = own_home(), read(Settings)
    ledger, artifacts = home.ledger, home.artifacts
    topics = ApplicationTopics(home.registrations, ledger, home.aws.notifications, settings.notification_topic_arn)
    incidents = Incidents(ledger, artifacts, home.aws.executions, settings.rollback_stage_machine_arn)
    stacks = PipelineStacks(home.aws.stacks, artifacts, ledger, kept_in(artifacts))
    jobs = RollbackJobs(home.registrations, home.aws.pipelines, ledger, PipelineRecovery(stacks, incidents, topics))
    return home.aws.jobs(logger().exception).answer(event, jobs.take_back)

"""A CodePipeline Invoke action: sends a message to an application's on-call engineers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.application_topics import ApplicationTopics
from belay.control.registrations import Registrations
from belay.ledger.ledger import Ledger
from belay.notify.message import Urgency
from belay.notify.pipelines import pipeline_notice
from belay.observability import logger, observed
from belay.pipeline.actions import notify_action
from belay.pipeline.job import Job, Success
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Report the job's result: success once the message is published."""
    settings, aws = read(Settings), own_aws()
    registrations = Registrations(aws.parameters, aws.artifacts(settings.artifact_bucket))
    ledger = Ledger(aws.table(settings.ledger_table))
    topics = ApplicationTopics(registrations, ledger, aws.notifications, settings.notification_topic_arn)
    return aws.jobs(logger().exception).answer(event, lambda job: tell(topics, job))


def tell(topics: ApplicationTopics, job: Job) -> Success:
    """Publish the action's message to the application's topic, or to Belay's own."""
    action = notify_action(job.parameters)
    message = pipeline_notice(
        action.application,
        action.stage,
        text=action.message,
        urgency=Urgency(action.severity),
        job=job.id,
        execution=action.execution,
    )
    topics.publish(action.application, message)
    return Success(f"told: {message.subject}")

"""A CodePipeline Invoke action: sends a message to an application's on-call engineers."""

from collections.abc import Mapping
from typing import Any

from belay.control.application_topics import ApplicationTopics
from belay.home import own_home
from belay.notify.message import Urgency
from belay.notify.pipelines import pipeline_notice
from belay.observability import logger, observed
from belay.pipeline.actions import notify_action
from belay.pipeline.job import Job, Success
from belay.settings import DefaultTopic, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Report the job's result: success once the message is published."""
    home, settings = own_home(), read(DefaultTopic)
    topics = ApplicationTopics(home.registrations, home.ledger, home.aws.notifications, settings.notification_topic_arn)
    return home.aws.jobs(logger().exception).answer(event, lambda job: tell(topics, job))


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
    topics.publish(action.application, message, ())
    return Success(f"sent: {message.subject}")

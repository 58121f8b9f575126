"""Relays notifications to the topic of Amazon Q Developer in chat applications, in its format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.events.sns import Notification
from belay.notify.chat import chat_message
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    chat_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Republish one notification. Lambda retries a failure twice, then sends it to the dead-letter queue."""
    settings, aws = read(Settings), own_aws()
    notification = Notification.from_event(event)
    body = chat_message(notification.message)
    aws.notifications.publish({"TopicArn": settings.chat_topic_arn, "Message": body})
    return {}

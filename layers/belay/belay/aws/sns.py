"""Amazon SNS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from belay.aws.clients import Gateway
from belay.aws.faults import translated

_UNCONFIRMED: Final = ("PendingConfirmation", "Deleted")
"""Shown in place of a subscription's ARN: https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html"""


@dataclass(frozen=True)
class Subscription:
    """A topic's subscriber, and whether it is confirmed."""

    endpoint: str
    confirmed: bool


class Notifications(Gateway):
    """Publishes to topics, and lists their subscribers."""

    def publish(self, arguments: Mapping[str, Any]) -> None:
        """Publish to a topic; ``arguments`` are the call's, such as TopicArn and Message."""
        with translated("SNS.Publish"):
            self._client.publish(**arguments)

    def subscriptions(self, topic: str) -> list[Subscription]:
        """Return a topic's subscriptions."""
        with translated("SNS.ListSubscriptionsByTopic"):
            pages = self._client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            return [
                Subscription(str(each.get("Endpoint")), each["SubscriptionArn"] not in _UNCONFIRMED)
                for page in pages
                for each in page["Subscriptions"]
            ]

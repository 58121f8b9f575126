"""SNS: telling on-call engineers and programs."""

from typing import Any

from belay.aws.faults import translated
from belay.notify.message import Message, publish_arguments


class Topic:
    """One SNS topic to publish to."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, message: Message) -> None:
        """Publish with a body for each protocol."""
        with translated("SNS.Publish"):
            self._client.publish(**publish_arguments(message, self._arn))

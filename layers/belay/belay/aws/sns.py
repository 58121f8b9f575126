"""Amazon SNS."""

from collections.abc import Mapping
from typing import Any

from belay.aws.faults import translated


class Notifications:
    """Publishes to topics."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, arguments: Mapping[str, Any]) -> None:
        """Publish to a topic; ``arguments`` are the call's, such as TopicArn and Message."""
        with translated("SNS.Publish"):
            self._client.publish(**arguments)

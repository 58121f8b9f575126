"""Amazon SNS."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated


class Notifications(Gateway):
    """Publishes to topics."""

    def publish(self, arguments: Mapping[str, Any]) -> None:
        """Publish to a topic; ``arguments`` are the call's, such as TopicArn and Message."""
        with translated("SNS.Publish"):
            self._client.publish(**arguments)

"""Events that AWS CodeDeploy sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from belay.events.envelope import open_envelope, read


@dataclass(frozen=True)
class DeploymentStateChange:
    """A deployment went into another state.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html; sample
    ``events/aws.codedeploy/deployment_state_change.json``.

    ``state`` is START, SUCCESS, FAILURE, STOP or READY.
    """

    id: str
    application: str
    deployment_group: str
    deployment_id: str
    state: str
    account: str
    region: str
    time: datetime

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "DeploymentStateChange":
        """Read the event. Raises ``InvalidEvent``, naming the path."""
        envelope = open_envelope(event, "aws.codedeploy", "CodeDeploy Deployment State-change Notification")
        return cls(
            id=envelope.id,
            application=read(event, "detail", "application", kind=str),
            deployment_group=read(event, "detail", "deploymentGroup", kind=str),
            deployment_id=read(event, "detail", "deploymentId", kind=str),
            state=read(event, "detail", "state", kind=str),
            account=envelope.account,
            region=envelope.region,
            time=envelope.time,
        )

"""Events that AWS CodeDeploy sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.events.envelope import AwsEvent, read, read_outer


@dataclass(frozen=True, kw_only=True)
class DeploymentStateChange(AwsEvent):
    """A deployment changed its state.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html; samples
    ``events/aws.codedeploy/deployment_state_change.*.json``.

    ``state`` is START, SUCCESS, FAILURE, STOP or READY.
    """

    application: str
    deployment_group: str
    deployment_id: str
    state: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "DeploymentStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.codedeploy", "CodeDeploy Deployment State-change Notification"),
            application=read(event, "detail", "application", kind=str),
            deployment_group=read(event, "detail", "deploymentGroup", kind=str),
            deployment_id=read(event, "detail", "deploymentId", kind=str),
            state=read(event, "detail", "state", kind=str),
        )

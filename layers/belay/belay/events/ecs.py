"""Events that Amazon ECS sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidEvent
from belay.events.envelope import AwsEvent, read, read_optional, read_outer


@dataclass(frozen=True, kw_only=True)
class ServiceDeploymentStateChange(AwsEvent):
    """A deployment of a service changed its state.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html; samples
    ``events/aws.ecs/deployment_state_change.*.json``.

    ``name`` is SERVICE_DEPLOYMENT_IN_PROGRESS, SERVICE_DEPLOYMENT_COMPLETED or SERVICE_DEPLOYMENT_FAILED; the last is
    sent only for services with the deployment circuit breaker on.
    """

    service_arn: str
    deployment_id: str
    name: str
    reason: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "ServiceDeploymentStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        resources = read(event, "resources", kind=list)
        if not resources:
            raise InvalidEvent("resources: expected the ARN of the service, found an empty list")
        return cls(
            **read_outer(event, "aws.ecs", "ECS Deployment State Change"),
            service_arn=str(resources[0]),
            deployment_id=read(event, "detail", "deploymentId", kind=str),
            name=read(event, "detail", "eventName", kind=str),
            reason=read_optional(event, "detail", "reason", kind=str),
        )

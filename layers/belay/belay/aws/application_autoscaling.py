"""Application Auto Scaling, which must not change a service's desired count during a recovery."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated
from belay.release.registration import Service

_DIMENSION = "ecs:service:DesiredCount"


class ScalableTargets(Gateway):
    """The desired counts of ECS services as scalable targets."""

    def describe(self, service: Service) -> dict[str, Any] | None:
        """Return a service's element of DescribeScalableTargets' ``ScalableTargets``, or None if it has no scaling."""
        with translated("ApplicationAutoScaling.DescribeScalableTargets"):
            answer = self._client.describe_scalable_targets(
                ServiceNamespace="ecs", ResourceIds=[_resource(service)], ScalableDimension=_DIMENSION
            )
        return next((dict(found) for found in answer["ScalableTargets"]), None)

    def suspend(self, service: Service, suspended: Mapping[str, bool]) -> None:
        """Suspend or resume the scaling of a service; ``suspended`` is the API's SuspendedState.

        Registering a target again moves an out-of-bounds desired count back into bounds
        (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html): never call
        this while the service is stopped.
        """
        with translated("ApplicationAutoScaling.RegisterScalableTarget"):
            self._client.register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=_resource(service),
                ScalableDimension=_DIMENSION,
                SuspendedState=dict(suspended),
            )


def _resource(service: Service) -> str:
    return f"service/{service.cluster}/{service.service}"

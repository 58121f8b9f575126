"""Gap: an ECS deployment is complete immediately, and Application Auto Scaling does not know the engine's services.

Here a deployment is briefly IN_PROGRESS, so that waiting is exercised. Scalable targets are moto's, of the engine's
services; registering one again moves an out-of-bounds desired count back into bounds
(https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html). There is no scaling,
and no deployment fails: no task runs. Each can be removed once ministack does the same.
"""

import contextvars
import threading
from typing import Any

from ministack.services import ecs
from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeScalableTarget


def install(seconds: float) -> None:
    """Make deployments take ``seconds``, and scalable targets refer to the engine's services."""
    _take_time(seconds)
    _scale_engine_services()


def _take_time(seconds: float) -> None:
    complete = ecs._complete_service_deployment

    def complete_later(*arguments: Any) -> None:
        context = contextvars.copy_context()
        timer = threading.Timer(seconds, context.run, (complete, *arguments))
        timer.daemon = True
        timer.start()

    ecs._complete_service_deployment = complete_later


def _scale_engine_services() -> None:
    register = ApplicationAutoscalingBackend.register_scalable_target

    def register_and_adjust(self: ApplicationAutoscalingBackend, *arguments: Any, **named: Any) -> FakeScalableTarget:
        target = register(self, *arguments, **named)
        _, cluster, name = target.resource_id.split("/")
        wanted = ecs._services[f"{cluster}/{name}"]["desiredCount"]
        within = min(max(wanted, target.min_capacity), target.max_capacity)
        if within != wanted:
            ecs._update_service({"cluster": cluster, "service": name, "desiredCount": within})
        return target

    ApplicationAutoscalingBackend.register_scalable_target = register_and_adjust  # type: ignore[method-assign]
    ApplicationAutoscalingBackend._ecs_service_exists_for_target = _exists  # type: ignore[method-assign,assignment]


def _exists(_: ApplicationAutoscalingBackend, resource_id: str) -> bool:
    if ecs._services.get(resource_id.removeprefix("service/")) is None:
        raise AWSValidationException(f"ECS service doesn't exist: {resource_id}")
    return True

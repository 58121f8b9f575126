"""ECS: a stage's services, their deployments and desired counts."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated
from belay.errors import AwsFault
from belay.release.registration import Service


class Services(Gateway):
    """ECS services, identified as registered: by cluster and service."""

    def describe(self, service: Service) -> dict[str, Any] | None:
        """Return one of DescribeServices' ``services``, or None if the service or its cluster does not exist.

        A deleted service is described as INACTIVE for a while. A failure with any reason other than MISSING
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html) is a fault.
        """
        answer: dict[str, Any] = {"services": []}
        with translated("ECS.DescribeServices", ignoring=("ClusterNotFoundException",)):
            answer = self._client.describe_services(cluster=service.cluster, services=[service.service])
        for failure in answer.get("failures", []):
            if failure.get("reason") != "MISSING":
                raise AwsFault("ECS.DescribeServices", str(failure.get("reason")), str(failure.get("detail", failure)))
        return next((dict(found) for found in answer["services"]), None)

    def force_new_deployment(self, service: Service) -> str:
        """Replace every task by a new one of the same task definition; return the id of that deployment.

        UpdateService has no client token, so callers first check whether it was already called.
        """
        with translated("ECS.UpdateService"):
            answer = self._client.update_service(
                cluster=service.cluster, service=service.service, forceNewDeployment=True
            )
        return _primary(answer["service"])

    def set_desired_count(self, service: Service, count: int) -> None:
        """Set a service's desired count."""
        with translated("ECS.UpdateService"):
            self._client.update_service(cluster=service.cluster, service=service.service, desiredCount=count)


def _primary(description: Mapping[str, Any]) -> str:
    return next(str(each["id"]) for each in description["deployments"] if each["status"] == "PRIMARY")

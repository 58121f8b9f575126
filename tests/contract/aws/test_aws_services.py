"""ECS services and their scaling, on moto and against botocore's models."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.application_autoscaling import ScalableTargets
from belay.aws.ecs import Services
from belay.errors import AccessDenied, AwsFault, InvalidRequest, ServiceUnavailable, Throttled
from belay.release.registration import Service

API = Service("orders", "api")
HELD = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": True,
    "ScheduledScalingSuspended": True,
}
Stubbed = Callable[[str], tuple[Any, Stubber]]


@pytest.fixture
def ecs(simulated: Callable[[str], Any]) -> Any:
    client = simulated("ecs")
    client.create_cluster(clusterName="orders")
    container = {"name": "api", "image": "api:1", "memory": 128}
    client.register_task_definition(family="api", containerDefinitions=[container])
    client.create_service(cluster="orders", serviceName="api", taskDefinition="api", desiredCount=2)
    return client


def deployment(number: int, status: str) -> dict[str, Any]:
    return {"id": f"ecs-svc/{number}", "status": status, "createdAt": datetime(2026, 11, 21, tzinfo=UTC)}


class TestServices:
    def test_one_is_described_as_ecs_does(self, ecs: Any) -> None:
        found = Services(ecs).describe(API)

        assert found is not None
        assert (found["serviceName"], found["status"], found["desiredCount"]) == ("api", "ACTIVE", 2)

    @pytest.mark.parametrize("service", [Service("orders", "worker"), Service("billing", "api")])
    def test_one_that_is_not_there_is_none(self, ecs: Any, service: Service) -> None:
        assert Services(ecs).describe(service) is None

    def test_what_ecs_cannot_tell_is_no_absence(self, stubbed: Stubbed) -> None:
        client, stub = stubbed("ecs")
        failure = {"arn": "arn:aws:ecs:eu-west-1:123456789012:service/api", "reason": "INTERNAL", "detail": "later"}
        stub.add_response("describe_services", {"services": [], "failures": [failure]})

        with pytest.raises(AwsFault, match="INTERNAL"):
            Services(client).describe(API)

    def test_the_count_is_set(self, ecs: Any) -> None:
        Services(ecs).set_desired_count(API, 0)

        found = Services(ecs).describe(API)
        assert found is not None
        assert found["desiredCount"] == 0

    def test_a_new_deployment_is_the_one_that_replaces_the_tasks(self, stubbed: Stubbed) -> None:
        client, stub = stubbed("ecs")
        stub.add_response(
            "update_service",
            {"service": {"deployments": [deployment(2, "PRIMARY"), deployment(1, "ACTIVE")]}},
            {"cluster": "orders", "service": "api", "forceNewDeployment": True},
        )

        assert Services(client).force_new_deployment(API) == "ecs-svc/2"

    @pytest.mark.parametrize(
        ("code", "status", "fault"),
        [
            ("AccessDeniedException", 400, AccessDenied),
            ("ThrottlingException", 400, Throttled),
            ("ServerException", 500, ServiceUnavailable),
            ("InvalidParameterException", 400, InvalidRequest),
            ("ServiceNotActiveException", 400, AwsFault),
        ],
    )
    def test_faults_have_our_names(self, stubbed: Stubbed, code: str, status: int, fault: type[Exception]) -> None:
        client, stub = stubbed("ecs")
        for operation in ("describe_services", "update_service", "update_service"):
            stub.add_client_error(operation, code, "no", status)
        services = Services(client)

        for call in (
            lambda: services.describe(API),
            lambda: services.force_new_deployment(API),
            lambda: services.set_desired_count(API, 1),
        ):
            with pytest.raises(fault) as raised:
                call()
            assert type(raised.value) is fault


class TestScalableTargets:
    @pytest.fixture
    def targets(self, ecs: Any, simulated: Callable[[str], Any]) -> ScalableTargets:
        client = simulated("application-autoscaling")
        client.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId="service/orders/api",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=1,
            MaxCapacity=4,
        )
        return ScalableTargets(client)

    def test_suspended_and_nothing_else_changed(self, targets: ScalableTargets) -> None:
        targets.suspend(API, HELD)

        found = targets.describe(API)
        assert found is not None
        assert found["SuspendedState"] == HELD
        assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 4)

    def test_a_service_that_nothing_scales(self, targets: ScalableTargets) -> None:
        assert targets.describe(Service("orders", "worker")) is None

    def test_another_writer_is_no_verdict(self, stubbed: Stubbed) -> None:
        client, stub = stubbed("application-autoscaling")
        stub.add_client_error("register_scalable_target", "ConcurrentUpdateException", "again", 500)

        with pytest.raises(Throttled):
            ScalableTargets(client).suspend(API, HELD)

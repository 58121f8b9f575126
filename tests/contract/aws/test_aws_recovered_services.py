"""The services of an incident, restarted once and stopped and restarted, with crashes in between, on moto."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from simulated_ledger import remembered
from test_aws_unfinished import INCIDENT, RELEASE, House

from belay.aws.application_autoscaling import ScalableTargets
from belay.aws.ecs import Services
from belay.aws.gateways import own_aws
from belay.control.recovered_services import RecoveredServices
from belay.control.recovery import Recovery
from belay.errors import AccessDenied, Throttled
from belay.release.reason import from_document
from belay.release.registration import RegisteredStack, Service, Stage
from belay.rollback.plan import Action, Step, Todo
from belay.rollback.services import plan_services, stop_services
from belay.rollback.situation import SCALING_ACTIVITIES, ServiceSeen, Situation, StackSeen
from belay.stack.status import StackStatus

API = Service("orders", "api")
STAGE = Stage("orders", "production", "arn:role", {"network": RegisteredStack("orders-network")}, services=(API,))
CHANGED = StackSeen("network", "orders-network", "arn:stack", StackStatus.UPDATE_COMPLETE, changed_by_release=True)


@dataclass
class Stages:
    """A stage with one service, whose incident is open."""

    house: House
    ecs: Any
    scaling: Any

    def services(self) -> RecoveredServices:
        event = {"application": "orders", "stage": "production", "incident": INCIDENT, "fencing": None}
        self.recovery = Recovery.enter(event, *remembered())
        return RecoveredServices(self.recovery, Services(self.ecs), ScalableTargets(self.scaling))

    def seen(self) -> ServiceSeen:
        (seen,) = self.services().look(STAGE)
        return seen

    def situation(self) -> Situation:
        return Situation("orders", "production", "1.0.0", (CHANGED,), services=(self.seen(),))

    def take(self, planner: Callable[[Situation], tuple[Todo, ...]]) -> Action:
        """Plan, take the first step, and return what it was."""
        step = next(todo for todo in planner(self.situation()) if isinstance(todo, Step))
        if step.action is not Action.WAIT:
            assert self.services().perform(step, self.recovery.next_number) is False
        return step.action

    def described(self) -> dict[str, Any]:
        return dict(self.ecs.describe_services(cluster="orders", services=["api"])["services"][0])

    def target(self) -> dict[str, Any]:
        return dict(self.scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"][0])


@pytest.fixture
def stage(simulated: Callable[[str], Any]) -> Iterator[Stages]:
    own_aws.cache_clear()
    house = House(simulated)
    house.in_stage()
    house.incidents.open_for_release(RELEASE, "production", from_document("it is bad"))
    ecs, scaling = simulated("ecs"), simulated("application-autoscaling")
    ecs.create_cluster(clusterName="orders")
    ecs.register_task_definition(family="api", containerDefinitions=[{"name": "a", "image": "a:1", "memory": 64}])
    ecs.create_service(cluster="orders", serviceName="api", taskDefinition="api", desiredCount=2)
    yield Stages(house, ecs, scaling)
    own_aws.cache_clear()


def test_a_service_is_restarted_once(stage: Stages) -> None:
    before = stage.described()["deployments"][0]["id"]

    taken = [stage.take(plan_services), stage.take(plan_services)]

    assert taken == [Action.RESTART_SERVICE, Action.WAIT]
    primary = next(each["id"] for each in stage.described()["deployments"] if each["status"] == "PRIMARY")
    assert primary != before
    assert stage.seen().restarted == primary
    assert [each.action for each in stage.recovery.record.tried] == ["RESTART_SERVICE"]


def test_a_restart_whose_answer_was_lost_is_not_done_again(stage: Stages) -> None:
    step = next(todo for todo in plan_services(stage.situation()) if isinstance(todo, Step))
    stage.services().perform(step, 0)
    begun = [each["id"] for each in stage.described()["deployments"]]

    stage.services().perform(step, 0)

    assert [each["id"] for each in stage.described()["deployments"]] == begun


def test_stopped_and_brought_back_with_what_scales_it(stage: Stages) -> None:
    stage.scaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/orders/api",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=4,
        SuspendedState={"ScheduledScalingSuspended": True},
    )

    assert [stage.take(stop_services), stage.take(stop_services)] == [Action.SUSPEND_SCALING, Action.STOP_SERVICE]
    assert stage.described()["desiredCount"] == 0
    assert all(stage.target()["SuspendedState"][each] for each in SCALING_ACTIVITIES)
    seen = stage.seen()
    assert seen.stopped_from == 2
    assert seen.scaled_by is not None
    assert [each for each in SCALING_ACTIVITIES if seen.scaled_by.get(each)] == ["ScheduledScalingSuspended"]

    assert [stage.take(plan_services), stage.take(plan_services)] == [Action.START_SERVICE, Action.RESUME_SCALING]
    assert stage.described()["desiredCount"] == 2
    assert stage.target()["SuspendedState"] == {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }
    assert {each.action for each in plan_services(stage.situation()) if isinstance(each, Step)} <= {Action.WAIT}


def test_the_count_it_is_brought_back_to_is_the_first_one_seen(stage: Stages) -> None:
    services, situation = stage.services(), stage.situation()
    step = next(todo for todo in stop_services(situation) if isinstance(todo, Step))
    services.perform(step, 0)

    stage.services().perform(step, 1)

    assert stage.seen().stopped_from == 2


def test_a_service_that_is_not_there_is_seen_so(stage: Stages) -> None:
    elsewhere = replace(STAGE, services=(Service("orders", "worker"),))

    assert stage.services().look(elsewhere) == (ServiceSeen("orders/worker"),)
    assert stage.services().look(None) == ()


def test_what_may_not_be_seen_is_told_as_it_was_left_and_a_throttle_is_not(
    stage: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fault: Exception) -> Callable[..., None]:
        def call(*_: object) -> None:
            raise fault

        return call

    assert stage.take(stop_services) is Action.STOP_SERVICE
    monkeypatch.setattr(Services, "describe", refuse(AccessDenied("ECS.DescribeServices", "AccessDenied", "no")))
    assert (stage.seen().stopped_from, stage.seen().unseen) == (2, "ECS.DescribeServices answered AccessDenied: no")

    monkeypatch.setattr(Services, "describe", refuse(Throttled("ECS.DescribeServices", "Throttling", "slow")))
    with pytest.raises(Throttled):
        stage.seen()


def test_what_aws_refuses_for_good_is_noted_and_a_throttle_is_not(
    stage: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fault: Exception) -> Callable[..., None]:
        def call(*_: object) -> None:
            raise fault

        return call

    monkeypatch.setattr(Services, "set_desired_count", refuse(Throttled("ECS.UpdateService", "Throttling", "slow")))
    with pytest.raises(Throttled):
        stage.take(stop_services)
    assert stage.seen().blocked is None

    monkeypatch.setattr(Services, "set_desired_count", refuse(AccessDenied("ECS.UpdateService", "AccessDenied", "no")))
    assert stage.take(stop_services) is Action.STOP_SERVICE
    assert "AccessDenied" in str(stage.seen().blocked)
    assert not [todo for todo in stop_services(stage.situation()) if isinstance(todo, Step)]
    assert stage.described()["desiredCount"] == 2


def test_no_service_is_deleted(stage: Stages) -> None:
    step = next(todo for todo in plan_services(stage.situation()) if isinstance(todo, Step))

    with pytest.raises(ValueError, match="DELETE_STACK"):
        stage.services().perform(replace(step, action=Action.DELETE_STACK), 0)


class Killed(Exception):  # noqa: N818 - reads better than an error
    """The function died here."""


CHANGING = (
    (Recovery, "take"),
    (Recovery, "note"),
    (Services, "force_new_deployment"),
    (Services, "set_desired_count"),
    (ScalableTargets, "suspend"),
)
"""Everything that a step changes, in the ledger and in AWS."""


def play(stage: Stages, *planners: Callable[[Situation], tuple[Todo, ...]]) -> None:
    """Take the steps of each planner until only waiting is left."""
    for planner in planners:
        while any(step.action is not Action.WAIT for step in planner(stage.situation()) if isinstance(step, Step)):
            stage.take(planner)


def killing(monkeypatch: pytest.MonkeyPatch, point: int, *, after: bool) -> list[str]:
    """Kill the function before or after the change of that number; returns the names of those that happened."""
    happened: list[str] = []
    number = iter(range(10_000))

    def dying(name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            now = next(number)
            if now == point and not after:
                raise Killed
            answer = change(*arguments, **named)
            happened.append(name)
            if now == point:
                raise Killed
            return answer

        return changed

    for owner, name in CHANGING:
        monkeypatch.setattr(owner, name, dying(name, getattr(owner, name)))
    return happened


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("point", range(4))
def test_killed_at_any_point_a_service_is_restarted_once(
    stage: Stages, monkeypatch: pytest.MonkeyPatch, point: int, after: bool
) -> None:
    happened = killing(monkeypatch, point, after=after)

    with pytest.raises(Killed):
        play(stage, plan_services)
    play(stage, plan_services)

    assert happened.count("force_new_deployment") == 1
    assert stage.seen().restarted == stage.described()["deployments"][0]["id"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("point", range(10))
def test_killed_at_any_point_a_stopped_service_runs_as_before(
    stage: Stages, monkeypatch: pytest.MonkeyPatch, point: int, after: bool
) -> None:
    stage.scaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/orders/api",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=4,
    )
    killing(monkeypatch, point, after=after)

    with pytest.raises(Killed):
        play(stage, stop_services, plan_services)
    play(stage, stop_services)
    assert stage.described()["desiredCount"] == 0
    play(stage, plan_services)

    assert stage.described()["desiredCount"] == 2
    assert not any(stage.target()["SuspendedState"].values())

"""The services' part of a rollback plan: restarted once, in order, waited for; stopped and restarted."""

from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from belay.release.registration import Stage
from belay.release.verification_parts import verification_parts
from belay.rollback.noted import Noted
from belay.rollback.plan import Action, LeftToDo, Risk, RollbackPlan, Step, Todo
from belay.rollback.planner import plan_rollback
from belay.rollback.services import PATIENCE_SECONDS, left_stopped, plan_services, stop_services
from belay.rollback.situation import (
    SCALING_ACTIVITIES,
    Scaling,
    ServiceDeployment,
    ServiceSeen,
    Situation,
    StackSeen,
    VerificationSeen,
)
from belay.stack.status import StackStatus

ARN = "arn:aws:ecs:eu-west-1:123456789012:service/orders/api"
DONE = ServiceDeployment("ecs-svc/1", "PRIMARY", "COMPLETED")
API = ServiceSeen("orders/api", ARN, "ACTIVE", desired=2, running=2, deployments=(DONE,))
WORKER = replace(API, service="orders/worker")
FREE = dict.fromkeys(SCALING_ACTIVITIES, False)
HELD = dict.fromkeys(SCALING_ACTIVITIES, True)
STACK = StackSeen("first", "orders-first", "arn:stack", StackStatus.UPDATE_ROLLBACK_COMPLETE, changed_by_release=True)


def situation(*services: ServiceSeen, changed: bool = True, ephemeral: bool = False) -> Situation:
    stack = replace(STACK, changed_by_release=changed)
    return Situation("orders", "production", "1.1.0", (stack,), services=services, ephemeral=ephemeral)


def planned(*services: ServiceSeen, **more: Any) -> list[tuple[Action, str]]:
    todos = plan_services(situation(*services, **more))
    return [(todo.action, todo.subject) for todo in todos if isinstance(todo, Step)]


def in_words(todos: tuple[Todo, ...]) -> str:
    return "\n".join(todo.in_words() for todo in todos)


def only(todos: tuple[Todo, ...]) -> Any:
    (todo,) = todos
    return todo


class TestRestart:
    def test_every_service_in_the_order_of_the_registration(self) -> None:
        assert planned(API, WORKER) == [
            (Action.RESTART_SERVICE, "orders/api"),
            (Action.RESTART_SERVICE, "orders/worker"),
        ]

    @pytest.mark.parametrize("more", [{"changed": False}, {"ephemeral": True}])
    def test_none_where_nothing_was_changed_or_nothing_is_left(self, more: dict[str, bool]) -> None:
        assert plan_services(situation(API, **more)) == ()

    @pytest.mark.parametrize(
        "seen", [ServiceSeen("orders/api"), replace(API, status="INACTIVE"), replace(API, desired=0, running=0)]
    )
    def test_none_of_a_service_that_is_not_there_or_runs_nothing(self, seen: ServiceSeen) -> None:
        assert plan_services(situation(seen)) == ()

    def test_once(self) -> None:
        assert plan_services(situation(replace(API, restarted="ecs-svc/1"))) == ()

    @pytest.mark.parametrize(
        "change",
        [
            {"deployments": (ServiceDeployment("ecs-svc/1", "PRIMARY", "IN_PROGRESS"),)},
            {"running": 1},
            {"deployments": (ServiceDeployment("a", "PRIMARY"), ServiceDeployment("b", "ACTIVE"))},
        ],
    )
    def test_waited_for_until_it_is_steady(self, change: dict[str, Any]) -> None:
        seen = replace(API, restarted="ecs-svc/1", **change)

        assert planned(seen, WORKER) == [(Action.WAIT, "orders/api"), (Action.RESTART_SERVICE, "orders/worker")]

    def test_steady_where_ecs_tells_no_rollout_state(self) -> None:
        assert replace(API, deployments=(ServiceDeployment("a", "PRIMARY"),)).steady
        assert not replace(API, deployments=()).steady

    def test_left_to_a_person_when_the_circuit_breaker_speaks(self) -> None:
        failed = ServiceDeployment("ecs-svc/2", "ACTIVE", "FAILED", "ECS deployment circuit breaker: tasks failed.")
        seen = replace(API, restarted="ecs-svc/2", deployments=(DONE, failed), events=("(api) is unhealthy", "older"))

        left = only(plan_services(situation(seen)))

        assert isinstance(left, LeftToDo)
        assert "circuit breaker: tasks failed. (api) is unhealthy" in left.in_words()
        assert "older" not in left.in_words()
        assert "aws ecs describe-services --cluster orders --services api" in left.in_words()

    def test_left_to_a_person_when_it_takes_too_long(self) -> None:
        seen = replace(API, restarted="ecs-svc/1", running=1, waited_seconds=PATIENCE_SECONDS + 1, events=("no room",))

        assert "1 of 2 tasks run; last event: no room" in only(plan_services(situation(seen))).in_words()

    def test_left_to_whoever_deploys_it(self) -> None:
        seen = replace(API, controller="CODE_DEPLOY")

        assert "CODE_DEPLOY deploys it" in only(plan_services(situation(seen))).in_words()


class TestStop:
    def test_scaling_first_then_the_tasks(self) -> None:
        todos = stop_services(situation(replace(API, scaling=Scaling(1, FREE)), WORKER))

        assert [(todo.action, todo.subject) for todo in todos if isinstance(todo, Step)] == [
            (Action.SUSPEND_SCALING, "orders/api"),
            (Action.STOP_SERVICE, "orders/api"),
            (Action.STOP_SERVICE, "orders/worker"),
        ]

    def test_scaling_that_is_held_is_left(self) -> None:
        assert only(stop_services(situation(replace(API, scaling=Scaling(1, HELD))))).action is Action.STOP_SERVICE

    def test_the_last_tasks_are_waited_for_and_then_all_is_done(self) -> None:
        stopping = replace(API, desired=0, running=1, stopped_from=2)

        assert only(stop_services(situation(stopping))).action is Action.WAIT
        assert stop_services(situation(replace(stopping, running=0), ServiceSeen("orders/gone"))) == ()

    def test_a_daemon_cannot_be_stopped(self) -> None:
        assert isinstance(only(stop_services(situation(replace(API, daemon=True)))), LeftToDo)


class TestStart:
    STOPPED = replace(API, desired=0, running=0, stopped_from=2, scaling=Scaling(1, HELD), scaled_by=FREE)

    def test_its_tasks_first_then_its_scaling(self) -> None:
        assert planned(self.STOPPED) == [(Action.START_SERVICE, "orders/api"), (Action.RESUME_SCALING, "orders/api")]
        start, resume = plan_services(situation(self.STOPPED))
        assert isinstance(start, Step)
        assert isinstance(resume, Step)
        assert start.parameters["desiredCount"] == 2
        assert resume.parameters["SuspendedState"] == FREE

    def test_also_where_the_release_changed_nothing(self) -> None:
        assert planned(self.STOPPED, changed=False)

    def test_then_waited_for_and_not_restarted(self) -> None:
        started = replace(self.STOPPED, desired=2, running=1, scaling=Scaling(1, FREE))

        assert planned(started) == [(Action.WAIT, "orders/api")]
        assert plan_services(situation(replace(started, running=2))) == ()

    @pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
    def test_steady_without_a_deployment_where_another_controller_makes_task_sets(self, controller: str) -> None:
        started = replace(API, controller=controller, deployments=(), stopped_from=2, running=1)

        assert planned(started) == [(Action.WAIT, "orders/api")]
        assert planned(replace(started, running=2)) == []

    def test_what_was_held_before_stays_held(self) -> None:
        partly = FREE | {"ScheduledScalingSuspended": True}
        started = replace(self.STOPPED, desired=2, running=2, scaling=Scaling(1, partly), scaled_by=partly)

        assert plan_services(situation(started)) == ()

    def test_scaling_is_resumed_where_the_service_was_not_stopped_after_all(self) -> None:
        suspended = replace(API, scaling=Scaling(1, HELD), scaled_by=FREE)

        assert planned(suspended, changed=False) == [(Action.RESUME_SCALING, "orders/api")]


WATCHED = Stage("orders", "production", "arn:aws:iam::123456789012:role/deployer", {}, alarms=("errors",))


class TestUnseen:
    DENIED = ServiceSeen("orders/api", unseen="ECS.DescribeServices answered AccessDeniedException: not allowed.")

    def test_it_is_left_to_a_person_with_the_reason(self) -> None:
        for todos in (plan_services(situation(self.DENIED)), stop_services(situation(self.DENIED))):
            left = only(todos)
            assert isinstance(left, LeftToDo)
            assert "could not be read: ECS.DescribeServices answered AccessDeniedException: not allowed." in left.why

    def test_the_stacks_go_back_all_the_same_and_the_stage_is_not_called_well(self) -> None:
        whole = replace(situation(self.DENIED), verification=VerificationSeen(verification_parts(WATCHED)))
        plan = plan_rollback(replace(whole, stacks=(replace(whole.stacks[0], status=StackStatus.UPDATE_FAILED),)))
        assert [step.action for step in plan.steps] == [Action.ROLLBACK_STACK]
        assert plan.outcome_if_done == "NEEDS_OPERATOR"

    @pytest.mark.parametrize("more", [{"changed": False}, {"ephemeral": True}])
    def test_nobody_is_needed_for_one_that_was_not_touched(self, more: dict[str, bool]) -> None:
        assert plan_services(situation(self.DENIED, **more)) == ()

    def test_what_the_incident_did_to_it_is_told_with_the_commands(self) -> None:
        stopped = replace(self.DENIED, stopped_from=2, scaled_by=FREE)
        assert "--desired-count 2" in in_words(plan_services(situation(stopped, changed=False)))


class TestRefused:
    REFUSED = replace(API, blocked="ECS.UpdateService answered AccessDenied: no", stopped_from=2, scaled_by=FREE)

    def test_what_cannot_be_stopped_is_left_and_what_was_stopped_runs_again(self) -> None:
        stopped = replace(WORKER, desired=0, running=0, stopped_from=1)

        assert "AccessDenied" in in_words(stop_services(situation(self.REFUSED)))
        assert planned(self.REFUSED, stopped) == [(Action.START_SERVICE, "orders/worker")]

    def test_how_it_was_is_told_with_the_commands(self) -> None:
        told = in_words(plan_services(situation(self.REFUSED, changed=False)))

        assert "aws ecs update-service --cluster orders --service api --desired-count 2" in told
        assert "--resource-id service/orders/api" in told

    def test_what_a_recovery_that_ended_left_stopped_is_told(self) -> None:
        noted = {
            "orders-db": Noted(members={}),
            "orders/api": Noted(restarted_from="ecs-svc/1"),
            "orders/worker": Noted(stopped_from=3),
        }

        assert [each.in_words() for each in left_stopped(noted)] == [
            "orders/worker: unless it does, let it run 3 tasks again: the recovery stopped it. Then: "
            "aws ecs update-service --cluster orders --service worker --desired-count 3"
        ]


def test_every_call_is_one_that_aws_takes() -> None:
    session = botocore.session.get_session()
    begun = replace(API, restarted="ecs-svc/1", running=1, scaling=Scaling(1, FREE))
    plans = [
        plan_services(situation(API, TestStart.STOPPED, replace(begun, service="orders/worker"))),
        stop_services(situation(begun)),
    ]
    steps = [todo for todos in plans for todo in todos if isinstance(todo, Step)]
    assert {step.action for step in steps} == {
        Action.RESTART_SERVICE,
        Action.STOP_SERVICE,
        Action.START_SERVICE,
        Action.SUSPEND_SCALING,
        Action.RESUME_SCALING,
        Action.WAIT,
    }
    for step in steps:
        service, operation = step.call
        model = session.get_service_model(service).operation_model(operation)
        errors = ParamValidator().validate(dict(step.parameters), model.input_shape)
        assert not errors.has_errors(), errors.generate_report()
        assert step.risk in (Risk.NONE, Risk.DOWNTIME)
        assert RollbackPlan.from_dict(RollbackPlan((step,)).to_dict()).steps == (step,)


ACTIVITIES = st.fixed_dictionaries({each: st.booleans() for each in SCALING_ACTIVITIES})
DEPLOYMENTS = st.builds(
    ServiceDeployment,
    id=st.sampled_from(["ecs-svc/1", "ecs-svc/2"]),
    status=st.sampled_from(["PRIMARY", "ACTIVE", "INACTIVE"]),
    rollout_state=st.sampled_from([None, "COMPLETED", "IN_PROGRESS", "FAILED"]),
)
SERVICES = st.builds(
    ServiceSeen,
    service=st.just("orders/api"),
    arn=st.just(ARN),
    status=st.sampled_from([None, "ACTIVE", "DRAINING", "INACTIVE"]),
    desired=st.integers(0, 2),
    running=st.integers(0, 2),
    controller=st.sampled_from(["ECS", "CODE_DEPLOY", "EXTERNAL"]),
    daemon=st.booleans(),
    deployments=st.lists(DEPLOYMENTS, max_size=2).map(tuple),
    events=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    scaling=st.none() | st.builds(Scaling, st.integers(0, 2), ACTIVITIES),
    restarted=st.sampled_from([None, "ecs-svc/1", "ecs-svc/2"]),
    waited_seconds=st.sampled_from([0, PATIENCE_SECONDS + 1]),
    stopped_from=st.sampled_from([None, 0, 2]),
    scaled_by=st.none() | ACTIVITIES,
)


@given(SERVICES, st.booleans(), st.booleans())
def test_whatever_is_seen_no_call_is_planned_that_would_be_refused_or_undo_another(
    seen: ServiceSeen, changed: bool, ephemeral: bool
) -> None:
    whole = situation(seen, changed=changed, ephemeral=ephemeral)
    back, stop = plan_services(whole), stop_services(whole)

    for todos in (back, stop):
        actions = [todo.action for todo in todos if isinstance(todo, Step)]
        assert len(actions) == len(set(actions))
        assert not actions or seen.status == "ACTIVE"
        assert Action.RESTART_SERVICE not in actions or (seen.controller == "ECS" and seen.restarted is None)
        assert Action.STOP_SERVICE not in actions or not seen.daemon
        assert Action.STOP_SERVICE not in actions or Action.START_SERVICE not in actions
        if Action.RESUME_SCALING in actions and seen.desired == 0 and seen.stopped_from:
            assert actions.index(Action.START_SERVICE) < actions.index(Action.RESUME_SCALING)
        if Action.SUSPEND_SCALING in actions:
            assert actions == [Action.SUSPEND_SCALING, Action.STOP_SERVICE]
            assert seen.desired > 0

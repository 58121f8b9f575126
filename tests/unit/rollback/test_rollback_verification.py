"""The last step of a rollback: does the stage work again?"""

from dataclasses import replace

import botocore.session
import pytest
from botocore.validate import ParamValidator

from belay.release.registration import Stage, Verify
from belay.release.verification import Verified
from belay.release.verification_parts import verification_parts
from belay.rollback.plan import Action, Kind, LeftToDo, Step
from belay.rollback.planner import plan_rollback
from belay.rollback.situation import ServiceSeen, Situation, StackSeen, VerificationSeen
from belay.rollback.verification import plan_verification
from belay.stack.status import StackStatus

STACK = StackSeen("first", "orders-first", "arn:stack", StackStatus.UPDATE_ROLLBACK_COMPLETE, changed_by_release=True)
STAGE = Stage("orders", "production", "arn:aws:iam::123456789012:role/deployer", {})
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:verify"


def registered(function: str | None = None, alarms: tuple[str, ...] = (), bake_minutes: float = 0) -> VerificationSeen:
    stage = replace(STAGE, alarms=alarms, verify=Verify(function, bake_minutes))
    return VerificationSeen(verification_parts(stage), bake_minutes)


WATCHED = registered(alarms=("errors", "two words"), bake_minutes=10)
ASKED = registered(FUNCTION)
BOTH = registered(FUNCTION, ("errors",), 1)


def situation(verification: VerificationSeen | None, stack: StackSeen = STACK, **more: object) -> Situation:
    return replace(Situation("orders", "production", "1.1.0", (stack,), verification=verification), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "why", "afterwards"),
    [
        (WATCHED, "the alarms errors, two words for 10 minutes", "that no alarm is in ALARM at the end"),
        (ASKED, f"the verify function {FUNCTION}", "that the verify function passes"),
        (
            BOTH,
            f"the alarms errors for 1 minute and the verify function {FUNCTION}",
            "that no alarm is in ALARM at the end and that the verify function passes",
        ),
    ],
)
def test_a_recovered_stage_is_verified(seen: VerificationSeen, why: str, afterwards: str) -> None:
    (step,) = plan_verification(situation(seen))

    assert isinstance(step, Step)
    assert (step.action, step.kind, step.subject) == (Action.VERIFY, Kind.STAGE, "production")
    service, operation = step.call
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    assert not ParamValidator().validate(dict(step.parameters), model.input_shape).has_errors()
    assert step.why == f"verify that the stage works: {why}"
    assert step.checked_afterwards == afterwards


@pytest.mark.parametrize(
    "whole",
    [
        situation(None),
        situation(replace(WATCHED, verdict=Verified.PASS)),
        situation(WATCHED, replace(STACK, changed_by_release=False)),
        situation(WATCHED, ephemeral=True),
    ],
)
def test_nothing_is_verified_that_is_not_there_or_passed_or_was_not_touched(whole: Situation) -> None:
    assert plan_verification(whole) == ()


def test_still_bad_needs_a_person() -> None:
    bad = replace(WATCHED, verdict=Verified.FAIL, reason="the alarm errors is in ALARM")

    (left,) = plan_verification(situation(bad))

    assert isinstance(left, LeftToDo)
    assert left.in_words() == (
        "production: find out what is wrong with the stage: the release was rolled back, and the stage still fails: "
        "the alarm errors is in ALARM. "
        "Look: aws cloudwatch describe-alarms --alarm-names errors 'two words'"
    )
    asked = replace(bad, parts=ASKED.parts)
    assert plan_verification(situation(asked))[0].in_words().endswith("in ALARM.")


def test_undecided_needs_a_person_and_is_no_failure() -> None:
    (left,) = plan_verification(situation(replace(ASKED, verdict=Verified.REVIEW, reason="it returned nothing")))
    assert isinstance(left, LeftToDo)
    assert left.why == "the release was rolled back, and it is undecided whether the stage works: it returned nothing."


def test_what_aws_refuses_is_no_verdict_and_needs_a_person() -> None:
    blocked = replace(WATCHED, blocked="CloudWatch.DescribeAlarms answered AccessDenied: no.")
    (left,) = plan_verification(situation(blocked))
    assert isinstance(left, LeftToDo)
    assert "it is not known whether the stage works: CloudWatch.DescribeAlarms answered AccessDenied: no." in left.why
    assert "describe-alarms" in str(left.look)


def test_it_comes_last_and_not_where_a_person_is_needed_anyway() -> None:
    service = ServiceSeen("orders/api", "arn:service", "ACTIVE", desired=1, running=1)
    whole = situation(WATCHED, services=(service,))

    assert [step.action for step in plan_rollback(whole).steps] == [Action.RESTART_SERVICE, Action.VERIFY]
    codedeploy = replace(service, controller="CODE_DEPLOY")
    left = plan_rollback(replace(whole, services=(codedeploy,)))
    assert left.steps == ()
    assert len(left.left_to_do) == 1


def test_a_service_that_was_stopped_is_started_again_although_a_stack_is_left_to_a_person() -> None:
    stopped = ServiceSeen("orders/api", "arn:service", "ACTIVE", desired=0, running=0, stopped_from=2)
    running = ServiceSeen("orders/worker", "arn:service", "ACTIVE", desired=1, running=1)
    stuck = replace(STACK, blocked="the change set back would delete data")

    plan = plan_rollback(situation(WATCHED, stuck, services=(stopped, running)))

    assert [(step.action, step.subject) for step in plan.steps] == [(Action.START_SERVICE, "orders/api")]
    assert [left.subject for left in plan.left_to_do] == ["first", "orders/worker"]

"""Alarms and verify functions, against moto and botocore's models."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from simulated_ledger import remembered
from test_aws_unfinished import INCIDENT, RELEASE, ROLE, House

from belay.aws.cloudwatch import Alarms
from belay.aws.gateways import own_aws
from belay.control.checks.alarms import AlarmsCheck
from belay.control.checks.verify_function import VerifyFunctionCheck
from belay.control.recovery import Recovery
from belay.control.stage_checks import verification
from belay.control.verification import RecoveredStage, StageVerification, VerifyFunctions, verification_seen
from belay.errors import AccessDenied, Throttled
from belay.release.reason import from_document
from belay.release.registration import RegisteredStack, Stage, Verify
from belay.release.verification import (
    COMPOSITE,
    METRIC,
    VERIFY_FUNCTION,
    AlarmSeen,
    DeployedStage,
    FunctionAnswer,
    Occasion,
    Verified,
)
from belay.release.verification_parts import PARTS
from belay.rollback.plan import Step
from belay.rollback.situation import Situation, StackSeen, VerificationSeen
from belay.rollback.verification import plan_verification
from belay.stack.plan import StagePlan
from belay.stack.status import StackStatus

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:verify-orders"
STAGE = Stage(
    "orders",
    "production",
    "arn:aws:iam::123456789012:role/belay",
    {"first": RegisteredStack("orders-first")},
    alarms=("latency",),
    verify=Verify(function=FUNCTION, bake_minutes=60),
)
DEPLOYED = DeployedStage(
    RELEASE.origin, STAGE, Occasion.DEPLOYED, {"first": "arn:stack"}, "artifacts", date(2026, 1, 1), over=False
)
ASKED = DEPLOYED.question()
Stubbed = Callable[[str], tuple[Any, Stubber]]


def test_every_check_has_its_part_of_a_rollback_plan() -> None:
    checks = verification(AlarmsCheck(Alarms(None)), VerifyFunctionCheck(VerifyFunctions(None)))
    assert list(PARTS) == list(checks)


@pytest.fixture
def cloudwatch(simulated: Callable[[str], Any]) -> Any:
    client = simulated("cloudwatch")
    for name in ("errors", "latency"):
        client.put_metric_alarm(
            AlarmName=name,
            Namespace="Orders",
            MetricName=name,
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    client.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="3 > 1")
    return client


def test_alarms_in_their_order_and_those_that_are_not_there(cloudwatch: Any) -> None:
    latency, gone, errors = Alarms(cloudwatch).describe(["latency", "gone", "errors"])

    assert (errors.state, errors.reason, errors.kind) == ("ALARM", "3 > 1", METRIC)
    assert errors.arn.endswith(":alarm:errors")
    assert (gone.name, gone.state) == ("gone", None)
    assert latency.name == "latency"


def test_composite_alarms_are_asked_for(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudwatch")
    alarm = {"AlarmName": "anything", "StateValue": "OK", "AlarmArn": "arn:anything"}
    wanted = {"AlarmNames": ["anything"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    stub.add_response("describe_alarms", {"CompositeAlarms": [alarm], "MetricAlarms": []}, wanted)

    assert Alarms(client).describe(["anything"]) == (AlarmSeen("anything", "OK", "", "arn:anything", COMPOSITE),)


def test_without_alarms_nobody_is_asked(stubbed: Stubbed) -> None:
    client, _ = stubbed("cloudwatch")

    assert Alarms(client).describe([]) == ()


def test_alarms_that_may_not_be_seen_are_no_verdict(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudwatch")
    stub.add_client_error("describe_alarms", "AccessDenied", "no", 403)

    with pytest.raises(AccessDenied):
        Alarms(client).describe(["errors"])


def answering(stubbed: Stubbed, body: bytes, **more: Any) -> VerifyFunctions:
    client, stub = stubbed("lambda")
    answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body)), **more}
    stub.add_response("invoke", answer, {"FunctionName": FUNCTION, "Payload": json.dumps(ASKED).encode()})
    return VerifyFunctions(client)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"verdict": "PASS"}', FunctionAnswer(Verified.PASS)),
        (b'{"verdict": "FAIL", "reason": "no orders"}', FunctionAnswer(Verified.FAIL, "no orders")),
        (b"null", FunctionAnswer(None, "expected a verdict of PASS or FAIL, found None")),
        (b"\xff", FunctionAnswer(None, "expected a verdict of PASS or FAIL, found \ufffd")),
    ],
)
def test_a_function_answers(stubbed: Stubbed, body: bytes, answer: FunctionAnswer) -> None:
    assert answering(stubbed, body).ask(FUNCTION, ASKED) == answer


def test_a_function_that_fails_has_not_answered(stubbed: Stubbed) -> None:
    body = json.dumps({"errorType": "KeyError", "errorMessage": "'url'", "verdict": "PASS"}).encode()

    answer = answering(stubbed, body, FunctionError="Unhandled").ask(FUNCTION, ASKED)

    assert answer == FunctionAnswer(None, "it failed with KeyError: 'url'")


def test_a_function_that_takes_too_long_has_not_answered(stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = stubbed("lambda")

    def invoke(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://lambda")

    monkeypatch.setattr(client, "invoke", invoke)

    assert VerifyFunctions(client).ask(FUNCTION, ASKED).verdict is None


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [("AccessDeniedException", 403, AccessDenied), ("TooManyRequestsException", 429, Throttled)],
)
def test_a_function_that_cannot_be_invoked_is_a_fault(
    stubbed: Stubbed, code: str, status: int, fault: type[Exception]
) -> None:
    client, stub = stubbed("lambda")
    stub.add_client_error("invoke", code, "no", status)

    with pytest.raises(fault):
        VerifyFunctions(client).ask(FUNCTION, ASKED)


def test_a_verification_goes_on_where_the_last_look_left_it(cloudwatch: Any, stubbed: Stubbed) -> None:
    verification = StageVerification(Alarms(cloudwatch), answering(stubbed, b'{"verdict": "PASS"}'))

    first = verification.look(None, DEPLOYED)
    second = verification.look(first, DEPLOYED)
    cloudwatch.set_alarm_state(AlarmName="latency", StateValue="ALARM", StateReason="slow")
    third = verification.look(second, DEPLOYED)

    assert (first.verdict, first.noted[VERIFY_FUNCTION]) == (Verified.AGAIN, {"asked": True})
    assert second == first
    assert (third.verdict, third.since) == (Verified.FAIL, first.since)
    assert "slow" in third.reason


def test_nobody_is_asked_about_what_is_known_to_be_bad(cloudwatch: Any, stubbed: Stubbed) -> None:
    functions = answering(stubbed, b'{"verdict": "PASS"}')
    bad = replace(DEPLOYED, stage=replace(STAGE, alarms=("errors",)))

    assert StageVerification(Alarms(cloudwatch), functions).look(None, bad).verdict is Verified.FAIL
    assert functions.ask(FUNCTION, ASKED) == FunctionAnswer(Verified.PASS)


class TestRecoveredStage:
    """The last step of a rollback, between calls: its state is only in the incident."""

    STAGE = f"service_role: {ROLE}\nstacks: {{network: {{name: orders-network}}}}\nalarms: [latency]\n"

    @pytest.fixture
    def house(self, simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
        own_aws.cache_clear()
        monkeypatch.setattr("test_aws_unfinished.STAGE", self.STAGE)
        house = House(simulated)
        house.in_stage()
        house.incidents.open_for_release(RELEASE, "production", from_document("it is bad"))
        house.artifacts.put_json(RELEASE.stage_key("production", "plan.json"), StagePlan(()).to_dict())
        yield house
        own_aws.cache_clear()

    @staticmethod
    def entered(cloudwatch: Any) -> tuple[Recovery, RecoveredStage]:
        event = {"application": "orders", "stage": "production", "incident": INCIDENT, "fencing": None}
        recovery = Recovery.enter(event, *remembered())
        return recovery, RecoveredStage(recovery, StageVerification(Alarms(cloudwatch), VerifyFunctions(None)))

    def look(self, cloudwatch: Any) -> VerificationSeen:
        recovery, _ = self.entered(cloudwatch)
        seen = verification_seen(recovery, recovery.registered())
        assert seen is not None
        return seen

    def perform(self, cloudwatch: Any, number: int = 0) -> bool:
        changed = StackSeen("network", "n", "arn:n", StackStatus.UPDATE_COMPLETE, changed_by_release=True)
        situation = Situation("orders", "production", "1.0.0", (changed,), verification=self.look(cloudwatch))
        (step,) = plan_verification(situation)
        assert isinstance(step, Step)
        return self.entered(cloudwatch)[1].perform(step, number)

    @pytest.mark.parametrize(("state", "verdict"), [("OK", Verified.PASS), ("ALARM", Verified.FAIL)])
    def test_its_verdict_is_in_the_incident(self, house: House, cloudwatch: Any, state: str, verdict: Verified) -> None:
        cloudwatch.set_alarm_state(AlarmName="latency", StateValue=state, StateReason="as told")
        assert self.look(cloudwatch).verdict is Verified.AGAIN

        assert self.perform(cloudwatch) is False

        assert self.look(cloudwatch).verdict is verdict
        record = house.ledger.incidents.get("orders", INCIDENT)
        assert record is not None
        assert [each.action for each in record.tried] == ["VERIFY"]

    def test_a_bake_is_one_step_however_often_it_is_begun_again(
        self, house: House, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = Recovery.registered

        def baking(recovery: Recovery) -> Stage | None:
            stage = whole(recovery)
            return stage and replace(stage, verify=Verify(bake_minutes=60))

        monkeypatch.setattr(Recovery, "registered", baking)

        assert [self.perform(cloudwatch), self.perform(cloudwatch), self.perform(cloudwatch, 1)] == [True] * 3

        record = house.ledger.incidents.get("orders", INCIDENT)
        assert record is not None
        assert [each.action for each in record.tried] == ["VERIFY"]
        assert self.look(cloudwatch).verdict is Verified.AGAIN

    def test_what_aws_refuses_for_good_is_noted_and_no_verdict(
        self, house: House, cloudwatch: Any, stubbed: Stubbed
    ) -> None:
        refusing, stub = stubbed("cloudwatch")
        stub.add_client_error("describe_alarms", "AccessDenied", "no", 403)

        assert self.perform(refusing) is False

        seen = self.look(cloudwatch)
        assert (seen.verdict, "AccessDenied" in str(seen.blocked)) == (Verified.AGAIN, True)

    def test_where_nothing_is_registered_nothing_is_seen(self, house: House, cloudwatch: Any) -> None:
        recovery, _ = self.entered(cloudwatch)
        registered = recovery.registered()
        assert registered is not None
        assert verification_seen(recovery, replace(registered, alarms=())) is None
        assert verification_seen(recovery, None) is None

"""Alarms and verify functions, against moto and botocore's models."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from belay.aws.cloudwatch import Alarms
from belay.aws.verification import StageVerification, VerifyFunctions
from belay.errors import AccessDenied, Throttled
from belay.release.registration import RegisteredStack, Stage, Verify
from belay.release.verification import COMPOSITE, METRIC, AlarmSeen, Answer, Occasion, Verified

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:verify-orders"
ASKED = {"application": "orders", "occasion": "DEPLOYED"}
Stubbed = Callable[[str], tuple[Any, Stubber]]


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
        (b'{"verdict": "PASS"}', Answer(Verified.PASS)),
        (b'{"verdict": "FAIL", "reason": "no orders"}', Answer(Verified.FAIL, "no orders")),
        (b"null", Answer(None, "expected a verdict of PASS or FAIL, found None")),
        (b"\xff", Answer(None, "expected a verdict of PASS or FAIL, found \ufffd")),
    ],
)
def test_a_function_answers(stubbed: Stubbed, body: bytes, answer: Answer) -> None:
    assert answering(stubbed, body).ask(FUNCTION, ASKED) == answer


def test_a_function_that_fails_has_not_answered(stubbed: Stubbed) -> None:
    body = json.dumps({"errorType": "KeyError", "errorMessage": "'url'", "verdict": "PASS"}).encode()

    answer = answering(stubbed, body, FunctionError="Unhandled").ask(FUNCTION, ASKED)

    assert answer == Answer(None, "it failed with KeyError: 'url'")


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
    stage = Stage(
        "orders",
        "production",
        "arn:aws:iam::123456789012:role/belay",
        {"first": RegisteredStack("orders-first")},
        alarms=("latency",),
        verify=Verify(function=FUNCTION, bake_minutes=60),
    )
    verification = StageVerification(Alarms(cloudwatch), answering(stubbed, b'{"verdict": "PASS"}'))

    first = verification.look(None, stage, Occasion.DEPLOYED, ASKED)
    second = verification.look(first.to_dict(), stage, Occasion.DEPLOYED, ASKED)
    cloudwatch.set_alarm_state(AlarmName="latency", StateValue="ALARM", StateReason="slow")
    third = verification.look(second.to_dict(), stage, Occasion.DEPLOYED, ASKED)

    assert (first.verdict, first.asked) == (Verified.AGAIN, True)
    assert second == first
    assert (third.verdict, third.since) == (Verified.FAIL, first.since)
    assert "slow" in third.reason

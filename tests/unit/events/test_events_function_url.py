import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from belay.errors import InvalidEvent
from belay.events.function_url import FunctionUrlRequest, Refusal, json_response

SAMPLE = json.loads((Path(__file__).parents[3] / "events" / "aws.lambda" / "function_url.json").read_text())


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SAMPLE), **changes}


def test_who_signed_and_what_they_sent() -> None:
    read = FunctionUrlRequest.from_event(SAMPLE)
    assert read.user_arn.endswith(":assumed-role/AWSReservedSSO_Deployer_0123456789abcdef/maria.lopez@example.com")
    assert read.user_id == "AROAIOSFODNN7EXAMPLE:maria.lopez@example.com"
    assert (read.method, json.loads(read.body)["decision"], read.query) == ("POST", "approve", {})


def test_without_authorisation_nobody_is_named() -> None:
    event = changed()
    del event["requestContext"]["authorizer"]
    assert FunctionUrlRequest.from_event(event).user_arn == ""


def test_a_body_may_be_base64() -> None:
    assert FunctionUrlRequest.from_event(changed(body="aGk=", isBase64Encoded=True)).body == "hi"
    assert FunctionUrlRequest.from_event(changed(body="/w==", isBase64Encoded=True)).body == "\ufffd"
    assert FunctionUrlRequest.from_event(changed(body=None)).body == ""


@pytest.mark.parametrize(
    "event",
    [
        {"decision": "approve"},
        changed(requestContext="x"),
        changed(body=["x"]),
        changed(body="not base64", isBase64Encoded=True),
    ],
)
def test_what_no_function_url_hands_over_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        FunctionUrlRequest.from_event(event)


def test_only_a_signed_post_asks_for_something() -> None:
    request = FunctionUrlRequest.from_event(SAMPLE)
    assert request.refuse_unsigned("a decision is sent") is None
    assert replace(request, method="GET").refuse_unsigned("a decision is sent") == Refusal(
        405, "MethodNotAllowed", "a decision is sent by POST"
    )
    refusal = replace(request, user_arn="").refuse_unsigned("a decision is sent")
    assert refusal is not None
    assert (refusal.status, refusal.error) == (403, "Unsigned")


def test_a_program_is_told_the_result_or_why_there_is_none() -> None:
    assert json_response({"by": "maria"}) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": '{"by": "maria"}',
    }
    refused = json_response(Refusal(409, "Busy", "wait"))
    assert (refused["statusCode"], refused["body"]) == (409, '{"error": "Busy", "message": "wait"}')

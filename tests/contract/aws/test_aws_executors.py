"""The gateway to operators' database executors: an invalid response is a fault, and AWS's faults are AWS's."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from belay.aws.executors import Executors
from belay.aws.gateways import own_aws
from belay.database.executor import Ask, Begin, DatabaseAddress, Look, OperationAnswer, OperationState, written
from belay.errors import AccessDenied, ExecutorFailed
from belay.sql.changes import Engine

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:orders-executor:live"
DATABASE = DatabaseAddress(Engine.POSTGRESQL, "instance", "orders-db", "orders-db.example.com", 5432)
BEGIN = Begin(Ask.PROFILE, "orders-x", DATABASE)
RUNNING = OperationAnswer("orders-x", OperationState.RUNNING)
Stubbed = Callable[[str], tuple[Any, Stubber]]


def answered(data: bytes, **more: Any) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(data), len(data)), **more}


def test_an_operation_is_begun_and_looked_at(stubbed: Stubbed) -> None:
    client, stubber = stubbed("lambda")
    for asked in (BEGIN, Look("orders-x", DATABASE)):
        payload = json.dumps(written(asked)).encode()
        expected = {"FunctionName": FUNCTION, "Payload": payload}
        stubber.add_response("invoke", answered(json.dumps(written(RUNNING)).encode()), expected)
    executors = Executors(client)
    assert executors.begin(FUNCTION, BEGIN) == executors.look(FUNCTION, Look("orders-x", DATABASE)) == RUNNING


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (answered(b"<html>"), "its answer: expected JSON"),
        (answered(b"null"), "answer: expected an object, found NoneType"),
        (answered(b'{"schema": 2}'), "answer has schema 2, and this Belay reads up to 1"),
        (
            answered(b'{"errorType": "InterfaceError", "errorMessage": "no route"}', FunctionError="Unhandled"),
            "InterfaceError: no route",
        ),
    ],
)
def test_what_is_no_answer_says_nothing_about_the_database(
    stubbed: Stubbed, answer: dict[str, Any], found: str
) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_response("invoke", answer)
    with pytest.raises(ExecutorFailed, match=found):
        Executors(client).begin(FUNCTION, BEGIN)


def test_a_function_that_may_not_be_invoked_is_a_fault_of_aws(stubbed: Stubbed) -> None:
    client, stubber = stubbed("lambda")
    stubber.add_client_error("invoke", "AccessDeniedException", "no", 403)
    with pytest.raises(AccessDenied):
        Executors(client).begin(FUNCTION, BEGIN)


def test_its_client_repeats_what_was_not_answered() -> None:
    executors = own_aws().in_region("eu-west-1").executors
    assert executors._client.meta.config.retries["total_max_attempts"] > 1

import socket
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from belay.aws.cloudformation import Stacks
from belay.aws.faults import cancellation_codes, translated
from belay.aws.s3 import ArtifactBucket
from belay.errors import AccessDenied, AwsFault, BelayError, InvalidRequest, ServiceUnavailable, Throttled


def answer(code: str, status: int = 400, **more: Any) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "said AWS"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "Operation")


def fault_of(error: Exception) -> BelayError:
    with pytest.raises(BelayError) as caught, translated("CloudFormation.CreateChangeSet"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [
        ("AccessDenied", 403, AccessDenied),
        ("AccessDeniedException", 400, AccessDenied),
        ("UnauthorizedOperation", 403, AccessDenied),
        ("AuthorizationError", 403, AccessDenied),
        ("KMSAccessDeniedException", 400, AccessDenied),
        ("403", 403, AccessDenied),
        ("Throttling", 400, Throttled),
        ("SlowDown", 503, Throttled),
        ("ProvisionedThroughputExceededException", 400, Throttled),
        ("TransactionConflictException", 400, Throttled),
        ("ValidationError", 400, InvalidRequest),
        ("ValidationException", 400, InvalidRequest),
        ("InsufficientCapabilitiesException", 400, InvalidRequest),
        ("InternalFailure", 500, ServiceUnavailable),
        ("ServiceUnavailable", 503, ServiceUnavailable),
        ("RequestTimeout", 400, ServiceUnavailable),
        ("AlreadyExistsException", 400, AwsFault),
        ("ExpiredToken", 403, AwsFault),
        ("", 400, AwsFault),
    ],
)
def test_an_answer_becomes_a_fault_by_its_code(code: str, status: int, fault: type[AwsFault]) -> None:
    raised = fault_of(answer(code, status))
    assert type(raised) is fault
    assert isinstance(raised, AwsFault)
    assert (raised.operation, raised.code, raised.message) == ("CloudFormation.CreateChangeSet", code, "said AWS")
    assert str(raised) == f"CloudFormation.CreateChangeSet answered {code}: said AWS"


@pytest.mark.parametrize("code", sorted(vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]))
def test_what_botocore_takes_for_throttling_is_throttling(code: str) -> None:
    assert type(fault_of(answer(code))) is Throttled


@pytest.mark.parametrize("code", sorted(vars(TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"]))
def test_what_botocore_takes_for_transient_is_tried_again(code: str) -> None:
    assert isinstance(fault_of(answer(code)), ServiceUnavailable | Throttled)


def cancelled(*codes: str) -> ClientError:
    return answer("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def test_a_cancelled_transaction_is_judged_by_its_reasons() -> None:
    assert type(fault_of(cancelled("None", "TransactionConflict"))) is Throttled
    assert type(fault_of(cancelled("ThrottlingError"))) is Throttled
    assert type(fault_of(cancelled("ValidationError"))) is InvalidRequest
    assert type(fault_of(cancelled("ItemCollectionSizeLimitExceeded"))) is AwsFault
    assert cancellation_codes(cancelled("None", "ConditionalCheckFailed")) == {"None", "ConditionalCheckFailed"}
    assert cancellation_codes(answer("ConditionalCheckFailedException")) == set()


def test_an_answer_without_anything_in_it_is_a_fault_all_the_same() -> None:
    assert type(fault_of(ClientError({}, "Operation"))) is AwsFault


def test_a_fault_of_ours_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), translated("S3.GetObject"):
        raise ZeroDivisionError


def test_a_call_that_reaches_nobody_is_a_service_unavailable(no_account: None) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", config=Config(retries={"max_attempts": 0}))
    with pytest.raises(ServiceUnavailable) as caught:
        ArtifactBucket(client, "artifacts").get_bytes("key")
    assert caught.value.operation == "S3.GetObject"
    assert caught.value.code == "EndpointConnectionError"


def test_a_call_that_botocore_refuses_is_an_invalid_request(no_account: None) -> None:
    client = boto3.client("cloudformation", region_name="eu-west-1")
    with pytest.raises(InvalidRequest) as caught:
        Stacks(client).execute_change_set("", "token")
    assert caught.value.code == "ParamValidationError"

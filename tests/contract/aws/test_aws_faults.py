import ast
import importlib
import inspect
import pkgutil
import socket
from collections.abc import Iterator
from itertools import chain
from types import ModuleType
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

import belay.aws
from belay.aws.cloudformation import Stacks
from belay.aws.faults import (
    _ACCESS_DENIED,
    _INVALID,
    _OF_ANOTHER_TIME,
    _THROTTLED,
    _TIMED_OUT,
    _UNKNOWN,
    cancellation_codes,
    translated,
)
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


BOTOCORE_S = {*vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]}
QUOTA = "LimitExceededException"
"""A throttle to botocore, because of services that are not called here."""


@pytest.mark.parametrize("code", sorted(BOTOCORE_S - {QUOTA}))
def test_what_botocore_takes_for_throttling_is_throttling(code: str) -> None:
    assert type(fault_of(answer(code))) is Throttled


@pytest.mark.parametrize("code", sorted(vars(TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"]))
def test_what_botocore_takes_for_transient_is_tried_again(code: str) -> None:
    assert isinstance(fault_of(answer(code)), ServiceUnavailable | Throttled)


SESSION = botocore.session.get_session()
SERVICES = (
    *("application-autoscaling", "cloudformation", "cloudwatch", "codebuild", "codedeploy", "codepipeline", "dynamodb"),
    *("ec2", "ecs", "elasticache", "elbv2", "iam", "kms", "lambda", "logs", "rds", "s3", "sns", "ssm", "stepfunctions"),
)

THROTTLES = {
    "dynamodb": {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
    | {"TransactionConflictException", "TransactionInProgressException"},
    "application-autoscaling": {"ConcurrentUpdateException"},
    "codedeploy": {"ThrottlingException"},
    "elbv2": {"PriorRequestNotComplete"},
    "lambda": {"EC2ThrottledException", "TooManyRequestsException"},
    "logs": {"ThrottlingException"},
    "sns": {"KMSThrottling", "Throttled"},
    "ssm": {"ThrottlingException", "TooManyUpdates"},
    "stepfunctions": {"ExecutionLimitExceeded", "KmsThrottlingException"},
}
"""Every throttling code in the models of the services that are called here."""

UNMODELLED = {
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
    *("ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"),
    # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    *(BOTOCORE_S - {QUOTA}),
}


def modelled(service: str) -> set[str]:
    faults = SESSION.get_service_model(service).error_shapes
    return {str(fault.error_code or fault.name) for fault in faults}


def shapes(service: str) -> set[str]:
    """The names of a service's errors; RDS returns some without their suffix."""
    names = {fault.name for fault in SESSION.get_service_model(service).error_shapes}
    return names | {name.removesuffix("Fault") for name in names}


@pytest.mark.parametrize("service", SERVICES)
def test_the_throttles_of_a_service_are_told_from_its_quotas(service: str) -> None:
    throttled = {code for code in modelled(service) if type(fault_of(answer(code))) is Throttled}
    assert throttled == THROTTLES.get(service, set())


def test_every_throttle_that_is_known_is_one_of_some_service() -> None:
    assert _THROTTLED - set().union(*THROTTLES.values()) <= UNMODELLED


def compared(module: ModuleType) -> set[str]:
    """The error codes that a gateway distinguishes: written in the comparison, or in a set that it names."""
    codes: set[str] = set()
    for part in chain.from_iterable(map(ast.walk, told_apart(module))):
        if isinstance(part, ast.Name):
            codes.update(getattr(module, part.id))
        elif isinstance(part, ast.Constant):
            codes.add(str(part.value))
    return codes


def told_apart(module: ModuleType) -> Iterator[ast.expr]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Compare) and ast.unparse(node.left).startswith(("code_of(", "fault.code")):
            if ast.unparse(node.comparators[0]) != "ignoring":
                yield node.comparators[0]
        elif isinstance(node, ast.keyword) and node.arg == "ignoring":
            yield node.value


DOCUMENTED = {
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: EC2 models no errors.
    *("InvalidInstanceID.NotFound", "InvalidNetworkInterfaceID.NotFound", "InvalidPrefixListID.NotFound"),
    *("InvalidPrefixListId.NotFound", "InvalidVpcEndpointId.NotFound", "UnauthorizedOperation"),
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; HeadObject has no body, hence its status.
    *("403", "404", "NoSuchBucketPolicy", "NoSuchVersion", "NotFound", "RequestTimeout", "RequestTimeoutException"),
}


@pytest.mark.parametrize("name", sorted(each.name for each in pkgutil.iter_modules(belay.aws.__path__)))
def test_every_code_that_is_told_apart_is_one_that_aws_has(name: str) -> None:
    module = importlib.import_module(f"belay.aws.{name}")
    tables = {*_ACCESS_DENIED, *_INVALID, *_TIMED_OUT} if name == "faults" else set()
    known = set().union(*(modelled(service) | shapes(service) for service in SERVICES))
    assert (compared(module) | tables) - known - DOCUMENTED == set()


def test_a_quota_is_not_waited_for() -> None:
    assert type(fault_of(answer(QUOTA))) is AwsFault


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


@pytest.mark.parametrize("code", sorted(_UNKNOWN))
def test_a_region_that_may_not_be_enabled_is_told(code: str) -> None:
    assert "A region that is not enabled in the account answers so" in str(fault_of(answer(code, 403)))


@pytest.mark.parametrize("code", sorted(_OF_ANOTHER_TIME))
def test_a_clock_that_may_be_apart_is_told_and_nothing_is_tried_again(code: str) -> None:
    fault = fault_of(answer(code, 403))
    assert type(fault) is AwsFault
    assert "A clock that is minutes apart from AWS's is answered so" in str(fault)

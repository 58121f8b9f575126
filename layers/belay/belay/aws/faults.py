"""Turning botocore's errors into the names of ``belay.errors``."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from belay.errors import AccessDenied, AwsFault, InvalidRequest, ServiceUnavailable, Throttled

_ACCESS_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
_INVALID = {"ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameterException"}
_THROTTLED = {
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "TooManyUpdates",
}
_SERVER_ERROR = 500


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Run one AWS call, raising what it answers with as a fault of ours.

    ``operation`` is AWS's name for the call, such as ``CloudFormation.CreateChangeSet``. Codes are those of
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html and of each service's common errors.
    """
    try:
        yield
    except ClientError as error:
        raise _fault(operation, error) from error
    except BotoCoreError as error:
        raise ServiceUnavailable(operation, type(error).__name__, str(error)) from error


def code_of(error: ClientError) -> str:
    """Return the error code of an answer, such as ``ValidationError``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _fault(operation: str, error: ClientError) -> AwsFault:
    code = code_of(error)
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _ACCESS_DENIED:
        return AccessDenied(operation, code, message)
    if code in _THROTTLED:
        return Throttled(operation, code, message)
    if code in _INVALID:
        return InvalidRequest(operation, code, message)
    if status >= _SERVER_ERROR:
        return ServiceUnavailable(operation, code, message)
    return AwsFault(operation, code, message)

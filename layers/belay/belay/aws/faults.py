"""Translates botocore's errors into those of ``belay.errors``."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from belay.errors import AccessDenied, AwsFault, InvalidRequest, ServiceUnavailable, Throttled
from belay.masking import masked

_ACCESS_DENIED = {
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "KMSAccessDenied",
    "KMSAccessDeniedException",
    "UnauthorizedOperation",
}
_INVALID = {
    "InsufficientCapabilitiesException",
    "InvalidParameterException",
    "InvalidParameterValue",
    "ValidationError",
    "ValidationException",
}
_THROTTLED = {
    "BandwidthLimitExceeded",
    "ConcurrentUpdateException",
    "EC2ThrottledException",
    # Too many executions are running; there will be room as they end.
    "ExecutionLimitExceeded",
    "KMSThrottling",
    "KmsThrottlingException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequestsException",
    "TooManyUpdates",
    # Two writers conflicted on one DynamoDB item: the retry shows who was first.
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}
# Not among them: LimitExceededException, which botocore takes for a throttle, is a quota in every service called here.
_UNKNOWN = {
    *("AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "OptInRequired"),
    *("RegionDisabledException", "UnrecognizedClientException"),
}
"""The responses to unknown credentials: in a region that is not enabled in the account
(https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html), or of a deleted role, even if
recreated (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids).
"""
NOT_LET: Final = frozenset(_ACCESS_DENIED | _UNKNOWN)
"""The responses to a session that lacks the permission, or is no longer known."""
_OF_ANOTHER_TIME = {
    *("InvalidSignatureException", "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"),
    "SignatureDoesNotMatch",
}
"""The response to a request whose clock is minutes off AWS's
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
"""
_HINTS = (
    (
        _UNKNOWN,
        "A region that is not enabled in the account answers so, and any region to a session whose role was deleted",
    ),
    (_OF_ANOTHER_TIME, "A clock that is minutes apart from AWS's is answered so, too: compare this machine's"),
)
_TIMED_OUT = {"RequestTimeout", "RequestTimeoutException"}
_SERVER_ERROR = 500


@contextmanager
def translated(operation: str, *, ignoring: Collection[str] = ()) -> Iterator[None]:
    """Run one AWS call, raising its errors as Belay's; an ignored error code only ends the block.

    ``operation`` is AWS's name for the call, such as ``CloudFormation.CreateChangeSet``. Codes are those of
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html and of each service's common errors.
    """
    try:
        yield
    except ClientError as error:
        if code_of(error) not in ignoring:
            raise _fault(operation, error) from error
    except ParamValidationError as error:
        raise InvalidRequest(operation, type(error).__name__, masked(str(error))) from error
    except BotoCoreError as error:
        raise ServiceUnavailable(operation, type(error).__name__, str(error), answered=False) from error


def code_of(error: ClientError) -> str:
    """Return the error code, such as ``ValidationError``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def cancellation_codes(error: ClientError) -> set[str]:
    """Return why a DynamoDB transaction was cancelled, such as ``ConditionalCheckFailed``; empty for other errors.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    if code_of(error) != "TransactionCanceledException":
        return set()
    return {str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])}


def _fault(operation: str, error: ClientError) -> AwsFault:
    code = code_of(error)
    codes = {code} | cancellation_codes(error)
    message = masked(str(error.response.get("Error", {}).get("Message", "")))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if codes & _ACCESS_DENIED:
        return AccessDenied(operation, code, message)
    for known, hint in _HINTS:
        if codes & known:
            return AwsFault(operation, code, f"{message} {hint}")
    if codes & _THROTTLED:
        return Throttled(operation, code, message)
    if codes & _INVALID:
        return InvalidRequest(operation, code, message)
    if status >= _SERVER_ERROR or codes & _TIMED_OUT:
        return ServiceUnavailable(operation, code, message)
    return AwsFault(operation, code, message)


_REPORTED_AS_INVALID = (
    (
        re.compile(r"access ?denied|not authorized|doesn't have permission|cannot be assumed", re.IGNORECASE),
        AccessDenied,
    ),
    (re.compile(r"rate exceeded|throttl|too many requests", re.IGNORECASE), Throttled),
    (re.compile(r"_IN_PROGRESS state and can ?not be updated", re.IGNORECASE), ServiceUnavailable),
)


def refuse_fault_in(problem: str, operation: str) -> None:
    """Raise the fault that CloudFormation reports as a validation error or a failed change set, if it is one.

    "AccessDenied. User doesn't have permission to call ssm:GetParameters" is a ValidationError
    (https://github.com/aws/aws-cdk/issues/20959); a transform that the caller may not run fails the change set
    (https://github.com/aws/serverless-application-model/issues/179). Neither is a verdict on the release.
    """
    for pattern, fault in _REPORTED_AS_INVALID:
        if pattern.search(problem):
            raise fault(operation, "ValidationError", problem)

"""Errors of commands: a sentence and an exit status, not a stack trace."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import BotoCoreError

from belay.errors import AccessDenied, AwsFault, BelayError

REFUSED: Final = 1
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

EXIT_STATUSES: Final = {
    0: "done",
    REFUSED: "refused; the message says why",
    2: "invalid arguments",
    UNREACHABLE: "AWS could not be called: credentials, region, stack, permission or network",
    INTERRUPTED: "interrupted",
}
"""What every command's exit statuses mean; 2 is Click's own."""

_PREFIXES: Final = {"StepFunctions": "states"}
"""IAM's prefix of a service, where it is not the service's own name in lower case."""

_CREDENTIALS: Final = {
    "NoCredentialsError": "no credentials: configure a profile, or sign in with `aws sso login` or `aws configure`",
    "PartialCredentialsError": "the credentials are incomplete: set both the access key and its secret",
    "TokenRetrievalError": "the sign-in has expired: sign in again with `aws sso login`",
    "UnauthorizedSSOTokenError": "the sign-in has expired: sign in again with `aws sso login`",
    "SSOTokenLoadError": "not signed in: sign in with `aws sso login`",
    "ExpiredToken": "the credentials have expired: sign in again",
    "ExpiredTokenException": "the credentials have expired: sign in again",
    "InvalidClientTokenId": "AWS does not know these credentials: check --profile",
    "UnrecognizedClientException": "AWS does not know these credentials: check --profile",
    "SignatureDoesNotMatch": "the secret access key of these credentials is wrong",
    "NoRegionError": "no region: pass --region, or set AWS_REGION or the profile's region",
    "ProfileNotFound": "",
    "EndpointConnectionError": "",
}
"""What to say for an error from botocore or AWS; empty where its own message is clear."""


AWS_ERRORS: Final = (AwsFault, BotoCoreError)
"""What calling AWS raises; botocore's own where no call could be made: without a region, a profile, credentials."""


class Refused(BelayError):  # noqa: N818
    """The command cannot be carried out in the current state."""

    status = REFUSED


class Unreachable(BelayError):  # noqa: N818
    """AWS or the Belay stack could not be called."""

    status = UNREACHABLE

    @classmethod
    def because(cls, error: Exception) -> Unreachable:
        """Say what is missing, according to botocore's error."""
        return cls(in_words(error))


class NoSuchStack(Unreachable):
    """There is no stack of this name."""


def status_of(error: BaseException) -> int | None:
    """Return the exit status that an error ends a command with; None for one that is the command's own fault."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, Refused | Unreachable):
        return error.status
    if isinstance(error, AWS_ERRORS):
        return UNREACHABLE
    return REFUSED if isinstance(error, BelayError) else None


def in_words(error: BaseException) -> str:
    """Return a sentence that says what failed and, if known, what to do."""
    name = error.code if isinstance(error, AwsFault) else type(error).__name__
    message = error.message if isinstance(error, AwsFault) else str(error)
    if _CREDENTIALS.get(name):
        return _CREDENTIALS[name]
    if isinstance(error, AccessDenied):
        return f"these credentials may not call {_action(error.operation)}: {error.message}"
    if isinstance(error, AwsFault):
        return message if name in _CREDENTIALS else str(error)
    return message


def _action(operation: str) -> str:
    """Return IAM's name of a call: ``dynamodb:Query`` of ``DynamoDB.Query``."""
    service, _, call = operation.partition(".")
    return f"{_PREFIXES.get(service, service.lower())}:{call}"

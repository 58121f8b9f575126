"""CodePipeline's job for the Lambda function of an Invoke action, and the function's result.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html describes the event, a
sample is ``events/aws.codepipeline/job.json``; the limits are those of PutJobFailureResult and PutJobSuccessResult.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from belay.documents import parsed_object
from belay.errors import (
    AccessDenied,
    InvalidActionConfiguration,
    InvalidEvent,
    InvalidRegistration,
    ServiceUnavailable,
    Throttled,
    UnreadableRecord,
)
from belay.events.envelope import read, read_optional

LONGEST_MESSAGE = 5000
LONGEST_SUMMARY = 2048

_JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CUT = "\n... and more"


class FailureType(StrEnum):
    """The failure types of PutJobFailureResult that Belay uses."""

    JOB_FAILED = "JobFailed"
    CONFIGURATION_ERROR = "ConfigurationError"
    PERMISSION_ERROR = "PermissionError"
    SYSTEM_UNAVAILABLE = "SystemUnavailable"


@dataclass(frozen=True)
class Artifact:
    """One input artifact: a zip in the pipeline's artifact bucket."""

    name: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials for the job's artifacts; never shown."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


@dataclass(frozen=True)
class Job:
    """One job. ``parameters`` is the JSON object in the action's ``UserParameters``."""

    id: str
    parameters: Mapping[str, Any]
    artifacts: tuple[Artifact, ...]
    credentials: Credentials
    continuation_token: str | None


@dataclass(frozen=True)
class PipelineContext:
    """The pipeline of a job, and the execution if CodePipeline returns it."""

    pipeline: str
    execution: str | None

    def refuse_others(self, pipeline: str, execution: str) -> None:
        """Raise ``InvalidActionConfiguration`` unless the job belongs to this execution of this pipeline."""
        if self.pipeline != pipeline:
            raise InvalidActionConfiguration(
                f"expected a job of the registered pipeline {pipeline}, found one of {self.pipeline}"
            )
        if self.execution not in (None, execution):
            raise InvalidActionConfiguration(
                f"UserParameters.execution: expected the job's own execution, {self.execution}, found {execution}"
            )


@dataclass(frozen=True)
class Success:
    """The result of a successful job; with a continuation token it is called again."""

    summary: str
    continuation_token: str | None = None


@dataclass(frozen=True)
class Failure:
    """The result of a failed job."""

    type: FailureType
    message: str


def job_id(event: Mapping[str, Any]) -> str:
    """Return the id of an event's job. Raises ``InvalidEvent``: without it there is no job to report to."""
    found = read(event, "CodePipeline.job", "id", kind=str)
    if not _JOB_ID.fullmatch(found):
        raise InvalidEvent(f"CodePipeline.job.id: expected the id of a job, found {found!r}")
    return found


def parse_job(event: Mapping[str, Any]) -> Job:
    """Read a job. Raises ``InvalidEvent``, or InvalidActionConfiguration for the pipeline owner's mistakes."""
    data = ("CodePipeline.job", "data")
    given = read_optional(event, *data, "actionConfiguration", "configuration", "UserParameters", kind=str)
    return Job(
        id=job_id(event),
        parameters=_parameters(given or "{}"),
        artifacts=tuple(_artifact(each) for each in read(event, *data, "inputArtifacts", kind=list)),
        credentials=Credentials(
            read(event, *data, "artifactCredentials", "accessKeyId", kind=str),
            read(event, *data, "artifactCredentials", "secretAccessKey", kind=str),
            read(event, *data, "artifactCredentials", "sessionToken", kind=str),
        ),
        continuation_token=read_optional(event, *data, "continuationToken", kind=str),
    )


def failure_of(error: Exception) -> Failure:
    """Return the result of a job that ended in an exception."""
    message = str(error) or type(error).__name__
    match error:
        case InvalidActionConfiguration() | InvalidEvent() | InvalidRegistration():
            return Failure(FailureType.CONFIGURATION_ERROR, bounded(message, LONGEST_MESSAGE))
        case AccessDenied():
            return Failure(FailureType.PERMISSION_ERROR, bounded(message, LONGEST_MESSAGE))
        case Throttled() | ServiceUnavailable():
            return Failure(FailureType.SYSTEM_UNAVAILABLE, bounded(message, LONGEST_MESSAGE))
    return Failure(FailureType.JOB_FAILED, bounded(message, LONGEST_MESSAGE))


def bounded(text: str, most: int) -> str:
    """Return a text cut to at most ``most`` characters, with a note at the end if it was cut."""
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT


def _parameters(text: str) -> Mapping[str, Any]:
    try:
        return parsed_object(text, "UserParameters")
    except UnreadableRecord as error:
        raise InvalidActionConfiguration(f"UserParameters: expected a JSON object, found {text!r} ({error})") from error


def _artifact(entry: Any) -> Artifact:
    if not isinstance(entry, Mapping):
        raise InvalidEvent(f"inputArtifacts: expected objects, found {entry!r}")
    return Artifact(
        read(entry, "name", kind=str),
        read(entry, "location", "s3Location", "bucketName", kind=str),
        read(entry, "location", "s3Location", "objectKey", kind=str),
    )

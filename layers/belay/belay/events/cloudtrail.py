"""Events that AWS CloudTrail sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.events.envelope import AwsEvent, read, read_optional, read_outer


@dataclass(frozen=True, kw_only=True)
class ObjectWritten(AwsEvent):
    """A principal wrote an object to a bucket whose data events a trail records.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html; sample
    ``events/aws.s3/api_call_via_cloudtrail.json``.

    ``arn`` and ``principal_id`` are those of the user or session that signed the request; they are empty for an AWS
    service. ``version_id`` is None if the bucket has no versioning, and possibly for a CompleteMultipartUpload, of
    which AWS publishes no sample record. ``error`` is None if the call succeeded.
    """

    bucket: str
    key: str
    version_id: str | None
    arn: str
    principal_id: str
    error: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "ObjectWritten":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.s3", "AWS API Call via CloudTrail"),
            bucket=read(event, "detail", "requestParameters", "bucketName", kind=str),
            key=read(event, "detail", "requestParameters", "key", kind=str),
            version_id=read_optional(event, "detail", "responseElements", "x-amz-version-id", kind=str),
            arn=read_optional(event, "detail", "userIdentity", "arn", kind=str) or "",
            principal_id=read_optional(event, "detail", "userIdentity", "principalId", kind=str) or "",
            error=read_optional(event, "detail", "errorCode", kind=str),
        )

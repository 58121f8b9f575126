"""Events that Amazon S3 sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from belay.events.envelope import AwsEvent, read, read_optional, read_outer
from belay.release.records import Upload


@dataclass(frozen=True, kw_only=True)
class ObjectCreated(AwsEvent):
    """An object, or a new version of one, was put into a bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html; sample ``events/aws.s3/object_created.json``.

    ``key`` is not URL-encoded; ``size`` is in bytes; ``version_id`` is None if the bucket has no versioning.
    ``sequencer`` orders the events of one key: pad the shorter one with zeros on the right and compare as text.
    ``requester`` is an account id or an AWS service, never a person.
    """

    bucket: str
    key: str
    size: int
    etag: str
    version_id: str | None
    sequencer: str
    requester: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "ObjectCreated":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.s3", "Object Created"),
            bucket=read(event, "detail", "bucket", "name", kind=str),
            key=read(event, "detail", "object", "key", kind=str),
            size=read(event, "detail", "object", "size", kind=int),
            etag=read(event, "detail", "object", "etag", kind=str),
            version_id=read_optional(event, "detail", "object", "version-id", kind=str),
            sequencer=read(event, "detail", "object", "sequencer", kind=str),
            requester=read_optional(event, "detail", "requester", kind=str),
        )


def object_created(upload: Upload, *, etag: str, at: datetime, account: str, region: str) -> dict[str, Any]:
    """Return the event that S3 should have sent for an upload, with what ``ObjectCreated`` reads."""
    stored = {"key": upload.key, "size": upload.size, "etag": etag, "version-id": upload.version_id, "sequencer": ""}
    return {
        "id": f"missed-{upload.attempt}",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "account": account,
        "region": region,
        "time": at.isoformat(),
        "detail": {"bucket": {"name": upload.bucket}, "object": stored},
    }

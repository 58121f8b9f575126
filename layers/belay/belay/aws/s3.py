"""S3: the uploaded zip, read by ranges, and the artifact bucket, to which everything accepted is copied."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from botocore.exceptions import ClientError

from belay.aws.clients import Gateway
from belay.aws.clock import now
from belay.aws.faults import code_of, translated
from belay.documents import parsed_object
from belay.errors import AwsFault, InvalidRelease, MissingDocument
from belay.release.records import Upload

Parsed = TypeVar("Parsed")

_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NotFound"}
_PART_SIZE = 16 * 1024 * 1024
_PIECE_SIZE = 1024 * 1024
_RECENT = timedelta(days=30)
"""Less than the minimum of ``HistoryDays``, within which nothing expires."""

UNNEEDED = "belay:unneeded"
"""The tag that the lifecycle rules of the buckets expire objects by."""

_OF_PLAN = "plan"
"""The metadata of a copy that was made for a dry run and soon expires."""


class UploadedObject:
    """One version of one object, read by ranges, for ``release.archive``.

    ``size`` is in bytes. Raises ``InvalidRelease`` if the version no longer exists.
    """

    def __init__(self, client: Any, bucket: str, key: str, version_id: str | None, size: int) -> None:
        self._client = client
        self._where: dict[str, str] = {"Bucket": bucket, "Key": key}
        if version_id:
            self._where["VersionId"] = version_id
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset``; fewer at the end of the object."""
        if length <= 0 or offset >= self.size:
            return b""
        with translated("S3.GetObject"):
            try:
                answer = self._client.get_object(**self._where, Range=f"bytes={offset}-{offset + length - 1}")
                return bytes(answer["Body"].read())
            except ClientError as error:
                if code_of(error) in _MISSING:
                    where = f"s3://{self._where['Bucket']}/{self._where['Key']}"
                    raise InvalidRelease([f"{where}: the uploaded object no longer exists; upload it again"]) from error
                raise


class ArtifactBucket:
    """The encrypted, versioned bucket of accepted releases, plans, baselines and reports."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    @property
    def region(self) -> str:
        """The region that it is in."""
        return str(self._client.meta.region_name)

    def url(self, key: str) -> str:
        """Return the path-style URL for CloudFormation's TemplateURL."""
        endpoint = str(self._client.meta.endpoint_url).rstrip("/")
        return f"{endpoint}/{self.name}/{quote(key)}"

    def put_json(self, key: str, document: Mapping[str, Any]) -> None:
        """Write a document."""
        self.put_bytes(key, json.dumps(document, sort_keys=True).encode())

    def put_bytes(self, key: str, data: bytes) -> str | None:
        """Write an object in one piece and return its version."""
        with translated("S3.PutObject"):
            answer = self._client.put_object(Bucket=self.name, Key=key, Body=data)
        return None if answer.get("VersionId") is None else str(answer["VersionId"])

    def put_html(self, key: str, page: str) -> None:
        """Write a page with HTML's content type."""
        with translated("S3.PutObject"):
            self._client.put_object(
                Bucket=self.name, Key=key, Body=page.encode(), ContentType="text/html; charset=utf-8"
            )

    def get_json(self, key: str) -> dict[str, Any] | None:
        """Return a document, or None if there is none."""
        data = self.get_bytes(key)
        return None if data is None else parsed_object(data, f"s3://{self.name}/{key}")

    def require_json(self, key: str) -> dict[str, Any]:
        """Return a document that an earlier step wrote. Raises ``MissingDocument`` if it does not exist."""
        document = self.get_json(key)
        if document is None:
            raise MissingDocument(f"s3://{self.name}/{key} no longer exists, although an earlier step wrote it")
        return document

    def read(self, key: str, parse: Callable[[dict[str, Any]], Parsed]) -> Parsed | None:
        """Return a document as ``parse`` reads it, or None if there is none."""
        document = self.get_json(key)
        return None if document is None else parse(document)

    def get_bytes(self, key: str) -> bytes | None:
        """Return an object's bytes, or None if there is none."""
        return self._get({"Key": key})

    def get_version(self, key: str, version_id: str) -> bytes | None:
        """Return the bytes of one version of an object, or None if there is none."""
        return self._get({"Key": key, "VersionId": version_id})

    def _get(self, which: Mapping[str, str]) -> bytes | None:
        with translated("S3.GetObject", ignoring=_MISSING):
            return bytes(self._client.get_object(Bucket=self.name, **which)["Body"].read())
        return None

    def pieces(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes, a mebibyte at a time. Raises ``MissingDocument`` if there is none."""
        with translated("S3.GetObject"):
            try:
                yield from self._client.get_object(Bucket=self.name, Key=key)["Body"].iter_chunks(_PIECE_SIZE)
            except ClientError as error:
                if code_of(error) not in _MISSING:
                    raise
                raise MissingDocument(f"s3://{self.name}/{key} no longer exists: upload the release again") from error

    def versions(self, prefix: str) -> dict[str, str]:
        """Return the current version of each object below a prefix; every write creates another one."""
        with translated("S3.ListObjectVersions"):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=f"{prefix}/")
            return {
                str(each["Key"]): str(each["VersionId"])
                for page in pages
                for each in page.get("Versions", [])
                if each["IsLatest"]
            }

    def page(self, prefix: str, after: tuple[str, str] | None) -> tuple[list["StoredVersion"], tuple[str, str] | None]:
        """Return the versions below a prefix that follow a key and a version, as ``ReleaseBucket.page`` does."""
        return _page(self._client, self.name, prefix, after)

    def tag_unneeded(self, key: str, version_id: str) -> None:
        """Tag one version for the bucket's lifecycle rule, which expires it."""
        _tag_unneeded(self._client, self.name, key, version_id)

    def has_member(self, key: str, sha256: str) -> bool:
        """Whether a member was recently copied with this digest: an older copy may be about to expire.

        So may a dry run's copy.
        """
        answer = self._head(key)
        recent = answer is not None and answer["LastModified"] > now() - _RECENT
        noted = {} if answer is None else answer.get("Metadata", {})
        return bool(recent and _OF_PLAN not in noted and noted.get("sha256") == sha256)

    def has_any_member(self, key: str, sha256: str) -> bool:
        """Whether there is a copy of a member with this digest, however soon it expires."""
        answer = self._head(key)
        return answer is not None and answer.get("Metadata", {}).get("sha256") == sha256

    def _head(self, key: str) -> dict[str, Any] | None:
        with translated("S3.HeadObject", ignoring=_MISSING):
            return dict(self._client.head_object(Bucket=self.name, Key=key))
        return None

    def copy_upload(self, key: str, upload: Upload) -> str:
        """Copy an upload under its own unique key; return the version, of an earlier copy if there is one.

        S3 copies at most 5 GB in one request, and compares the checksums itself
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
        """
        copied = self._head(key)
        if copied is None:
            source = {"Bucket": upload.bucket, "Key": upload.key, "VersionId": upload.version_id}
            with translated("S3.CopyObject"):
                copied = self._client.copy_object(
                    Bucket=self.name, Key=key, CopySource=source, TaggingDirective="REPLACE"
                )
        return str(copied["VersionId"])

    def put_member(self, key: str, pieces: Iterable[bytes], sha256: str) -> None:
        """Copy a member of a release while it is decompressed, with one part (16 MiB) in memory.

        ``pieces``, of any size, raise ``InvalidRelease`` if the content does not match its digest; then nothing is
        written. ``sha256`` is stored in the object's metadata for ``has_member``.
        """
        self._put_member(key, pieces, {"Metadata": {"sha256": sha256}}, {})

    def lend_member(self, key: str, pieces: Iterable[bytes], sha256: str) -> None:
        """Copy a member as ``put_member`` does, for a dry run: the copy expires in a day, and belongs to no release.

        It never overwrites (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html): a release
        may be reading the object.
        """
        kept = {"Metadata": {"sha256": sha256, _OF_PLAN: "true"}, "Tagging": urlencode({UNNEEDED: "true"})}
        self._put_member(key, pieces, kept, {"IfNoneMatch": "*"})

    def _put_member(
        self, key: str, pieces: Iterable[bytes], kept: Mapping[str, Any], condition: Mapping[str, str]
    ) -> None:
        parts, where = _parts(pieces), {"Bucket": self.name, "Key": key}
        first, second = next(parts, b""), next(parts, None)
        if second is None:
            with translated("S3.PutObject"):
                self._client.put_object(**where, Body=first, **kept, **condition)
            return
        self._put_parts(where, chain((first, second), parts), kept, condition)

    def _put_parts(
        self, where: Mapping[str, str], parts: Iterable[bytes], kept: Mapping[str, Any], condition: Mapping[str, str]
    ) -> None:
        with translated("S3.CreateMultipartUpload"):
            upload = self._client.create_multipart_upload(**where, **kept)["UploadId"]
        done = []
        try:
            for number, part in enumerate(parts, start=1):
                with translated("S3.UploadPart"):
                    answer = self._client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)
                done.append({"PartNumber": number, "ETag": answer["ETag"]})
            with translated("S3.CompleteMultipartUpload"):
                self._client.complete_multipart_upload(
                    **where, UploadId=upload, MultipartUpload={"Parts": done}, **condition
                )
        except Exception as error:
            self._abort(error, **where, UploadId=upload)
            raise

    def _abort(self, error: Exception, **which: str) -> None:
        """Abort an upload because of ``error``, which takes precedence over a failure of the abort."""
        try:
            with translated("S3.AbortMultipartUpload"):
                self._client.abort_multipart_upload(**which)
        except AwsFault as fault:
            error.add_note(f"{fault}; the bucket's lifecycle rule will remove the parts")


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object."""

    key: str
    version_id: str
    size: int
    etag: str
    put_at: datetime


class ReleaseBucket:
    """The versioned bucket that releases are uploaded to."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def page(
        self, after: tuple[str, str] | None, application: str | None = None
    ) -> tuple[list[StoredVersion], tuple[str, str] | None]:
        """Return the versions below ``releases/`` that follow a key and a version, at most 1,000, and where they end.

        None for the end if there are no more. With an ``application``, only its own.
        """
        return _page(self._client, self.name, f"releases/{application}/" if application else "releases/", after)

    def tag_unneeded(self, key: str, version_id: str) -> None:
        """Tag one version for the bucket's lifecycle rule, which expires it."""
        _tag_unneeded(self._client, self.name, key, version_id)


class Buckets(Gateway):
    """An account's buckets, and objects in those that only an event names."""

    def names(self, prefix: str) -> list[str]:
        """Return the names of the buckets with a prefix, in every region."""
        with translated("S3.ListBuckets"):
            pages = self._client.get_paginator("list_buckets").paginate(Prefix=prefix)
            return [str(each["Name"]) for page in pages for each in page["Buckets"]]

    def tells_eventbridge(self, bucket: str) -> bool:
        """Whether a bucket sends its events to EventBridge."""
        with translated("S3.GetBucketNotificationConfiguration"):
            answer = self._client.get_bucket_notification_configuration(Bucket=bucket)
        return "EventBridgeConfiguration" in answer

    def policy(self, bucket: str) -> str | None:
        """Return a bucket's policy as JSON, or None if the policy or the bucket does not exist."""
        with translated("S3.GetBucketPolicy", ignoring=("NoSuchBucket", "NoSuchBucketPolicy")):
            return str(self._client.get_bucket_policy(Bucket=bucket)["Policy"])
        return None

    def uploaded(self, upload: Upload) -> UploadedObject:
        """Return the one version of the one object that an upload is."""
        return UploadedObject(self._client, upload.bucket, upload.key, upload.version_id, upload.size)


class ReleaseFiles(Mapping[str, bytes]):
    """The files of an accepted release by path, each read when it is first used."""

    def __init__(self, artifacts: ArtifactBucket, prefix: str, paths: Iterable[str]) -> None:
        self._artifacts = artifacts
        self._prefix = prefix
        self._paths = frozenset(paths)
        self._read: dict[str, bytes] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._paths:
            raise KeyError(path)
        if path not in self._read:
            key = f"{self._prefix}/{path}"
            data = self._artifacts.get_bytes(key)
            if data is None:
                raise MissingDocument(
                    f"s3://{self._artifacts.name}/{key} no longer exists, although it was copied there"
                )
            self._read[path] = data
        return self._read[path]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._paths))

    def __len__(self) -> int:
        return len(self._paths)


def _page(
    client: Any, bucket: str, prefix: str, after: tuple[str, str] | None
) -> tuple[list[StoredVersion], tuple[str, str] | None]:
    where = {} if after is None else {"KeyMarker": after[0], "VersionIdMarker": after[1]}
    with translated("S3.ListObjectVersions"):
        answer = client.list_object_versions(Bucket=bucket, Prefix=prefix, **where)
    versions = [
        StoredVersion(each["Key"], each["VersionId"], each["Size"], each["ETag"].strip('"'), each["LastModified"])
        for each in answer.get("Versions", [])
    ]
    more = answer.get("IsTruncated", False)
    return versions, (answer["NextKeyMarker"], answer["NextVersionIdMarker"]) if more else None


def _tag_unneeded(client: Any, bucket: str, key: str, version_id: str) -> None:
    tags = {"TagSet": [{"Key": UNNEEDED, "Value": "true"}]}
    with translated("S3.PutObjectTagging"):
        client.put_object_tagging(Bucket=bucket, Key=key, VersionId=version_id, Tagging=tags)


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= _PART_SIZE:
            yield bytes(buffer[:_PART_SIZE])
            del buffer[:_PART_SIZE]
    if buffer:
        yield bytes(buffer)

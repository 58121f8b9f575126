"""S3: uploading a release, and uploading it again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig

from belay.aws.faults import translated

_MOST_IN_ONE_PUT: Final = 5 * 1024**3
"""Bytes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html)."""
_GONE: Final = ("NoSuchKey", "NoSuchVersion", "404")


class Uploads:
    """The release bucket, for uploading to it. It needs a patient client: a zip is large."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, path: Path, sha256: str, sent: Callable[[int], object]) -> Mapping[str, Any]:
        """Put a file with its SHA-256, which S3 checks, and return HeadObject's response; ``sent`` is called with
        bytes.

        It is one PutObject wherever S3 allows that: CloudTrail's record of it names the object's version, by which four
        eyes identifies the uploader. That is not documented for a CompleteMultipartUpload's record.
        """
        with translated("S3.PutObject"):
            try:
                self._client.upload_file(
                    str(path),
                    self._bucket,
                    key,
                    ExtraArgs={"ChecksumAlgorithm": "SHA256", "Metadata": {"sha256": sha256}},
                    Callback=sent,
                    # The transfer client that boto3 chooses where awscrt is installed has another threshold.
                    Config=TransferConfig(
                        multipart_threshold=_MOST_IN_ONE_PUT + 1, preferred_transfer_client="classic"
                    ),
                )
            except S3UploadFailedError as error:
                # boto3 wraps S3's error; the original says what is missing.
                raise error.__context__ or error from None
            return dict(self._client.head_object(Bucket=self._bucket, Key=key))

    def put_again(self, key: str, version_id: str) -> str | None:
        """Copy one version of an object to a new version of the same key; return its id, None if the version was
        deleted.

        S3 allows copying an object onto itself if its metadata is replaced
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
        """
        with translated("S3.CopyObject", ignoring=_GONE):
            answer = self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": key, "VersionId": version_id},
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
                Metadata={"retry-of": version_id},
                ChecksumAlgorithm="SHA256",
            )
            return str(answer["VersionId"])
        return None

"""``belay retry RELEASE``: deploy a release again, by copying the object that was uploaded onto itself."""

from __future__ import annotations

from typing import Any

import click
from botocore.exceptions import ClientError

from belay.aws.faults import code_of, translated
from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt
from belay.release.records import Outcome, Upload
from cli.account import Account, Where, calls_aws
from cli.naming import ReleaseName, find_attempts, release_argument
from cli.output import tell
from cli.problems import Refused


@click.command()
@release_argument
@calls_aws
def command(release: ReleaseName, where: Where, output: str) -> int:
    """Deploy a release again that was not deployed or was rolled back, by copying the uploaded object onto itself."""
    found = upload_again(Account.of(where), release)
    tell(
        output,
        found,
        [
            f"{found['upload']} was uploaded again as version {found['version_id']}",
            f"follow it:  belay status {release.application} --watch",
        ],
    )
    return 0


def upload_again(belay: Account, name: ReleaseName) -> dict[str, str]:
    """Make a release's version of its object the newest again, and return both. Raises ``Refused``."""
    upload = to_retry(belay.ledger, name)
    version_id = copy_onto_itself(belay.aws.client("s3", patient=True), upload)
    return {"upload": f"s3://{upload.bucket}/{upload.key}", "of": upload.version_id, "version_id": version_id}


def to_retry(ledger: Ledger, name: ReleaseName) -> Upload:
    """Return the upload to retry. Raises ``Refused`` if it has not ended, or is deployed."""
    attempt = find_attempts(ledger, name)[-1]
    if attempt.outcome is None:
        raise Refused(f"{name} has not ended yet; see `belay status {name.application}`")
    if attempt.outcome is Outcome.DEPLOYED and not _was_taken_back(ledger, attempt):
        raise Refused(f"{name} is deployed, so it cannot be retried")
    return attempt.upload


def _was_taken_back(ledger: Ledger, attempt: Attempt) -> bool:
    """Whether the last stage that an attempt was deployed to has left it again."""
    history = ledger.stages.history(attempt.application, attempt.stage or "")
    return any(each.release.attempt == attempt.id and each.taken_back is not None for each in history)


def copy_onto_itself(s3: Any, upload: Upload) -> str:
    """Copy one version of an object to a new version of the same key; return its id.

    S3 takes a copy onto itself where its metadata is replaced
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). Raises ``Refused`` where it is gone.
    """
    source = {"Bucket": upload.bucket, "Key": upload.key, "VersionId": upload.version_id}
    with translated("S3.CopyObject"):
        try:
            answer = s3.copy_object(
                Bucket=upload.bucket,
                Key=upload.key,
                CopySource=source,
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
                Metadata={"retry-of": upload.version_id},
                ChecksumAlgorithm="SHA256",
            )
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "NoSuchVersion", "404"):
                raise Refused(f"s3://{upload.bucket}/{upload.key}: this version is gone; push the zip again") from error
            raise
    return str(answer["VersionId"])

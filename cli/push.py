"""``belay release push FILE``: upload a release to the release bucket, which starts it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from rich.console import Console
from rich.progress import Progress

from belay.aws.clock import timestamp
from belay.aws.faults import translated
from belay.errors import AwsFault, BelayError, InvalidRegistration, InvalidRelease
from belay.release.manifest import Manifest
from belay.release.records import Outcome, Upload, upload_of
from belay.release.registration import admit
from cli.account import Account, Where, calls_aws
from cli.build import read_back, sha256_of
from cli.follow import Wait, finish, waits
from cli.options import argument
from cli.output import plain
from cli.problems import Refused, in_words
from cli.registration_files import APPLICATION_FILE, checked
from cli.views.followed import Follower

_MOST_IN_ONE_PUT: Final = 5 * 1024**3
"""Bytes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html)."""


@click.command()
@argument("file", type=click.Path(path_type=Path), help="a zip built by `belay release build`")
@waits([Outcome.DEPLOYED])
@calls_aws
def command(file: Path, wait: Wait, where: Where, output: str) -> int:
    """Upload a release, which starts its deployment."""
    manifest = read_release(file)
    belay = Account.of(where)
    unseen = admitted(belay, manifest)
    if unseen:
        print(plain(f"belay: the registration could not be checked, Belay will do it: {unseen}"), file=sys.stderr)
    upload = push(belay, file, manifest, Console(stderr=True, highlight=False))
    found: dict[str, Any] = {
        "release": f"{manifest.application}/{manifest.version}",
        "bucket": upload.bucket,
        "key": upload.key,
        "version_id": upload.version_id,
        "attempt": upload.attempt,
    }
    look = partial(Follower(belay).upload, upload, timestamp())
    return finish(look, found["release"], found, render(found), wait=wait, output=output, good=[Outcome.DEPLOYED])


def read_release(path: Path) -> Manifest:
    """Read a zip as Belay does. Raises ``Refused`` if Belay would not accept it."""
    try:
        return read_back(path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error
    except BelayError as error:
        raise Refused(f"{path} is not a valid release; nothing was uploaded:\n{error}") from error


def admitted(belay: Account, manifest: Manifest) -> str | None:
    """Look at the registration before anything is uploaded, as Belay does afterwards.

    Returns why it could not be looked at. Raises ``Refused`` where it cannot be read, or does not allow the release.
    """
    try:
        text, stages = belay.registrations.texts(manifest.application)
        registered = checked(manifest.application, {APPLICATION_FILE: text, **stages})
        admit(manifest, registered.application, registered.stages, {})
    except AwsFault as fault:
        return in_words(fault)
    except (InvalidRelease, InvalidRegistration) as error:
        raise Refused(f"nothing was uploaded; Belay would refuse it:\n{error}\nsee `belay register --help`") from error
    return None


def push(belay: Account, path: Path, manifest: Manifest, console: Console) -> Upload:
    """Upload a release, which starts it. Returns the upload as S3 names it."""
    key = f"releases/{manifest.application}/{manifest.application}-{manifest.version}.zip"
    return put(belay, path, manifest.application, key, console)


def put(belay: Account, path: Path, application: str, key: str, console: Console) -> Upload:
    """Put a zip into the release bucket with its SHA-256, which S3 checks. Returns the upload as S3 names it.

    It is one PutObject wherever S3 takes one: CloudTrail's record of that names the object's version, by which four
    eyes know the uploader. It is not documented for a CompleteMultipartUpload's record.
    """
    bucket = belay.output("ReleaseBucketName")
    s3, size, digest = belay.aws.client("s3", patient=True), path.stat().st_size, sha256_of(path)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar, translated("S3.PutObject"):
        task = bar.add_task(path.name, total=size)
        try:
            s3.upload_file(
                str(path),
                bucket,
                key,
                ExtraArgs={"ChecksumAlgorithm": "SHA256", "Metadata": {"sha256": digest}},
                Callback=lambda sent: bar.advance(task, sent),
                # The transfer client that boto3 chooses where awscrt is installed has another threshold.
                Config=TransferConfig(multipart_threshold=_MOST_IN_ONE_PUT + 1, preferred_transfer_client="classic"),
            )
        except S3UploadFailedError as error:
            # boto3 wraps what S3 answered; that is what says what is missing.
            raise error.__context__ or error from None
        answer = s3.head_object(Bucket=bucket, Key=key)
    if answer.get("Metadata", {}).get("sha256") != digest:
        raise Refused(f"s3://{bucket}/{key}: a different zip was uploaded under this name at the same time")
    return upload_of(application, bucket, key, answer.get("VersionId"), size)


def render(found: Mapping[str, Any]) -> list[str]:
    """Show what was uploaded and how to follow it."""
    application = found["release"].partition("/")[0]
    return [
        f"uploaded {found['release']} to s3://{found['bucket']}/{found['key']} (version {found['version_id']})",
        f"follow it:  belay status {application} --watch",
        f"show it:    belay show {found['release']}",
    ]

"""``belay release push FILE``: upload a release to the release bucket, which starts it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from belay.aws.clock import timestamp
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
    """Put a zip into the release bucket. Returns the upload as S3 names it."""
    bucket = belay.output("ReleaseBucketName")
    size, digest = path.stat().st_size, sha256_of(path)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(path.name, total=size)
        answer = belay.aws.uploads(bucket).put(key, path, digest, lambda sent: bar.advance(task, sent))
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

"""Releases an application on a new image: the stage's current release with one parameter changed, as a new version.

The files are those of the release that the stage runs, each checked against its digest while it is copied.
``image.json`` says for which image the version was made; the manifest has the digests of both.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import IO, Any

from botocore.exceptions import ClientError

from belay.aws.faults import code_of, translated
from belay.aws.gateways import Aws, own_aws
from belay.errors import BelayError
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.archive import MANIFEST, Archive, open_archive
from belay.release.document import load_document
from belay.release.manifest import Manifest, digest, parse_manifest, read_manifest, stream_verified
from belay.release.version import Version
from belay.settings import read

IMAGE = "image.json"
"""The file of a release that says for which image it was made."""

_OF_IMAGE = "image-"
_FIELDS = {
    "image_id": re.compile(r"ami-[0-9a-f]{8,17}"),
    "build": re.compile(r"[0-9A-Za-z-]{1,40}"),
    "parameter": re.compile(r"/[\w.-]+(/[\w.-]+){0,14}"),
}


class UnfitImage(BelayError):  # noqa: N818
    """An event, or a release, from which no release on a new image can be made. Lambda retries, and then keeps it."""


@dataclass(frozen=True)
class Settings:
    """Environment variables: ``stack`` and ``parameter`` say where in the release the image is named, ``pin`` how.

    ``pin`` is ``parameter``, for a template that reads the name, or ``image_id``.
    """

    application: str
    stage: str
    stack: str
    parameter: str
    pin: str
    latest: str
    ledger_table: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Put the release where Belay expects it, once; return its version and key, or why there is none."""
    settings, aws = read(Settings), own_aws()
    image = image_of(event, settings.latest)
    latest = _latest(aws, settings.latest)
    if latest != image["image_id"]:
        return {"released": None, "because": f"{settings.latest} is {latest} by now"}
    ledger = Ledger(aws.table(settings.ledger_table))
    runs = ledger.stages.runs(settings.application, settings.stage)
    if runs is None:
        return {"released": None, "because": f"nothing was deployed to {settings.stage}"}
    attempt = ledger.attempts.of_id(settings.application, runs.release.attempt)
    if attempt is None:
        raise UnfitImage(f"the upload of {settings.application} {runs.release.version} is not in the ledger any more")
    archive = open_archive(aws.buckets.uploaded(attempt.upload))
    manifest = read_manifest(archive)
    version = version_on(manifest.version, image["build"])
    document = on_image(archive, image, version, settings)
    if document is None:
        return {"released": None, "because": f"{manifest.version} is on {image[settings.pin]} already"}
    key = f"releases/{settings.application}/{settings.application}-{version}.zip"
    with TemporaryFile() as file:
        write(archive, manifest, document, _text(image), file)
        fresh = _put(aws, attempt.upload.bucket, key, file)
    return {"released": str(version), "key": key} if fresh else {"released": None, "because": f"{key} is there already"}


def image_of(event: Mapping[str, Any], latest: str) -> dict[str, Any]:
    """Return an event's image, whose own name is beside the name of the latest.

    Anyone who may put events may send anything. Raises ``UnfitImage`` for what is not an image.
    """
    detail = event.get("detail")
    told = dict(detail) if isinstance(detail, Mapping) else {}
    for name, pattern in _FIELDS.items():
        if not isinstance(told.get(name), str) or not pattern.fullmatch(told[name]):
            raise UnfitImage(f"detail.{name}: expected text like {pattern.pattern}, found {told.get(name)!r}")
    own = f"{latest.rpartition('/')[0]}/{told['build']}"
    if told["parameter"] != own:
        raise UnfitImage(f"detail.parameter: expected {own}, found {told['parameter']}")
    return told


def version_on(version: Version, build: str) -> Version:
    """Return the version of the same release on an image: by semver.org's item 10, neither is older than the other."""
    kept = tuple(each for each in version.build if not each.startswith(_OF_IMAGE))
    return Version.parse(str(replace(version, build=(*kept, f"{_OF_IMAGE}{build}"))))


def on_image(archive: Archive, image: Mapping[str, Any], version: Version, settings: Settings) -> bytes | None:
    """Return the manifest with the image pinned; None if it is pinned already. Raises ``UnfitImage``."""
    document: Any = load_document(archive.read(MANIFEST).decode())
    stack = next((each for each in document["stacks"] if each["name"] == settings.stack), None)
    if stack is None:
        raise UnfitImage(f"{document['version']} has no stack {settings.stack}, whose parameter names the image")
    parameters = stack["parameters"] = stack.get("parameters") or {}
    if parameters.get(settings.parameter) == image[settings.pin]:
        return None
    parameters[settings.parameter] = image[settings.pin]
    document["description"] = f"{document['version']} on the image {image['build']}"
    document["version"] = str(version)
    document.pop("downgrade", None)
    document["digests"][IMAGE] = digest(_text(image))
    written = json.dumps(document, indent=1, default=lambda number: number.text).encode()
    parse_manifest(written)
    return written


def write(archive: Archive, manifest: Manifest, document: bytes, image: bytes, file: IO[bytes]) -> None:
    """Write a release with another manifest and ``image.json``, and every other file unchanged."""
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(_entry(MANIFEST), document)
        for member in archive.members:
            if member.name not in {MANIFEST, IMAGE}:
                entry = _entry(member.name)
                entry.file_size = member.size
                with made.open(entry, "w") as target:
                    target.writelines(stream_verified(archive, manifest, member.name))
        made.writestr(_entry(IMAGE), image)
    file.seek(0)


def _text(image: Mapping[str, Any]) -> bytes:
    return json.dumps(image, indent=1, sort_keys=True).encode()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return entry


def _latest(aws: Aws, name: str) -> str:
    with translated("SSM.GetParameter"):
        return str(aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def _put(aws: Aws, bucket: str, key: str, file: IO[bytes]) -> bool:
    """Put an object unless there is one; return whether there was none."""
    with translated("S3.PutObject"):
        try:
            aws.client("s3", patient=True).put_object(Bucket=bucket, Key=key, Body=file, IfNoneMatch="*")
        except ClientError as error:
            if code_of(error) == "PreconditionFailed":
                return False
            raise
    return True

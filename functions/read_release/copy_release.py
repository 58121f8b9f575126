"""Copies a release's files to the artifact bucket, checking each digest, in pieces that fit a function's time limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.s3 import ArtifactBucket, UploadedObject
from belay.errors import MissingDocument
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.archive import open_archive
from belay.release.manifest import read_manifest, stream_verified
from belay.release.records import ReleaseReference, Upload
from belay.settings import read

RESERVE_MILLISECONDS = 600_000
"""A member is begun only while this much time is left: the largest that is allowed needs less."""


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Copy members from the ``chunk``-th on; ``done`` when the last is copied. Raises ``InvalidRelease``."""
    settings = read(Settings)
    release = ReleaseReference.from_dict(event["release"])
    record = Ledger(client("dynamodb"), settings.ledger_table).releases.get(release.application, release.version)
    if record is None:
        raise MissingDocument(f"the ledger has no release {release.application} {release.version}")
    upload = Upload(**record["upload"])
    archive = open_archive(UploadedObject(client("s3"), upload.bucket, upload.key, upload.version_id, upload.size))
    manifest = read_manifest(archive)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    paths = sorted(manifest.digests)
    copied = event["chunk"]
    while copied < len(paths):
        path, sha256 = paths[copied], manifest.digests[paths[copied]]
        key = release.member_key(path)
        if not artifacts.has_member(key, sha256):
            artifacts.put_member(key, stream_verified(archive, manifest, path), sha256)
        copied += 1
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            break
    return {"chunk": copied, "done": copied == len(paths)}

"""Uploads in the release bucket that Belay has not opened yet: S3's event and a cold start take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from belay.aws.s3 import StoredVersion
from belay.release.key import application_of
from belay.release.records import Upload, upload_of
from cli.account import Account

SOON: Final = timedelta(minutes=15)
"""How long an upload counts as about to be opened; the sweep starts those that were missed."""


@dataclass(frozen=True)
class Arriving:
    """An upload that has no record yet, and when it was uploaded."""

    upload: Upload
    at: datetime


def arriving(belay: Account, application: str | None, now: datetime) -> list[Arriving]:
    """Return what was uploaded, of one application or of all, and is neither opened nor held yet."""
    bucket = belay.output("ReleaseBucketName")
    recent = [each for each in _versions(belay, bucket, application) if now - each.put_at < SOON]
    uploads = [
        Arriving(upload_of(owner, bucket, each.key, each.version_id, each.size), each.put_at)
        for each in recent
        if (owner := application_of(each.key)) is not None
    ]
    known = belay.ledger.attempts.of_ids([(each.upload.application, each.upload.attempt) for each in uploads])
    held = {each.upload.identity for each in belay.ledger.uploads.held()} if uploads else set()
    return [each for each in uploads if each.upload.attempt not in known and each.upload.identity not in held]


def _versions(belay: Account, bucket: str, application: str | None) -> Iterator[StoredVersion]:
    releases, after = belay.aws.release_bucket(bucket), None
    while True:
        found, after = releases.page(after, application)
        yield from found
        if after is None:
            return

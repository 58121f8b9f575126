"""Copies a dry run's files to where a release has them, for a day, overwriting none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.dry_runs import planned_upload
from belay.control.release_copies import ReleaseCopies
from belay.events.s3 import ObjectCreated
from belay.home import own_home
from belay.release.records import ReleaseReference
from belay.settings import read
from read_release.copy_release import RESERVE_MILLISECONDS


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    release_bucket: str


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Copy members starting at index ``chunk``; ``done`` when the last is copied. Raises ``InvalidRelease``."""
    home, settings = own_home(), read(Settings)
    upload = planned_upload(ObjectCreated.from_event(event["upload"]), settings.release_bucket, event["execution"])
    copies = ReleaseCopies(home.ledger, home.artifacts, home.aws.buckets)
    release = ReleaseReference.from_dict(event["release"])
    copied, done = copies.copy(
        release, event["chunk"], lambda: context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS, upload
    )
    return {"chunk": copied, "done": done}

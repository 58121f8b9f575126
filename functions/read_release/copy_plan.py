"""Copies the files of what is only planned to where a release has them, for a day, replacing none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.dry_runs import planned_upload
from belay.control.release_copies import ReleaseCopies
from belay.events.s3 import ObjectCreated
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.records import ReleaseReference
from belay.settings import read
from read_release.copy_release import RESERVE_MILLISECONDS


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    release_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Copy members starting at index ``chunk``; ``done`` when the last is copied. Raises ``InvalidRelease``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    upload = planned_upload(ObjectCreated.from_event(event["upload"]), settings.release_bucket, event["execution"])
    copies, release = ReleaseCopies(ledger, artifacts, aws.buckets), ReleaseReference.from_dict(event["release"])
    copied, done = copies.copy(
        release, event["chunk"], lambda: context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS, upload
    )
    return {"chunk": copied, "done": done}

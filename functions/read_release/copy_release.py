"""Copies a release's files to the artifact bucket, checking each digest, in pieces that fit a function's time limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.release_copies import ReleaseCopies
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.records import ReleaseReference
from belay.settings import read

RESERVE_MILLISECONDS = 600_000
"""A member is started only while this much time is left: the largest allowed one needs less."""


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Copy members starting at index ``chunk``; ``done`` when the last is copied. Raises ``InvalidRelease``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    copies, release = ReleaseCopies(ledger, artifacts, aws.buckets), ReleaseReference.from_dict(event["release"])
    copied, done = copies.copy(
        release, event["chunk"], lambda: context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS
    )
    return {"chunk": copied, "done": done}

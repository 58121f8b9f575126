"""Deletes the copies of databases that an execution made, and waits until they are gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.copies import Copies
from belay.control.places import Places
from belay.observability import observed
from belay.release.accepted import AcceptedRelease
from belay.release.place import Power
from belay.release.records import ReleaseReference
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Begin to delete each copy; ``gone`` once there are none. Its role can delete copies and nothing else."""
    settings, aws = read(Settings), own_aws()
    release = ReleaseReference.from_dict(event["release"])
    accepted = AcceptedRelease.from_dict(aws.artifacts(settings.artifact_bucket).require_json(release.document_key))
    there = Places(aws, Power.CLEAN, "copies").of(accepted.stages[event["stage"]])
    left = Copies(there.database_copies).delete_of(event["execution"])
    return {"gone": not left, "wait_seconds": settings.poll_seconds}

"""Deletes the copies of databases that an execution made, and waits until they are gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.copies import Copies
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Begin to delete each copy; ``gone`` once there are none. Its role can delete copies and nothing else."""
    settings = read(Settings)
    left = Copies(own_aws().database_copies).delete_of(event["execution"])
    return {"gone": not left, "wait_seconds": settings.poll_seconds}

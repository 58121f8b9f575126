"""Tells a waiting machine whether an incident has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.records import ReleaseReference
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the incident's outcome, null while it is open."""
    settings = read(Settings)
    release = ReleaseReference.from_dict(event["release"])
    record = (
        Ledger(client("dynamodb"), settings.ledger_table).incidents.get(release.application, event["incident"]) or {}
    )
    return {
        "outcome": record.get("outcome"),
        "reason": record.get("reason"),
        "wait_seconds": settings.poll_seconds,
    }

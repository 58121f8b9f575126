"""Tells a waiting state machine whether an incident has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the incident's outcome, null while it is open."""
    settings, aws = read(Settings), own_aws()
    record = Ledger(aws.table(settings.ledger_table)).incidents.get(event["application"], event["incident"])
    return {"outcome": record and record.outcome, "wait_seconds": settings.poll_seconds}

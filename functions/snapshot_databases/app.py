"""Takes a snapshot of every registered database that exists, and sees that each becomes available."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.rds import Databases
from belay.control.snapshots import StageSnapshots
from belay.control.stage import StageContext
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Bring every snapshot one step on; ``ready`` once all are available. Raises ``SnapshotFailed``."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    seen = StageSnapshots(Databases(client("rds"))).bring_on(run.release.origin, run.stage, event["execution"])
    if seen.ready and seen.states:
        run.ledger.releases.record(run.release, run.stage.name, "SNAPSHOTS TAKEN", timestamp(), seen.in_words())
    return {"ready": seen.ready, "wait_seconds": settings.poll_seconds}

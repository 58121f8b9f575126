"""Takes a snapshot of every registered database that exists, and sees that each becomes available."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.rds import Databases
from belay.aws.stage import StageContext
from belay.database.snapshots import Readiness, SnapshotState, database_seen, snapshot_of, snapshot_tags
from belay.errors import SnapshotFailed
from belay.observability import observed
from belay.release.names import snapshot_name
from belay.release.registration import Database
from belay.settings import read

AVAILABLE, BEING_TAKEN, NO_DATABASE_YET = "available", "being taken", "no database yet"


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
    databases = Databases(client("rds"))
    states = {
        database.identifier: snapshot(run, databases, database, event["execution"]) for database in run.stage.databases
    }
    ready = all(state in (AVAILABLE, NO_DATABASE_YET) for state in states.values())
    if ready and states:
        told = "; ".join(f"{identifier}: {state}" for identifier, state in states.items())
        run.ledger.record(run.release, run.stage.name, "SNAPSHOTS TAKEN", timestamp(), told)
    return {"ready": ready, "wait_seconds": settings.poll_seconds}


def snapshot(run: StageContext, databases: Databases, database: Database, execution: str) -> str:
    """Begin a database's snapshot or look how far it is.

    Raises ``SnapshotFailed`` where it cannot be taken: also where the database is gone that earlier releases found.
    """
    release, stage = run.release, run.stage.name
    name = snapshot_name(
        release.application,
        stage,
        release.version,
        database.identifier,
        release.attempt,
        cluster=database.kind == "cluster",
    )
    found = databases.describe_snapshot(database, name)
    if found is not None:
        state = snapshot_of(database.kind, found).state
        if state is SnapshotState.FAILED:
            raise SnapshotFailed(f"the snapshot {name} of {database.kind} {database.identifier} is {found['Status']}")
        return AVAILABLE if state is SnapshotState.AVAILABLE else BEING_TAKEN
    seen = database_seen(database.kind, database.identifier, databases.describe(database))
    if seen.readiness is Readiness.NOT_POSSIBLE:
        raise SnapshotFailed(f"no snapshot can be taken: {seen.in_words()}")
    if seen.readiness is Readiness.READY:
        tags = snapshot_tags(release.application, stage, release.version, execution)
        databases.create_snapshot(database, name, tags)
    if seen.readiness is not Readiness.ABSENT:
        return BEING_TAKEN
    if databases.was_snapshotted(database, release.application, stage):
        raise SnapshotFailed(
            f"{database.kind} {database.identifier} is gone, though earlier releases to {stage} took snapshots of it; "
            "restore it, or take it out of the registration, then upload the release again"
        )
    return NO_DATABASE_YET

"""Snapshots of a stage's registered databases: each started once, and polled until it is available."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from belay.aws.rds import Databases
from belay.database.snapshots import (
    Availability,
    SnapshotsTaken,
    SnapshotState,
    snapshot_of,
    snapshot_source,
    snapshot_tags,
)
from belay.errors import SnapshotFailed
from belay.release.origin import Origin
from belay.release.registration import Database, Stage


class SnapshotProgress(StrEnum):
    """How far the snapshot of a database is."""

    AVAILABLE = "available"
    BEING_TAKEN = "being taken"
    NO_DATABASE_YET = "no database yet"


@dataclass(frozen=True)
class SnapshotsSeen:
    """The progress of each database's snapshot, by the database's identifier."""

    states: Mapping[str, SnapshotProgress]

    @property
    def ready(self) -> bool:
        """Whether all are available."""
        return SnapshotProgress.BEING_TAKEN not in self.states.values()

    @property
    def taken(self) -> SnapshotsTaken:
        """The databases that have one."""
        taken = [each for each, state in self.states.items() if state is SnapshotProgress.AVAILABLE]
        return SnapshotsTaken(tuple(taken))

    def in_words(self) -> str:
        """``orders-db: available; orders-aurora: being taken``."""
        return "; ".join(f"{identifier}: {state}" for identifier, state in self.states.items())


class StageSnapshots:
    """Takes the snapshots of a stage's databases before a release or a pipeline deploys to it."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def bring_on(self, origin: Origin, stage: Stage, execution: str) -> SnapshotsSeen:
        """Start each snapshot, or check its progress; its name is the same for every call of the same attempt.

        ``execution`` goes into the snapshot's tags. Raises ``SnapshotFailed`` if one cannot be taken, or a database
        that earlier releases found was deleted.
        """
        return SnapshotsSeen({each.identifier: self._one(origin, stage, each, execution) for each in stage.databases})

    def _one(self, origin: Origin, stage: Stage, database: Database, execution: str) -> SnapshotProgress:
        name = database.snapshot_name(origin, stage.name)
        found = self._databases.describe_snapshot(database.kind, name)
        if found is not None:
            state = snapshot_of(database.kind, found).state
            if state is SnapshotState.FAILED:
                raise SnapshotFailed(f"the snapshot {name} of {database} is {found['Status']}")
            available = state is SnapshotState.AVAILABLE
            return SnapshotProgress.AVAILABLE if available else SnapshotProgress.BEING_TAKEN
        return self._begin(origin, stage, database, name=name, execution=execution)

    def _begin(
        self, origin: Origin, stage: Stage, database: Database, *, name: str, execution: str
    ) -> SnapshotProgress:
        described = self._databases.describe(database.kind, database.identifier)
        seen = snapshot_source(database.kind, database.identifier, described)
        if seen.availability is Availability.NOT_POSSIBLE:
            raise SnapshotFailed(f"no snapshot can be taken: {seen.in_words()}")
        if seen.availability is Availability.READY:
            tags = snapshot_tags(origin.application, stage.name, origin.name, execution)
            self._databases.create_snapshot(database, name, tags)
        if seen.availability is not Availability.ABSENT:
            return SnapshotProgress.BEING_TAKEN
        if self._databases.was_snapshotted(database, origin.application, stage.name):
            raise SnapshotFailed(
                f"{database} does not exist, but earlier releases to {stage.name} took "
                "snapshots of it; restore it, or remove it from the registration, then upload the release again"
            )
        return SnapshotProgress.NO_DATABASE_YET

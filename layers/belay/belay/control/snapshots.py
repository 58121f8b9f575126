"""Snapshots of a stage's registered databases: each started once, and polled until it is available."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.rds import Databases
from belay.database.snapshots import Availability, SnapshotState, snapshot_of, snapshot_source, snapshot_tags
from belay.errors import SnapshotFailed
from belay.release.origin import Origin
from belay.release.registration import Database, Stage

AVAILABLE, BEING_TAKEN, NO_DATABASE_YET = "available", "being taken", "no database yet"


@dataclass(frozen=True)
class SnapshotsSeen:
    """The progress of each database's snapshot, by the database's identifier."""

    states: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether all are available."""
        return all(state in (AVAILABLE, NO_DATABASE_YET) for state in self.states.values())

    @property
    def taken(self) -> list[str]:
        """The databases that have one."""
        return [identifier for identifier, state in self.states.items() if state == AVAILABLE]

    def to_dict(self) -> dict[str, Any]:
        """Return the stored document of a stage's snapshots."""
        return {"schema": 1, "taken": self.taken}

    def in_words(self) -> str:
        """``orders-db: available; orders-aurora: being taken``."""
        return "; ".join(f"{identifier}: {state}" for identifier, state in self.states.items())


class StageSnapshots:
    """Takes the snapshots of a stage's databases before a release or a pipeline deploys to it."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def bring_on(self, origin: Origin, stage: Stage, execution: str) -> SnapshotsSeen:
        """Start each snapshot, or check its progress; its name is the same for every call of the same attempt.

        ``execution`` goes into the snapshot's tags. Raises ``SnapshotFailed`` if one cannot be taken, also because a
        database that earlier releases found is gone.
        """
        return SnapshotsSeen({each.identifier: self._one(origin, stage, each, execution) for each in stage.databases})

    def _one(self, origin: Origin, stage: Stage, database: Database, execution: str) -> str:
        name = database.snapshot_name(origin, stage.name)
        found = self._databases.describe_snapshot(database.kind, name)
        if found is not None:
            state = snapshot_of(database.kind, found).state
            if state is SnapshotState.FAILED:
                raise SnapshotFailed(f"the snapshot {name} of {database} is {found['Status']}")
            return AVAILABLE if state is SnapshotState.AVAILABLE else BEING_TAKEN
        return self._begin(origin, stage, database, name=name, execution=execution)

    def _begin(self, origin: Origin, stage: Stage, database: Database, *, name: str, execution: str) -> str:
        described = self._databases.describe(database.kind, database.identifier)
        seen = snapshot_source(database.kind, database.identifier, described)
        if seen.availability is Availability.NOT_POSSIBLE:
            raise SnapshotFailed(f"no snapshot can be taken: {seen.in_words()}")
        if seen.availability is Availability.READY:
            tags = snapshot_tags(origin.application, stage.name, origin.name, execution)
            self._databases.create_snapshot(database, name, tags)
        if seen.availability is not Availability.ABSENT:
            return BEING_TAKEN
        if self._databases.was_snapshotted(database, origin.application, stage.name):
            raise SnapshotFailed(
                f"{database} does not exist, but earlier releases to {stage.name} took "
                "snapshots of it; restore it, or remove it from the registration, then upload the release again"
            )
        return NO_DATABASE_YET

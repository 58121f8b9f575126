"""Snapshots of a stage's databases: which to take, their progress, their owner and their age."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from belay.database.kind import DatabaseKind, Description
from belay.documents import Document, read, written

TAG_PREFIX = "belay:"

SNAPSHOTS = "snapshots.json"

_READY = ("available", "storage-optimization")

_STUCK = ("stopped", "stopping", "deleting", "delete-precheck", "failed", "storage-full", "restore-error")
"""The statuses on https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html that never lead by
themselves to one that allows a snapshot; ``incompatible-*`` and ``inaccessible-*`` belong to them.
"""

_FAILED = ("failed", "deleting", "deleted", "error")


class Availability(StrEnum):
    """Whether a database can be snapshotted, modified and renamed now."""

    READY = "READY"
    NOT_YET = "NOT_YET"
    """It is busy with an operation that will end: check again."""
    NOT_POSSIBLE = "NOT_POSSIBLE"
    """Waiting will not make it ready."""
    ABSENT = "ABSENT"
    """It does not exist, which is normal before the first release."""


def availability(status: str) -> Availability:
    """Determine by its status whether a database can be snapshotted or changed now.

    "The source DB instance must be in the available or storage-optimization state"
    (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html).
    """
    if status in _READY:
        return Availability.READY
    stuck = status in _STUCK or status.startswith(("incompatible-", "inaccessible-"))
    return Availability.NOT_POSSIBLE if stuck else Availability.NOT_YET


@dataclass(frozen=True)
class SnapshotSource:
    """A registered database to take a snapshot of; ``status`` is None if it does not exist.

    ``cluster`` is the cluster that an instance is a member of.
    """

    kind: DatabaseKind
    identifier: str
    status: str | None
    cluster: str | None = None

    @property
    def availability(self) -> Availability:
        """Whether a snapshot can be taken now.

        An instance that is a member of a cluster has no snapshots of its own: the cluster has to be registered.
        """
        if self.status is None:
            return Availability.ABSENT
        return Availability.NOT_POSSIBLE if self.cluster is not None else availability(self.status)

    def in_words(self) -> str:
        """``instance orders-db is available``; or why it cannot be snapshotted."""
        if self.status is None:
            return f"{self.kind} {self.identifier} does not exist"
        if self.cluster is not None:
            return f"{self.kind} {self.identifier} is a member of cluster {self.cluster}: register the cluster instead"
        return f"{self.kind} {self.identifier} is {self.status}"


class SnapshotState(StrEnum):
    """A snapshot's progress."""

    CREATING = "CREATING"
    AVAILABLE = "AVAILABLE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as a describe call shows it.

    ``source`` is the identifier of the database it is of, ``created`` in UTC (None while it is being created), for a
    copy ``copied_of`` is when the original was created, ``manual`` whether it was requested.
    """

    kind: DatabaseKind
    name: str
    source: str
    status: str
    created: datetime | None = None
    manual: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    copied_of: datetime | None = None

    @property
    def data_of(self) -> datetime | None:
        """The time of its data: a copy's own creation is later (OriginalSnapshotCreateTime of
        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBSnapshot.html; a cluster's copy has none).
        """
        return self.copied_of or self.created

    @property
    def state(self) -> SnapshotState:
        """Its progress. A status that is neither ``available`` nor a known failure counts as still being created."""
        if self.status == "available":
            return SnapshotState.AVAILABLE
        failed = self.status in _FAILED or self.status.startswith(("incompatible-", "inaccessible-"))
        return SnapshotState.FAILED if failed else SnapshotState.CREATING

    def taken_for(self, application: str, stage: str, version: str) -> bool:
        """Whether Belay took it before that version was deployed to that stage."""
        wanted = snapshot_tags(application, stage, version)
        return self.manual and all(self.tags.get(key) == value for key, value in wanted.items())


@dataclass(frozen=True)
class SnapshotsTaken:
    """The document of a stage's snapshots: the identifiers of the databases with one in ``taken``."""

    taken: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, document: Document | None) -> "SnapshotsTaken":
        """Read what ``to_dict`` wrote; None means no databases. Raises ``UnreadableRecord``."""
        return cls() if document is None else read(cls, document, SNAPSHOTS)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)


def snapshot_source(kind: DatabaseKind, identifier: str, description: Description | None) -> SnapshotSource:
    """Read a database from its kind's describe call; None if it does not exist."""
    if description is None:
        return SnapshotSource(kind, identifier, status=None)
    cluster = description.get(kind.part_of) if kind.part_of else None
    return SnapshotSource(kind, identifier, kind.status(description), cluster or None)


def snapshot_of(kind: DatabaseKind, description: Description) -> Snapshot:
    """Read a snapshot from its kind's describe call."""
    created, copied_of = (description.get(key) for key in ("SnapshotCreateTime", "OriginalSnapshotCreateTime"))
    return Snapshot(
        kind=kind,
        name=description[kind.snapshot.identifier],
        source=description[kind.identifier],
        status=description["Status"],
        created=created.astimezone(UTC) if created else None,
        manual=description.get("SnapshotType", "manual") == "manual",
        tags={tag["Key"]: tag.get("Value", "") for tag in description.get("TagList") or []},
        copied_of=copied_of.astimezone(UTC) if copied_of else None,
    )


def snapshot_tags(
    application: str, stage: str, version: str | None = None, execution_arn: str | None = None
) -> dict[str, str]:
    """The tags of a snapshot taken before ``version`` is deployed: its owner and the execution that took it."""
    tags = {"application": application, "stage": stage, "release": version, "execution": execution_arn}
    return {f"{TAG_PREFIX}{key}": value for key, value in tags.items() if value}


def age_in_words(age: timedelta) -> str:
    """``less than a minute``, ``12 minutes``, ``3 hours and 5 minutes``, ``2 days and 4 hours``; rounded down."""
    minutes = max(int(age.total_seconds()), 0) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    first = next((index for index, (count, _) in enumerate(units) if count), None)
    if first is None:
        return "less than a minute"
    counted = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in units[first : first + 2] if count]
    return " and ".join(counted)

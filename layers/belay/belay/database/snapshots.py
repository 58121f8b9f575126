"""Snapshots of a stage's databases: which to take, how far one is, whose it is, how old it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

DatabaseKind = Literal["instance", "cluster"]

TAG_PREFIX = "belay:"


_READY = ("available", "storage-optimization")

_STUCK = ("stopped", "stopping", "deleting", "delete-precheck", "failed", "storage-full", "restore-error")
"""Of the statuses on https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html those that do not
end by themselves in one that allows a snapshot; ``incompatible-*`` and ``inaccessible-*`` belong to them."""

_FAILED = ("failed", "deleting", "deleted", "error")


class Readiness(StrEnum):
    """Whether a snapshot of a database can be taken now."""

    READY = "READY"
    NOT_YET = "NOT_YET"
    """It is busy with something that ends by itself: look again."""
    NOT_POSSIBLE = "NOT_POSSIBLE"
    """It will not become ready by waiting."""
    ABSENT = "ABSENT"
    """There is no such database: before the first release there is none, which is no fault."""


@dataclass(frozen=True)
class DatabaseSeen:
    """A registered RDS instance or Aurora cluster as a describe call shows it; ``status`` is None where there is none.

    ``cluster`` is the cluster that an instance is a member of.
    """

    kind: DatabaseKind
    identifier: str
    status: str | None
    arn: str | None = None
    cluster: str | None = None

    @property
    def readiness(self) -> Readiness:
        """Whether a snapshot can be taken now.

        "The source DB instance must be in the available or storage-optimization state"
        (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html). An instance that is a
        member of a cluster has no snapshots of its own: the cluster has to be registered.
        """
        if self.status is None:
            return Readiness.ABSENT
        if self.cluster is not None:
            return Readiness.NOT_POSSIBLE
        if self.status in _READY:
            return Readiness.READY
        stuck = self.status in _STUCK or self.status.startswith(("incompatible-", "inaccessible-"))
        return Readiness.NOT_POSSIBLE if stuck else Readiness.NOT_YET

    def in_words(self) -> str:
        """``instance orders-db is available``; why it cannot be snapshotted where that is so."""
        if self.status is None:
            return f"{self.kind} {self.identifier} does not exist"
        if self.cluster is not None:
            return f"instance {self.identifier} is a member of cluster {self.cluster}: register the cluster instead"
        return f"{self.kind} {self.identifier} is {self.status}"


class SnapshotState(StrEnum):
    """How far a snapshot is."""

    CREATING = "CREATING"
    AVAILABLE = "AVAILABLE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as DescribeDBSnapshots or DescribeDBClusterSnapshots shows it.

    ``source`` is the identifier of the database it is of, ``created`` in UTC (None while it is being created),
    ``progress`` in percent, ``manual`` whether somebody asked for it.
    """

    kind: DatabaseKind
    name: str
    source: str
    status: str
    created: datetime | None = None
    arn: str | None = None
    progress: int | None = None
    manual: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> SnapshotState:
        """How far it is. A status that is neither ``available`` nor a known failure counts as still being created."""
        if self.status == "available":
            return SnapshotState.AVAILABLE
        failed = self.status in _FAILED or self.status.startswith(("incompatible-", "inaccessible-"))
        return SnapshotState.FAILED if failed else SnapshotState.CREATING

    def taken_for(self, application: str, stage: str, version: str) -> bool:
        """Whether Belay took it before that version was deployed to that stage."""
        wanted = snapshot_tags(application, stage, version)
        return self.manual and all(self.tags.get(key) == value for key, value in wanted.items())

    def age_in_words(self, now: datetime) -> str:
        """How old it is, which is how much a restore would lose: ``12 minutes``."""
        return age_in_words(now - self.created) if self.created else "not finished"


def database_seen(kind: DatabaseKind, identifier: str, description: Mapping[str, Any] | None) -> DatabaseSeen:
    """Read one of DescribeDBInstances' ``DBInstances`` or DescribeDBClusters' ``DBClusters``; None where none is."""
    if description is None:
        return DatabaseSeen(kind, identifier, status=None)
    if kind == "cluster":
        return DatabaseSeen(kind, identifier, description["Status"], description.get("DBClusterArn"))
    return DatabaseSeen(
        kind,
        identifier,
        description["DBInstanceStatus"],
        description.get("DBInstanceArn"),
        description.get("DBClusterIdentifier") or None,
    )


def snapshot_of(kind: DatabaseKind, description: Mapping[str, Any]) -> Snapshot:
    """Read one of DescribeDBSnapshots' ``DBSnapshots`` or DescribeDBClusterSnapshots' ``DBClusterSnapshots``."""
    prefix = "DBCluster" if kind == "cluster" else "DB"
    source = "DBClusterIdentifier" if kind == "cluster" else "DBInstanceIdentifier"
    created = description.get("SnapshotCreateTime")
    return Snapshot(
        kind=kind,
        name=description[f"{prefix}SnapshotIdentifier"],
        source=description[source],
        status=description["Status"],
        created=created.astimezone(UTC) if created else None,
        arn=description.get(f"{prefix}SnapshotArn"),
        progress=description.get("PercentProgress"),
        manual=description.get("SnapshotType", "manual") == "manual",
        tags={tag["Key"]: tag.get("Value", "") for tag in description.get("TagList") or []},
    )


def snapshot_tags(
    application: str, stage: str, version: str | None = None, execution_arn: str | None = None
) -> dict[str, str]:
    """The tags of a snapshot taken before ``version`` is deployed: whose it is and which execution took it."""
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

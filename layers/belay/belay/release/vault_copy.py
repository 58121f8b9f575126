"""A snapshot on its way to a vault: what is remembered of it until its copy is available, or given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from belay.database.kind import DatabaseKind, Description
from belay.database.kinds import KINDS
from belay.database.snapshots import TAG_PREFIX, snapshot_tags
from belay.release.records import ReleaseReference
from belay.release.vault import Vault

TIME: Final = timedelta(hours=24)
"""How long a copy may take: "a cross-Region snapshot copy can take hours"
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CopySnapshot.html)."""

MOST_AT_ONCE: Final = 5
"""RDS makes five copies of clusters' snapshots at a time for an account and region, and 20 of instances'
(https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-copy-snapshot.html)."""


@dataclass(frozen=True)
class VaultCopy:
    """A snapshot of a release's database in a stage; its copy has the same ``name``.

    ``source`` is the snapshot's ARN, ``gibibytes`` the storage that was allocated to the database (0 for Aurora, which
    allocates none), ``execution`` took it. ``unshared`` says why it could not be shared with the vault's account,
    ``failing`` why the copy was refused, which was told.
    """

    release: ReleaseReference
    stage: str
    kind: str
    database: str
    name: str
    source: str
    gibibytes: int
    execution: str
    vault: Vault
    topic: str | None
    since: datetime
    unshared: str = ""
    failing: str = ""

    @classmethod
    def of(
        cls,
        snapshot: Description,
        kind: DatabaseKind,
        vault: Vault,
        release: ReleaseReference,
        stage: str,
        *,
        execution: str,
        topic: str | None,
        since: datetime,
        unshared: str = "",
    ) -> "VaultCopy":
        """Return what is remembered of a snapshot as RDS describes it."""
        return cls(
            release=release,
            stage=stage,
            kind=kind.name,
            database=str(snapshot[kind.identifier]),
            name=str(snapshot[kind.snapshot.identifier]),
            source=kind.snapshot.arn(snapshot),
            gibibytes=int(snapshot.get("AllocatedStorage") or 0),
            execution=execution,
            vault=vault,
            topic=topic,
            since=since,
            unshared=unshared,
        )

    @property
    def database_kind(self) -> DatabaseKind:
        """The database's kind."""
        return KINDS[self.kind]

    @property
    def tags(self) -> dict[str, str]:
        """The copy's tags. Another account sees none of its source's."""
        own = snapshot_tags(self.release.application, self.stage, self.release.version, self.execution)
        return own | {f"{TAG_PREFIX}copied-from": self.source}

    def is_late(self, now: datetime) -> bool:
        """Whether its time is up."""
        return now - self.since >= TIME

    @property
    def in_words(self) -> str:
        """``the snapshot belay-orders-... of orders-db (20 GiB allocated)``."""
        return f"the snapshot {self.name} of {self.database}{size_in_words(self.gibibytes)}"


def size_in_words(gibibytes: int) -> str:
    """Return what a copy is billed for at most, in parentheses; nothing where RDS allocates no storage."""
    return f" ({gibibytes} GiB allocated)" if gibibytes > 1 else ""

"""A snapshot to be copied to a vault: what is remembered until its copy is available, or abandoned."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from belay.database.kind import DatabaseKind
from belay.database.kinds import KINDS
from belay.database.restore import COPIED_FROM_TAG
from belay.database.snapshots import snapshot_tags
from belay.release.origin import Origin
from belay.release.vault import Vault

TIME: Final = timedelta(hours=24)
"""How long a copy may take: "a cross-Region snapshot copy can take hours"
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CopySnapshot.html)."""

MOST_AT_ONCE: Final = 5
"""RDS makes five copies of clusters' snapshots at a time for an account and region, and 20 of instances'
(https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-copy-snapshot.html)."""


@dataclass(frozen=True)
class VaultCopy:
    """A snapshot of a stage's database; its copy has the same ``name``.

    ``origin`` is what it was taken for: a release, or the execution of the ``pipeline`` that deploys without one.
    ``source`` is the snapshot's ARN, ``gibibytes`` the database's allocated storage (0 for Aurora, which allocates
    none), ``execution`` took it. ``unshared`` says why it could not be shared with the vault's account, ``failing`` why
    the copy was refused, as announced. ``taken_by`` is what the names of all executions that take the stage's snapshots
    begin with: of a state machine, or of a pipeline.
    """

    origin: Origin
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
    pipeline: str = ""
    taken_by: str = ""

    @property
    def database_kind(self) -> DatabaseKind:
        """The database's kind."""
        return KINDS[self.kind]

    @property
    def tags(self) -> dict[str, str]:
        """The copy's tags."""
        own = snapshot_tags(self.origin.application, self.stage, self.origin.name, self.execution)
        return own | {COPIED_FROM_TAG: self.source}

    def is_late(self, now: datetime) -> bool:
        """Whether its deadline has passed."""
        return now - self.since >= TIME

    @property
    def in_words(self) -> str:
        """``the snapshot belay-orders-... of orders-db (20 GiB allocated)``."""
        return f"the snapshot {self.name} of {self.database}{size_in_words(self.gibibytes)}"


def size_in_words(gibibytes: int) -> str:
    """Return the size that a copy is billed for at most, in parentheses; empty if RDS allocates no storage."""
    return f" ({gibibytes} GiB allocated)" if gibibytes > 1 else ""

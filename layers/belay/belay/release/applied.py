"""What was done to each database by each release, change by change: Belay's copy of the database's own record."""

from dataclasses import dataclass
from enum import StrEnum

from belay.release.place import AccountRegion
from belay.release.records import ReleaseReference


class AppliedOutcome(StrEnum):
    """The result of a change in a database."""

    APPLIED = "APPLIED"
    FAILED = "FAILED"
    """It left nothing behind."""
    UNKNOWN = "UNKNOWN"
    """Part of it may be there: a person has to check."""
    UNDONE = "UNDONE"
    RESTORED = "RESTORED"
    """The database was restored from a snapshot that does not have it."""

    @property
    def stands(self) -> bool:
        """Whether the database has the change, or may have part of it."""
        return self in (AppliedOutcome.APPLIED, AppliedOutcome.UNKNOWN)


@dataclass(frozen=True)
class ChangedDatabase:
    """One database of one stage: ``database`` is its identifier in the account and region ``where``.

    A stage that was moved has another database, even if it has the same identifier.
    """

    application: str
    stage: str
    where: AccountRegion
    database: str


@dataclass(frozen=True)
class AppliedChange:
    """What a release last did with a change in a database.

    ``position`` is its place among the release's changes, ``digest`` that of the change; ``schema_version`` is the
    schema's version after all of the release's changes, if the release declares it. Times are ISO 8601 in UTC.
    """

    id: str
    author: str
    path: str
    position: int
    digest: str
    release: ReleaseReference
    started: str
    ended: str
    outcome: AppliedOutcome
    schema_version: str | None = None

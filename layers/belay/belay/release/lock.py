"""Who may take a stage's lock, decided from its last known state."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from belay.release.records import ReleaseReference
from belay.release.version import Version

_WAITER_FORGOTTEN_SECONDS = 1800


class LockDecision(StrEnum):
    """What a claimant does."""

    MINE = "MINE"
    """This execution already holds it, from an earlier try of the same step."""
    TAKE = "TAKE"
    """Free, handed over, or left behind: take it, with a new fencing token."""
    WAIT = "WAIT"
    """Another holder is working under it."""
    LOST = "LOST"
    """The release is being recovered: its deployment must not continue."""


@dataclass(frozen=True)
class Claim:
    """A claim on a stage's lock: by an execution for a release, or for the incident of ``attempt``'s owner.

    ``label`` is the claimant's name for people: a release's version.
    """

    application: str
    stage: str
    attempt: str
    label: str
    execution: str
    incident: str | None = None

    @classmethod
    def of_release(cls, release: ReleaseReference, stage: str, execution: str) -> "Claim":
        """Return the claim of a release that is to be deployed."""
        return cls(release.application, stage, release.attempt, release.version, execution)


@dataclass(frozen=True)
class Lock:
    """A stage's lock: ``owner`` is its last holding attempt, ``incident`` the incident it was held for.

    ``expires_at`` is in epoch seconds; ``held_since`` is None if this version of Belay never took it.
    """

    application: str
    stage: str
    held: bool
    owner: str
    label: str
    execution: str
    incident: str | None
    fencing: int
    expires_at: int
    held_since: str | None = None


@dataclass(frozen=True)
class Waiter:
    """A place in a stage's queue: a release, or a recovery (no ``version``). ``seen_at``: epoch seconds."""

    application: str
    stage: str
    attempt: str
    version: str | None
    seen_at: int


def decide(claim: Claim, lock: Lock | None, *, now: int, owner_runs: bool) -> LockDecision:
    """Decide about a lock (None if there never was one) at epoch second ``now``.

    A failed release hands its lock directly to its own incident, and so does an incident whose execution ended to the
    next one. Any other lock is taken over only if it has expired *and* its holder's execution no longer runs.
    """
    if lock is None or not lock.held:
        return LockDecision.TAKE
    if lock.execution == claim.execution:
        return LockDecision.MINE
    if lock.owner == claim.attempt:
        if claim.incident is None:
            return LockDecision.LOST
        if lock.incident is None or not owner_runs:
            return LockDecision.TAKE
    left_behind = lock.expires_at < now and not owner_runs
    return LockDecision.TAKE if left_behind else LockDecision.WAIT


def superseded_by(claim: Claim, queue: Sequence[Waiter], *, now: int) -> str | None:
    """Return the newest version waiting in the same queue that is newer than the claimant's, if any.

    A recovery neither supersedes nor is superseded. A waiter not seen for half an hour counts as dead.
    """
    if claim.incident is not None:
        return None
    waiting = [
        Version.parse(each.version)
        for each in queue
        if each.version is not None and each.seen_at > now - _WAITER_FORGOTTEN_SECONDS and each.attempt != claim.attempt
    ]
    newer = [version for version in waiting if version > Version.parse(claim.label)]
    return str(max(newer)) if newer else None


def overtaken(version: Version, deployed: str | None, *, downgrade: bool) -> bool:
    """Whether a newer version than ``version`` is already deployed and no downgrade was requested."""
    return deployed is not None and not downgrade and Version.parse(deployed) > version

"""Who may take a stage's lock, decided from the lock as it was last seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from belay.release.records import ReleaseReference
from belay.release.version import Version

_WAITER_FORGOTTEN_SECONDS = 1800


class Decision(StrEnum):
    """What a claimant does about the lock."""

    MINE = "MINE"
    """This very execution holds it already: an earlier try of the same step got that far."""
    TAKE = "TAKE"
    """Free, handed over, or left behind: take it, with a new fencing token."""
    WAIT = "WAIT"
    """Somebody works under it."""
    LOST = "LOST"
    """The release is being recovered: its deployment may not go on."""


@dataclass(frozen=True)
class Claim:
    """Who asks for a stage's lock: an execution for a release, or for the incident of what owns ``attempt``.

    ``label`` is what people know the claimant by: a release's version.
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
    """A stage's lock: ``owner`` is the attempt that held it last, ``incident`` the incident that it held it for.

    ``expires_at`` is in epoch seconds; ``held_since`` is None where it was never taken by this version.
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
    """Who stands in a stage's queue: a release, or a recovery, which has no ``version``. ``seen_at``: epoch seconds."""

    application: str
    stage: str
    attempt: str
    version: str | None
    seen_at: int


def decide(claim: Claim, lock: Lock | None, *, now: int, owner_runs: bool) -> Decision:
    """Decide about a lock (None where there never was one) at epoch second ``now``.

    A failed release hands its lock over to its own incident at once, and an incident whose execution ended to the
    next one. Anybody else's is taken over only when it has expired *and* the execution that holds it no longer runs.
    """
    if lock is None or not lock.held:
        return Decision.TAKE
    if lock.execution == claim.execution:
        return Decision.MINE
    if lock.owner == claim.attempt:
        if claim.incident is None:
            return Decision.LOST
        if lock.incident is None or not owner_runs:
            return Decision.TAKE
    left_behind = lock.expires_at < now and not owner_runs
    return Decision.TAKE if left_behind else Decision.WAIT


def superseded_by(claim: Claim, queue: Sequence[Waiter], *, now: int) -> str | None:
    """Return the newest version that waits in the same queue and is newer than the claimant's, if there is one.

    A recovery supersedes nothing and is superseded by nothing. A waiter not seen for half an hour has died.
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
    """Tell whether a newer version than ``version`` is deployed already and nobody asked to go back."""
    return deployed is not None and not downgrade and Version.parse(deployed) > version

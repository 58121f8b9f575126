"""Who may take a stage's lock, decided from the lock as it was last seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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
    """Who asks: an execution for a release, or for the incident that the release's failure opened."""

    release: ReleaseReference
    execution: str
    incident: str | None


def decide(claim: Claim, lock: Mapping[str, Any] | None, *, now: int, owner_runs: bool) -> Decision:
    """Decide about a ledger lock (None where there never was one) at epoch second ``now``.

    A failed release hands its lock over to its own incident at once, and an incident whose execution ended to the
    next one. Anybody else's is taken over only when it has expired *and* the execution that holds it no longer runs.
    """
    if lock is None or not lock["held"]:
        return Decision.TAKE
    if lock["execution"] == claim.execution:
        return Decision.MINE
    if lock["owner"] == claim.release.attempt:
        if claim.incident is None:
            return Decision.LOST
        if not lock["incident"] or not owner_runs:
            return Decision.TAKE
    left_behind = int(lock["expires_at"]) < now and not owner_runs
    return Decision.TAKE if left_behind else Decision.WAIT


def superseded_by(release: ReleaseReference, queue: Sequence[Mapping[str, Any]], *, now: int) -> str | None:
    """Return the newest version that waits in the same queue and is newer than ``release``, if there is one.

    A waiter not seen for half an hour has died and counts no more.
    """
    waiting = [
        each["release"]["version"]
        for each in queue
        if int(each["seen_at"]) > now - _WAITER_FORGOTTEN_SECONDS and each["release"]["attempt"] != release.attempt
    ]
    newer = [version for version in waiting if Version.parse(version) > Version.parse(release.version)]
    return max(newer, key=Version.parse, default=None)


def overtaken(version: Version, deployed: str | None, *, downgrade: bool) -> bool:
    """Tell whether a newer version than ``version`` is deployed already and nobody asked to go back."""
    return deployed is not None and not downgrade and Version.parse(deployed) > version

"""Which of the releases' snapshots are still needed, and which can be deleted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from belay.database.snapshots import TAG_PREFIX, Snapshot, SnapshotState

SPARE = 10
"""The room to keep for manual snapshots: at the quota RDS refuses the next one, so the release fails."""


class Need(StrEnum):
    """Why a snapshot is kept regardless of its age."""

    LAST_KNOWN_GOOD = "its release is what the stage goes back to"
    UNDER_WAY = "its release is on its way, or an open incident is about it"
    TO_VAULT = "it is still to be copied to a vault, or is being copied there"
    """"If you delete a source snapshot before the target snapshot becomes available, the snapshot copy might fail"
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CopySnapshot.html)."""


Released = tuple[str, str, str]
"""An application, a stage and a version."""


@dataclass(frozen=True)
class Quota:
    """The number of manual snapshots of one kind in the account and Region, and the quota."""

    used: int
    most: int


@dataclass(frozen=True)
class Retention:
    """The decision for the snapshots of one kind: those kept, with the reason, and those to delete.

    ``too_many`` is how many more would have to be deleted to free SPARE, but must not be.
    """

    kept: Mapping[str, str]
    deleted: tuple[str, ...]
    too_many: int = 0


def released(snapshot: Snapshot) -> Released:
    """Return the release that a snapshot was taken for."""
    application, stage, version = (snapshot.tags[f"{TAG_PREFIX}{tag}"] for tag in ("application", "stage", "release"))
    return application, stage, version


def ours(snapshots: Iterable[Snapshot], executions: str) -> tuple[Snapshot, ...]:
    """Return the finished snapshots that this Belay took, oldest first.

    They are manual and have all of Belay's tags; ``executions`` is the prefix of the ARNs of the executions that take
    them, which differs for another Belay in the same account.
    """
    tags = [f"{TAG_PREFIX}{tag}" for tag in ("application", "stage", "release", "execution")]
    found = [
        (each.created, each.name, each)
        for each in snapshots
        if each.manual and each.created is not None and each.state is SnapshotState.AVAILABLE
        if all(tag in each.tags for tag in tags) and each.tags[tags[-1]].startswith(executions)
    ]
    return tuple(each for _, _, each in sorted(found, key=lambda item: item[:2]))


def retain(snapshots: Sequence[Snapshot], keep: int, needed: Mapping[Released, Need], quota: Quota | None) -> Retention:
    """Decide about Belay's snapshots of one kind, oldest first.

    The newest ``keep`` (at least one) of each database are kept, as is what is ``needed``. If the account is closer
    than SPARE to its quota, more are deleted, oldest first: never a needed one, nor the newest of a database.
    """
    kept = {each.name: needed[released(each)].value for each in snapshots if released(each) in needed}
    kept |= {name: "it is the newest of its database" for name in _newest(snapshots, 1) if name not in kept}
    among = [name for name in _newest(snapshots, max(keep, 1)) if name not in kept]
    deleted = [each.name for each in snapshots if each.name not in kept and each.name not in among]
    excess = 0 if quota is None else max(quota.used - len(deleted) - (quota.most - SPARE), 0)
    more = [each.name for each in snapshots if each.name in among][:excess]
    kept |= {name: f"it is among the newest {keep} of its database" for name in among if name not in more}
    return Retention(kept, (*deleted, *more), excess - len(more))


def _newest(snapshots: Sequence[Snapshot], count: int) -> list[str]:
    by_database: dict[str, list[str]] = {}
    for each in snapshots:
        by_database.setdefault(each.source, []).append(each.name)
    return [name for names in by_database.values() for name in names[-count:]]

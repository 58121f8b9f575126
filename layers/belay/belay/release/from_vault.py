"""Restoring a database from its stage's vault: which copies exist, and the names used for the restore.

A copy is brought into the stage's account under its own name, and restored there: RDS cannot restore from another
account's encrypted snapshot (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/share-encrypted-snapshot.html).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from belay.database.kind import DatabaseKind
from belay.database.restore import COPIED_FROM_TAG, Place, Unit, name_beside
from belay.database.snapshots import TAG_PREFIX, Snapshot
from belay.release.vault import Vault

IN_PLACE_OF_TAG: Final = f"{TAG_PREFIX}in-place-of"
"""The tag on a member of a restored cluster that names its original."""

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def copies_of(snapshots: Iterable[Snapshot], application: str, stage: str) -> list[Snapshot]:
    """Return the copies in a vault of a stage's snapshots, newest first. They are recognized by their tags."""
    wanted = {f"{TAG_PREFIX}application": application, f"{TAG_PREFIX}stage": stage}
    found = [
        each
        for each in snapshots
        if each.manual and COPIED_FROM_TAG in each.tags and wanted.items() <= each.tags.items()
    ]
    return sorted(found, key=lambda each: each.data_of or _LONG_AGO, reverse=True)


def release_of(copy: Snapshot) -> str:
    """Return the release, or pipeline execution, before which the copied snapshot was taken."""
    return copy.tags.get(f"{TAG_PREFIX}release", "")


def copy_arn(vault: Vault, kind: DatabaseKind, name: str) -> str:
    """Return the ARN of a copy in a vault."""
    return f"arn:{vault.partition}:rds:{vault.region}:{vault.account}:{kind.snapshot.arn_type}:{name}"


def name_here(database: str, copy: str) -> str:
    """Name the snapshot that a copy becomes in the stage's account; deterministic."""
    return name_beside(database, "vault", copy)


def restore_name(copy: str) -> str:
    """Name the restore of a copy: what it creates is tagged and named with this, as with an incident."""
    return f"vault/{copy}"


def in_the_way(unit: Unit) -> str | None:
    """Return the name of an unrelated database that has a name the restore needs."""
    if Place.RESTORED in unit.found and unit.restored_place is not Place.RESTORED:
        return unit.at(Place.RESTORED)
    if {Place.NAME, Place.REPLACED} <= unit.found.keys() and unit.restored_place is not Place.NAME:
        return unit.at(Place.REPLACED)
    return None

"""The snapshots that are to be copied to vaults: each is listed until its copy is available, or abandoned."""

from dataclasses import replace
from typing import Final

from belay.aws.dynamodb import Item
from belay.documents import read, written
from belay.ledger.records import Records, read_each
from belay.release.vault_copy import VaultCopy

_PK: Final = "VAULT"


class VaultCopyRecords(Records):
    """Items of the partition ``VAULT``."""

    def enter(self, copy: VaultCopy) -> None:
        """Remember a snapshot to be copied; a known one is left unchanged."""
        item = {"PK": _PK, "SK": _key(copy), "copy": written(copy)}
        self._table.transact(self._table.new(item, once=True))

    def every(self, faults: list[Exception] | None = None) -> list[VaultCopy]:
        """Return the snapshots to be copied, by application; ``faults`` as for ``read_each``."""
        return read_each(self._table.query(_PK), _copy, faults)

    def note_failing(self, copy: VaultCopy) -> None:
        """Record why a copy is refused, unless it was concluded meanwhile."""
        changed, named = {":copy": written(copy)}, {"#copy": "copy"}
        self._table.update(_PK, _key(copy), "SET #copy = :copy", "attribute_exists(PK)", changed, names=named)

    def forget(self, copy: VaultCopy) -> None:
        """Remove a snapshot whose copy is available or abandoned."""
        self._table.delete(_PK, _key(copy))


def _copy(item: Item) -> VaultCopy:
    """Read one; earlier ones do not say by which state machine or pipeline their snapshots are taken."""
    copy = read(VaultCopy, item["copy"], item["SK"])
    ends = ":" if copy.execution.startswith("arn:") else "/"
    return copy if copy.taken_by else replace(copy, taken_by=f"{copy.execution.rpartition(ends)[0]}{ends}")


def _key(copy: VaultCopy) -> str:
    return f"{copy.origin.application}#{copy.stage}#{copy.name}"

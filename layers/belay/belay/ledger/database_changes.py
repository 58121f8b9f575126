"""What was applied to each database, and by which release."""

import hashlib
from collections.abc import Iterable

from belay.aws.dynamodb import Item
from belay.documents import read, written
from belay.ledger.records import Records
from belay.release.applied import AppliedChange, ChangedDatabase
from belay.release.records import LONGEST_IN_KEY


class DatabaseChangeRecords(Records):
    """Items ``CHANGE#`` of a database of a stage: the last that was done with each change. They do not expire."""

    def record(self, database: ChangedDatabase, changes: Iterable[AppliedChange]) -> None:
        """Record what was done, in place of what was done with the same changes before."""
        for change in changes:
            self._table.put({"PK": _pk(database), "SK": _sk(change.id), "change": written(change)})

    def of(self, database: ChangedDatabase) -> tuple[AppliedChange, ...]:
        """Return what was last done with each change, in the order of their releases' changes."""
        found = [_read(item) for item in self._table.query(_pk(database), "CHANGE#")]
        return tuple(sorted(found, key=lambda each: (each.position, each.id)))


def _pk(database: ChangedDatabase) -> str:
    return f"DATABASE#{database.application}#{database.stage}#{database.database}"


def _sk(change: str) -> str:
    """Name a change; by its digest where the key would exceed DynamoDB's 1,024 bytes."""
    fits = len(change.encode()) <= LONGEST_IN_KEY
    return f"CHANGE#{change if fits else hashlib.sha256(change.encode()).hexdigest()}"


def _read(item: Item) -> AppliedChange:
    return read(AppliedChange, item["change"], f"the ledger's item {item['PK']} {item['SK']}")

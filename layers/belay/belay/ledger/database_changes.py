"""What each release applied to each database."""

import hashlib
from collections.abc import Iterable

from belay.aws.dynamodb import Item
from belay.documents import read, written
from belay.ledger.records import Records
from belay.release.applied import AppliedChange, ChangedDatabase
from belay.release.records import LONGEST_IN_KEY


class DatabaseChangeRecords(Records):
    """Items ``CHANGE#`` of a stage's database: the latest operation on each change. They do not expire."""

    def record(self, database: ChangedDatabase, changes: Iterable[AppliedChange]) -> None:
        """Record operations, replacing earlier ones on the same changes."""
        for change in changes:
            self._table.put({"PK": _pk(database), "SK": _sk(change.id), "change": written(change)})

    def of(self, database: ChangedDatabase) -> tuple[AppliedChange, ...]:
        """Return the latest operation on each change, in the order of their releases' changes."""
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

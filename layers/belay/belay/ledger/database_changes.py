"""What each release applied to each database."""

import hashlib
from collections.abc import Callable, Iterable

from belay.aws.dynamodb import Item
from belay.documents import read, written
from belay.ledger.records import Records
from belay.release.applied import AppliedChange, ChangedDatabase
from belay.release.records import LONGEST_IN_KEY, ReleaseReference


class DatabaseChangeRecords(Records):
    """Items ``CHANGE#`` of a stage's database: the latest operation on each change. They do not expire.

    Earlier ones do not say in which account and region the database is.
    """

    def record(self, database: ChangedDatabase, changes: Iterable[AppliedChange]) -> None:
        """Record operations, replacing earlier ones on the same changes."""
        for change in changes:
            self._table.put({"PK": _pk(database), "SK": _sk(change.id), "change": written(change)})

    def of(
        self, database: ChangedDatabase, deployed_there: Callable[[ReleaseReference], bool]
    ) -> tuple[AppliedChange, ...]:
        """Return the latest operation on each change, in the order of their releases' changes.

        Where an item does not say in which account and region the database is, ``deployed_there`` says whether its
        release was deployed to this one.
        """
        earlier = map(_read, self._table.query(_stage_pk(database) + database.database, "CHANGE#"))
        found = {each.id: each for each in earlier if deployed_there(each.release)}
        found |= {each.id: each for each in map(_read, self._table.query(_pk(database), "CHANGE#"))}
        return tuple(sorted(found.values(), key=lambda each: (each.position, each.id)))


def _pk(database: ChangedDatabase) -> str:
    where = database.where
    return f"{_stage_pk(database)}{where.account}/{where.region}/{database.database}"


def _stage_pk(database: ChangedDatabase) -> str:
    return f"DATABASE#{database.application}#{database.stage}#"


def _sk(change: str) -> str:
    """Name a change; by its digest where the key would exceed DynamoDB's 1,024 bytes."""
    fits = len(change.encode()) <= LONGEST_IN_KEY
    return f"CHANGE#{change if fits else hashlib.sha256(change.encode()).hexdigest()}"


def _read(item: Item) -> AppliedChange:
    return read(AppliedChange, item["change"], f"the ledger's item {item['PK']} {item['SK']}")

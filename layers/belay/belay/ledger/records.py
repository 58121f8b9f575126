"""What all kinds of record share: the ledger's table, items that expire, lists, and ends."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from belay.aws.clock import lease
from belay.aws.dynamodb import Item, Table
from belay.errors import UnreadableRecord
from belay.release.records import Outcome

Kept = TypeVar("Kept")


class Records:
    """Reads and writes items of one kind."""

    def __init__(self, table: Table) -> None:
        self._table = table


def is_current(item: Item) -> bool:
    """Whether an item has not expired.

    DynamoDB deletes an item after the epoch second in its ``expires``, "typically within a few days"
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html): until then, readers ignore it.
    """
    return "expires" not in item or int(item["expires"]) > lease(0)


def read_each(items: Iterable[Item], read: Callable[[Item], Kept], faults: list[Exception] | None = None) -> list[Kept]:
    """Read each item.

    One that cannot be read is left out and added to ``faults`` as ``UnreadableRecord``, or raised without ``faults``.
    """
    found = []
    for item in items:
        try:
            found.append(read(item))
        except Exception as error:
            fault = UnreadableRecord(
                f"the ledger's item {item['PK']} {item['SK']} cannot be read ({type(error).__name__}: {error}): "
                "correct or delete it"
            )
            fault.__cause__ = error
            if faults is None:
                raise fault from error
            faults.append(fault)
    return found


def opened(table: Table, sk: str, document: Mapping[str, Any], execution: str, now: str) -> Item:
    """Return the part of a transaction that marks something as open, with the execution responsible for it."""
    return table.new({"PK": "OPEN", "SK": sk, "document": dict(document), "execution": execution, "at": now})


def close(table: Table, pk: str, sk: str, outcome: Outcome, *, reason: Mapping[str, Any], now: str) -> bool:
    """Record the one outcome of an item. False if one was recorded and announced before."""
    condition = "(attribute_not_exists(outcome) OR (outcome = :outcome AND attribute_not_exists(announced)))"
    values: Item = {":outcome": outcome.value, ":reason": reason, ":now": now}
    return table.update(pk, sk, "SET outcome = :outcome, reason = :reason, ended_at = :now", condition, values)


def announced(table: Table, pk: str, sk: str) -> None:
    """Record that the outcome of an item was announced."""
    table.update(pk, sk, "SET announced = :yes", None, {":yes": True})

"""What everything with an outcome shares: it is open until the outcome is recorded and announced."""

from collections.abc import Mapping
from typing import Any

from belay.aws.dynamodb import Item, Table
from belay.release.records import Outcome


def opened(table: Table, sk: str, document: Mapping[str, Any], execution: str, now: str) -> Item:
    """Return the part of a transaction that marks something as open, with the execution responsible for it."""
    return table.new({"PK": "OPEN", "SK": sk, "document": dict(document), "execution": execution, "at": now})


def close(
    table: Table,
    pk: str,
    sk: str,
    outcome: Outcome,
    *,
    reason: Mapping[str, Any],
    now: str,
) -> bool:
    """Record the one outcome of an item. False if one was recorded and announced before."""
    condition = "(attribute_not_exists(outcome) OR (outcome = :outcome AND attribute_not_exists(announced)))"
    values: Item = {":outcome": outcome.value, ":reason": reason, ":now": now}
    return table.update(pk, sk, "SET outcome = :outcome, reason = :reason, ended_at = :now", condition, values)


def announced(table: Table, pk: str, sk: str) -> None:
    """Record that the outcome of an item was announced."""
    table.update(pk, sk, "SET announced = :yes", None, {":yes": True})

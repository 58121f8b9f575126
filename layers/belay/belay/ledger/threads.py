"""The numbers of each thread's messages, and which of them were told."""

from belay.aws.dynamodb import Table
from belay.release.records import Thread


class ThreadRecords:
    """The item ``MESSAGES`` of a thread."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def number(self, thread: str, key: str) -> Thread:
        """Give a message the next number of its thread, unless it has one; return the thread with it."""
        self._table.update(
            f"THREAD#{thread}",
            "MESSAGES",
            "SET #keys = list_append(if_not_exists(#keys, :none), :new)",
            "NOT contains(#keys, :key)",
            {":none": [], ":new": [key], ":key": key},
            names={"#keys": "keys"},
        )
        item = self._table.get(f"THREAD#{thread}", "MESSAGES") or {}
        return Thread(tuple(item.get("keys", ())), frozenset(item.get("told", ())))

    def told(self, thread: str, key: str) -> None:
        """Record that a message of a thread was told."""
        self._table.update(f"THREAD#{thread}", "MESSAGES", "ADD told :key", None, {":key": {key}})

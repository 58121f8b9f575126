"""The numbers of each thread's messages, and which were sent."""

from typing import Final

from belay.aws.clock import kept_until, timestamp
from belay.ledger.records import Records, is_current
from belay.notify.thread import Thread

MOST_KEYS: Final = 100
"""How many messages of a thread are remembered: a stage's thread lasts as long as the stage."""


class ThreadRecords(Records):
    """The item ``MESSAGES`` of a thread, which expires after a long time without messages."""

    def number(self, thread: str, key: str) -> Thread:
        """Give a message the next number of its thread, unless it has one; return the thread with it."""
        self._table.update(
            f"THREAD#{thread}",
            "MESSAGES",
            "SET #keys = list_append(if_not_exists(#keys, :none), :new), expires = :expires",
            "NOT contains(#keys, :key)",
            {":none": [], ":new": [key], ":key": key, ":expires": kept_until(timestamp())},
            names={"#keys": "keys"},
        )
        item = self._table.get(f"THREAD#{thread}", "MESSAGES") or {}
        if not is_current(item):
            self._begin_anew(thread, key, item["expires"])
            item = self._table.get(f"THREAD#{thread}", "MESSAGES") or {}
        keys = tuple(item.get("keys", ()))
        if len(keys) > MOST_KEYS:
            self._forget(thread, keys[0])
        return Thread(keys, frozenset(item.get("told", ())), item.get("forgotten", 0))

    def told(self, thread: str, key: str) -> None:
        """Record that a message of a thread was sent."""
        self._table.update(f"THREAD#{thread}", "MESSAGES", "ADD told :key", None, {":key": {key}})

    def _begin_anew(self, thread: str, key: str, expired: int) -> None:
        """Restart an expired thread, not deleted yet, with a message."""
        self._table.update(
            f"THREAD#{thread}",
            "MESSAGES",
            "SET #keys = :new, expires = :expires REMOVE told, forgotten",
            "expires = :expired",
            {":new": [key], ":expires": kept_until(timestamp()), ":expired": expired},
            names={"#keys": "keys"},
        )

    def _forget(self, thread: str, oldest: str) -> None:
        """Drop the oldest message, unless that was done: the others keep their numbers."""
        self._table.update(
            f"THREAD#{thread}",
            "MESSAGES",
            "REMOVE #keys[0] ADD forgotten :one DELETE told :oldest",
            "#keys[0] = :key",
            {":one": 1, ":oldest": {oldest}, ":key": oldest},
            names={"#keys": "keys"},
        )

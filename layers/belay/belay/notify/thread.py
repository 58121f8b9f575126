"""The thread of a message."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thread:
    """The messages of one upload, incident or stage: their keys in the order of their numbers, and those sent.

    ``forgotten`` is how many came before the first of ``keys``.
    """

    keys: tuple[str, ...]
    told: frozenset[str] = frozenset()
    forgotten: int = 0

    def number_of(self, key: str) -> int:
        """Return a message's number in its thread, from 1."""
        return self.forgotten + self.keys.index(key) + 1

    def before(self, key: str) -> tuple[str, ...]:
        """Return the keys of the messages before one."""
        return self.keys[: self.keys.index(key)]

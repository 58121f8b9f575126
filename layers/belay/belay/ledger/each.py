"""Reading a list of items, of which one may be damaged."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from belay.aws.dynamodb import Item
from belay.errors import UnreadableRecord

Kept = TypeVar("Kept")


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

"""What is known of the values in each stack that no call returns."""

from belay.ledger.records import Records
from belay.stack.values import KnownValues


class ValueRecords(Records):
    """Items ``VALUES`` of a stack: those of the last operation that Belay saw succeed. They do not expire."""

    def record(self, stack_id: str, values: KnownValues) -> None:
        """Replace what is known of a stack's values."""
        self._table.put({"PK": f"STACK#{stack_id}", "SK": "VALUES", "values": values.to_dict()})

    def of(self, stack_id: str) -> KnownValues | None:
        """Return what is known; None if nothing is."""
        item = self._table.get(f"STACK#{stack_id}", "VALUES")
        return None if item is None else KnownValues.from_dict(item["values"])

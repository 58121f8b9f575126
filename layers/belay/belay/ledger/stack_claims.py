"""Which stage each stack belongs to."""

from dataclasses import asdict

from belay.aws.dynamodb import Item
from belay.documents import read
from belay.ledger.records import Records, read_each
from belay.release.stack_claim import StackClaim

_PK = "STACKS"


class StackClaimRecords(Records):
    """Items of the partition ``STACKS``."""

    def claim(self, wanted: StackClaim) -> StackClaim:
        """Claim a stack for a stage, unless it belongs to one. Returns the current claim."""
        if self._table.transact(self._table.new({"PK": _PK, "SK": wanted.key} | asdict(wanted), once=True)):
            return wanted
        item = self._table.get(_PK, wanted.key)
        return wanted if item is None else _claim(item)

    def every(self, faults: list[Exception] | None = None) -> dict[str, StackClaim]:
        """Return all claims by their key; ``faults`` as for ``read_each``."""
        return {claim.key: claim for claim in read_each(self._table.query(_PK), _claim, faults)}

    def free(self, claim: StackClaim) -> None:
        """Free a stack: the next release that registers it claims it."""
        self._table.delete(_PK, claim.key)


def _claim(item: Item) -> StackClaim:
    return read(StackClaim, item, "a stack's claim")

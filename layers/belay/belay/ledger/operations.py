"""Whose each stack operation is."""

from belay.aws.dynamodb import Item, Table
from belay.release.records import ReleaseReference


class OperationRecords:
    """Items ``OPERATION#`` of a stack."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(
        self, stack_id: str, token: str, release: ReleaseReference, stage: str, *, purpose: str, now: str
    ) -> None:
        """Note whose a stack operation is.

        ``purpose`` is deploy, recover or delete for Belay's own, noted before the call; pipeline for one that a
        followed pipeline answers for; repair for a person's, which ended what an incident had left to them.
        """
        self._table.put(
            {
                "PK": f"STACK#{stack_id}",
                "SK": f"OPERATION#{token}",
                "release": release.to_dict(),
                "stage": stage,
                "purpose": purpose,
                "at": now,
            }
        )

    def get(self, stack_id: str, token: str) -> Item | None:
        """Return what is noted of the operation that a stack event belongs to; None where it is nobody's known."""
        return self._table.get(f"STACK#{stack_id}", f"OPERATION#{token}") if token else None

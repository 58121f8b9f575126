"""Deleting copies of databases: those of one execution, and orphaned ones."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from belay.aws.database_copies import DatabaseCopies
from belay.aws.gateways import Aws
from belay.aws.stepfunctions import Executions
from belay.control.alone import EachAlone
from belay.control.places import Places
from belay.control.registrations import ReadRegistrations
from belay.database.copy import FoundCopy


@dataclass(frozen=True)
class CopiesEverywhere:
    """Copies in Belay's own account and region, and wherever registered stages have databases.

    A fault in one place or with one copy does not affect the others: ``alone`` collects it.
    """

    places: Places
    executions: Executions
    alone: EachAlone = field(default_factory=EachAlone)

    def delete_left(self, read: ReadRegistrations, begin: str, now: datetime) -> list[str]:
        """Delete as ``Copies.delete_left`` does, everywhere."""
        deleted = []
        for place, stages in self.places.with_databases(read.stages).items():
            alone, where = self.alone.at(place), "" if place is None else f" ({place})"

            def left(there: Aws, alone: EachAlone = alone) -> list[str]:
                return Copies(there.database_copies, alone).delete_left(begin, self.executions, now)

            names = alone.attempt(partial(self.places.for_whichever, place, stages, left))
            deleted += [f"{name}{where}" for name in names or ()]
        return deleted


class Copies:
    """The copies that changes were tried on. Only what ``found_copy`` recognizes as a copy is ever deleted.

    A copy that cannot be deleted does not block the others: ``alone`` collects the fault.
    """

    def __init__(self, copies: DatabaseCopies, alone: EachAlone) -> None:
        self._copies = copies
        self._alone = alone

    def delete_of(self, execution: str) -> list[FoundCopy]:
        """Begin to delete an execution's copies, given its ARN; return those that still exist."""
        found = [each for each in self._copies.all() if each.execution == execution]
        self._delete(found)
        return found

    def delete_left(self, begin: str, executions: Executions, now: datetime) -> list[str]:
        """Begin to delete orphaned copies; return their names.

        They were made by executions whose ARNs ``begin`` so. Some have expired, whatever their execution does.
        """

        def is_left(copy: FoundCopy) -> bool:
            return copy.delete_after <= now or not executions.running(copy.execution)

        ours = [each for each in self._copies.all() if each.execution.startswith(begin)]
        left = [each for each in ours if self._alone.attempt(partial(is_left, each), about=each.name)]
        return self._delete(left)

    def _delete(self, copies: Iterable[FoundCopy]) -> list[str]:
        """Begin to delete each; return the names of those that are being deleted."""

        def delete(copy: FoundCopy) -> str:
            if copy.status != "deleting":
                self._copies.delete(copy)
            return copy.name

        names = [self._alone.attempt(partial(delete, each), about=each.name) for each in copies]
        return [each for each in names if each]

"""Deleting copies of databases: those of one execution, and those that were left."""

from datetime import datetime

from belay.aws.database_copies import DatabaseCopies
from belay.aws.stepfunctions import Executions
from belay.database.copy import FoundCopy


class Copies:
    """The copies that changes were tried on. What is no copy is never deleted: ``found_copy`` says what is one."""

    def __init__(self, copies: DatabaseCopies) -> None:
        self._copies = copies

    def delete_of(self, execution: str) -> list[FoundCopy]:
        """Begin to delete the copies that an execution made, given its ARN; return those that are still there."""
        return self._delete([each for each in self._copies.all() if each.execution == execution])

    def delete_left(self, begin: str, executions: Executions, now: datetime) -> list[str]:
        """Begin to delete the copies that nobody will delete any more; return their names.

        They are made by executions whose ARNs ``begin`` so. The time of some is up, whatever their execution does.
        """
        ours = [each for each in self._copies.all() if each.execution.startswith(begin)]
        left = [each for each in ours if each.delete_after <= now or not executions.running(each.execution)]
        return [each.name for each in self._delete(left)]

    def _delete(self, copies: list[FoundCopy]) -> list[FoundCopy]:
        for each in copies:
            if each.status != "deleting":
                self._copies.delete(each)
        return copies

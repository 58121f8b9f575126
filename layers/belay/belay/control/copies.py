"""Deleting copies of databases: those of one execution, and those that were left."""

from dataclasses import dataclass
from datetime import datetime

from belay.aws.database_copies import DatabaseCopies
from belay.aws.stepfunctions import Executions
from belay.control.places import Places
from belay.control.registrations import ReadRegistrations
from belay.database.copy import FoundCopy
from belay.errors import AwsFault
from belay.release.place import StagePlace
from belay.release.registration import Stage


@dataclass(frozen=True)
class CopiesEverywhere:
    """Those in Belay's own account and region, and wherever registered stages have databases."""

    places: Places
    executions: Executions

    def delete_left(self, read: ReadRegistrations, begin: str, now: datetime) -> tuple[list[str], list[str]]:
        """Delete as ``Copies.delete_left`` does; a fault elsewhere affects no other place.

        Returns the names of the copies, and the faults.
        """
        deleted, problems = self._left(None, "", "", begin, now), []
        stages: dict[StagePlace, Stage] = {each.place: each for each in read.stages if each.place and each.databases}
        for place, stage in stages.items():
            if self.places.home.is_at(place):
                continue
            try:
                left = self._left(place, stage.application, stage.name, begin, now)
                deleted += [f"{name} ({place})" for name in left]
            except AwsFault as fault:
                problems.append(f"{place}: {fault}")
        return deleted, problems

    def _left(self, place: StagePlace | None, application: str, stage: str, begin: str, now: datetime) -> list[str]:
        there = self.places.at(place, application, stage)
        return Copies(there.database_copies).delete_left(begin, self.executions, now)


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

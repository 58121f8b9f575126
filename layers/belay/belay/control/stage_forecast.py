"""Forecasting a stage's database changes: reading the database, restoring a copy, and trying the changes there."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from belay.aws.clock import now
from belay.aws.database_copies import DatabaseCopies
from belay.aws.executors import Executors
from belay.aws.rds import Databases
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.database.address import address_of
from belay.database.copy import Copy, found_copy, newest_usable, not_copied
from belay.database.executor import Ask, Begin, OperationAnswer, OperationState, Profile, StoredDocument, read_answer
from belay.database.executor import written as answered
from belay.database.forecast import FORECAST_DOCUMENT, DatabaseForecast, SnapshotUsed, differences, replayed, tried
from belay.database.kind import Description, UnitKind
from belay.database.snapshots import Availability, availability, snapshot_of
from belay.documents import read, written
from belay.errors import ExecutorFailed, NotForecast
from belay.release.change_plan import ChangePlan
from belay.release.registration import Forecast
from belay.sql import model as models
from belay.sql.model import Model

KEPT_FOR: Final = timedelta(days=5)
"""Longer than an execution that forecasts may run: after that its copy is orphaned and may be deleted."""

MOST_QUERIES: Final = 500
MOST_UNANSWERED: Final = 5
"""How many times an executor may fail: a transient fault must not end the forecast."""


_UNANSWERED: Final = "forecast-unanswered.json"


@dataclass(frozen=True)
class Unanswered:
    """How many ``times`` the executor failed in a forecast."""

    times: int


class ForecastProgress(StrEnum):
    """How far a part of a forecast is."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    NOTHING = "NOTHING"
    """There is nothing to try, or nothing to try it on."""


@dataclass(frozen=True)
class StageForecast:
    """The forecast of a release's database changes in one stage. Each part is started once and then polled."""

    run: StageContext
    databases: Databases
    copies: DatabaseCopies
    executors: Executors
    files: StageFiles

    # -- the parts -----------------------------------------------------------------------------------------------

    def profile(self) -> ForecastProgress:
        """Have the executor read the live database: its structure and the queries that run there.

        Raises ``NotForecast``, ``ExecutorFailed`` and ``ReleaseSuperseded``.
        """
        self.run.refuse_superseded()
        plan = self.run.change_plan()
        if plan is None or not plan.pending or plan.address is None:
            return ForecastProgress.NOTHING
        answer = self._asked(plan, Begin(Ask.PROFILE, self._token(plan, "forecast-profile"), plan.address))
        if answer is None or answer.state is OperationState.RUNNING:
            return ForecastProgress.RUNNING
        if answer.profile is None:
            raise NotForecast(f"the executor did not read {plan.database}: {answer.reason or answer.state}")
        self._put("profile.json", answered(answer))
        return ForecastProgress.DONE

    def restore(self, execution: str) -> ForecastProgress:
        """Restore the newest usable snapshot beside the database; done once the copy can be connected to.

        ``execution`` is the ARN of the execution that forecasts, by which the copy is deleted. Raises ``NotForecast``
        if there will be no copy, and ``ReleaseSuperseded``.
        """
        self.run.refuse_superseded()
        plan, copy = self.run.required_changes(), self._copy(execution)
        original = self._original(plan)
        found = self.databases.describe(copy.kind, copy.name)
        if found is None:
            self._restore_newest(copy, original)
            return ForecastProgress.RUNNING
        if not self._settled(copy, copy.kind, found):
            return ForecastProgress.RUNNING
        if copy.kind.members is None:
            return ForecastProgress.DONE
        member = copy.kind.members.kind
        instance = self.databases.describe(member, copy.name)
        if instance is not None:
            return ForecastProgress.DONE if self._settled(copy, member, instance) else ForecastProgress.RUNNING
        self._create_member(copy, original)
        return ForecastProgress.RUNNING

    def try_changes(self, execution: str) -> ForecastProgress:
        """Have the executor run the changes on the copy, undo them, and plan the live database's queries.

        Raises ``NotForecast``, ``ExecutorFailed`` and ``ReleaseSuperseded``.
        """
        self.run.refuse_superseded()
        plan, copy = self.run.required_changes(), self._copy(execution)
        changes, executor = self._with_queries(plan), plan.executor
        described = self.databases.describe(copy.kind, copy.name)
        address = address_of(copy.kind, described, plan.engine, executor.database, executor.user, executor.secret)
        if address is None or address.identifier == plan.database.identifier:
            raise NotForecast(f"the copy {copy.name} was deleted")
        token = self._token(plan, f"forecast-{copy.name}")
        answer = self._asked(plan, Begin(Ask.FORECAST, token, address, changes, warm=True))
        if answer is None or answer.state is OperationState.RUNNING:
            return ForecastProgress.RUNNING
        self._put("forecast-answer.json", answered(answer))
        return ForecastProgress.DONE

    def conclude(self, basis: Forecast, why_not: str) -> DatabaseForecast:
        """Store the forecast from what was found; ``why_not`` is why the changes could not be tried, if so."""
        forecast = self._concluded(basis, why_not)
        self._put(FORECAST_DOCUMENT, forecast.to_dict())
        return forecast

    # -- the copy ------------------------------------------------------------------------------------------------

    def _copy(self, execution: str) -> Copy:
        release, plan = self.run.release, self.run.required_changes()
        return Copy(
            kind=plan.database.kind,
            original=plan.database.identifier,
            application=release.application,
            stage=self.run.stage.name,
            version=release.version,
            attempt=release.attempt,
            execution=execution,
            delete_after=now() + KEPT_FOR,
            settings=plan.executor.copy,
        )

    def _original(self, plan: ChangePlan) -> Description:
        original = self.databases.describe(plan.database.kind, plan.database.identifier)
        if original is None:
            raise NotForecast(f"{plan.database} does not exist any more")
        why_not = not_copied(plan.database.kind, original)
        if why_not:
            raise NotForecast(f"{plan.database} cannot be copied: {why_not}")
        return original

    def _restore_newest(self, copy: Copy, original: Description) -> None:
        snapshots = self.copies.snapshots(copy.kind, copy.original)
        newest = newest_usable(copy.kind, snapshots, copy.kind.resource_id(original))
        if newest is None:
            raise NotForecast(f"{copy.kind} {copy.original} has no finished snapshot, automated or manual")
        seen = snapshot_of(copy.kind, newest)
        taken_at = "" if seen.created is None else seen.created.isoformat(timespec="seconds")
        self._put("copied-snapshot.json", written(SnapshotUsed(seen.name, taken_at)))
        kind, (_, parameters) = copy.kind, copy.restore(original, newest)
        self.copies.make(kind, parameters)

    def _create_member(self, copy: Copy, original: Description) -> None:
        members = copy.kind.members
        writer = None if members is None else next(iter(members.names(original)), None)
        described = None if members is None or writer is None else self.databases.describe(members.kind, writer)
        if members is None or described is None:
            raise NotForecast(
                f"{copy.kind} {copy.original} has no instance from which to take the copy's instance class"
            )
        created = copy.create_member(described)
        if created is not None:
            self.copies.make(members.kind, created[1])

    def _settled(self, copy: Copy, kind: UnitKind, found: Description) -> bool:
        """Whether the copy, or its instance, is available. One left by an earlier execution is waited for until
        deleted.
        """
        known = found_copy(kind, found)
        if known is None:
            raise NotForecast(f"there is a database {copy.name} that is not this forecast's copy")
        if known.execution != copy.execution:
            return False
        state = availability(known.status)
        if state is Availability.NOT_POSSIBLE:
            raise NotForecast(f"the copy {copy.name} is {known.status}")
        return state is Availability.READY

    # -- the executor --------------------------------------------------------------------------------------------

    def _asked(self, plan: ChangePlan, begin: Begin) -> OperationAnswer | None:
        """Start or poll an operation; None if the executor failed, which says nothing about the changes.

        Raises ``ExecutorFailed`` if it failed too often.
        """
        try:
            return self.executors.begin(plan.executor.function, begin)
        except ExecutorFailed:
            kept = self._get(_UNANSWERED)
            broke = Unanswered(1 + (0 if kept is None else read(Unanswered, kept, _UNANSWERED).times))
            if broke.times >= MOST_UNANSWERED:
                raise
            self._put(_UNANSWERED, written(broke))
            return None

    # -- the changes ---------------------------------------------------------------------------------------------

    def _with_queries(self, plan: ChangePlan) -> StoredDocument:
        """Return the changes with the live database's queries, stored once: a token is for one content."""
        kept = self._get("forecast-asked.json")
        if kept is not None:
            return read(StoredDocument, kept, "forecast-asked.json")
        profile = self._profile()
        queries = () if profile is None else profile.queries[:MOST_QUERIES]
        document = replace(self.files.handed(plan.stored), queries=tuple(each.query for each in queries))
        stored = self.files.hand_over("forecast-changes.json", document)
        self._put("forecast-asked.json", written(stored))
        return stored

    def _concluded(self, basis: Forecast, why_not: str) -> DatabaseForecast:
        plan = self.run.change_plan()
        if plan is None or not plan.pending:
            database = "the database" if plan is None else str(plan.database)
            return DatabaseForecast(database, basis, note="no database changes are pending")
        document, answer = self.files.handed(plan.stored), self._answer("forecast-answer.json")
        pending = {each.id for each in plan.pending}
        changes, not_tried = tried(document, pending, answer)
        differ = differences(replayed(document, pending, plan.engine, self._baseline()))
        snapshot = self._get("copied-snapshot.json")
        absent = "the database does not exist yet, so there is nothing to try the changes on"
        return DatabaseForecast(
            database=str(plan.database),
            basis=basis,
            changes=tuple(replace(each, model=differ.get(each.id, ())) for each in changes),
            queries=() if answer is None else answer.queries,
            not_tried=not_tried or ("" if answer is not None else why_not),
            note=absent if plan.address is None and basis == "copy" else "",
            snapshot=None if snapshot is None else read(SnapshotUsed, snapshot, "copied-snapshot.json"),
        )

    def _baseline(self) -> Model | None:
        profile = self._profile()
        return None if profile is None or profile.model is None else models.from_json(profile.model)

    # -- documents -----------------------------------------------------------------------------------------------

    def _profile(self) -> Profile | None:
        answer = self._answer("profile.json")
        return None if answer is None else answer.profile

    def _answer(self, name: str) -> OperationAnswer | None:
        return self.run.artifacts.read(self.run.release.stage_key(self.run.stage.name, name), read_answer)

    def _get(self, name: str) -> dict[str, Any] | None:
        return self.run.artifacts.get_json(self.run.release.stage_key(self.run.stage.name, name))

    def _put(self, name: str, document: dict[str, Any]) -> None:
        self.run.artifacts.put_json(self.run.release.stage_key(self.run.stage.name, name), document)

    def _token(self, plan: ChangePlan, operation: str) -> str:
        return self.run.token(plan.database.identifier, operation)

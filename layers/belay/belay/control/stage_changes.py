"""A release's database changes in one stage: reading what is pending, and having it applied."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from belay.aws.clock import timestamp
from belay.aws.executors import Executors
from belay.aws.rds import Databases
from belay.control.applied_changes import database_of
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.database.address import address_of
from belay.database.executor import (
    Ask,
    Begin,
    ChangeDocument,
    DatabaseAddress,
    HandedChange,
    Look,
    OperationAnswer,
    OperationState,
    RecordedChange,
    ReleaseFile,
    StoredDocument,
)
from belay.errors import ExecutorFailed, InvalidRelease, UnreadableChanges
from belay.release.applied import AppliedChange, AppliedOutcome
from belay.release.change_plan import ChangePlan, ChangeState, compared, failed_in_words, not_applied_before, outcome_of
from belay.release.life import State
from belay.release.manifest import DatabaseChanges
from belay.release.reason import Statement, Why
from belay.release.registration import changed_database
from belay.release.waves import stages_before
from belay.sql import reading
from belay.sql.changes import DatabaseChange
from belay.sql.contexts import applies

MOST_UNANSWERED: Final = 5
"""How many times in a row an executor may fail to respond: a transient fault is no verdict on the changes."""


class StageChanges:
    """What a release does to a database of one stage; its plan, saved on the way, tracks the progress."""

    def __init__(self, run: StageContext, databases: Databases, executors: Executors, files: StageFiles) -> None:
        self._run = run
        self._files = files
        self._databases = databases
        self._executors = executors

    # -- planning ------------------------------------------------------------------------------------------------

    def plan(self, name: str) -> ChangePlan | None:
        """Update the plan with the database's record, one step at a time; None if the release changes no database here.

        ``name`` is the reading's: under the lock the database is read again. Raises ``InvalidRelease`` if the changes
        may not be applied, and ``ChangesFailed`` if the database cannot be read.
        """
        with self._run.reasons.refusing():
            plan = self._run.change_plan() or self._made()
            if plan is None or (plan.read_as == name and plan.read):
                return plan
            if plan.read_as != name:
                plan = replace(plan, read_as=name, state=ChangeState.READING, operation="")
            return self._read(plan)

    def _made(self) -> ChangePlan | None:
        run = self._run
        changes = run.accepted.manifest.database
        changed = changed_database(changes, run.stage)
        if changes is None or changes.engine is None or changed is None:
            return None
        database, executor = changed
        return ChangePlan(
            database=database,
            executor=executor,
            engine=changes.engine,
            stored=self._handed_over(changes),
            schema_range=changes.schema,
            apply=changes.apply,
        )

    def _handed_over(self, changes: DatabaseChanges) -> StoredDocument:
        """Store the changes of this stage for the executor. Raises ``InvalidRelease`` if they cannot be read."""
        run, release = self._run, self._run.release
        release_files = run.files
        document = ChangeDocument(
            application=release.application,
            stage=run.stage.name,
            release=release.version,
            attempt=release.attempt,
            format=changes.format or reading.format_of(release_files, changes.changes),
            directory=changes.changes,
            changes=tuple(HandedChange.of(each) for each in self._here(changes, release_files)),
            files=tuple(ReleaseFile(path, stored) for path, stored in self._files.below(changes.changes)),
            contexts=run.stage.name,
        )
        return self._files.hand_over("changes.json", document)

    def _here(self, changes: DatabaseChanges, files: Mapping[str, bytes]) -> Iterator[DatabaseChange]:
        run, engine, kind = self._run, changes.engine, changes.format
        try:
            found = reading.read_changes(files, changes.changes, engine, format=kind) if engine else ()
        except UnreadableChanges as error:
            raise InvalidRelease(error.problems) from error
        for each in found:
            try:
                if applies(each.contexts, run.stage.name):
                    yield each
            except ValueError as error:
                raise InvalidRelease([f"{each.place.path}:{each.place.line}: {each.id}: {error}"]) from error

    def _read(self, plan: ChangePlan) -> ChangePlan:
        address = self._address(plan)
        recorded: tuple[RecordedChange, ...] = ()
        if address is not None:
            plan, answer = self._asked(plan, Begin(Ask.PROFILE, self._token(plan, plan.read_as), address))
            if answer is None or answer.state is OperationState.RUNNING:
                return self._saved(plan)
            if answer.profile is None:
                why = f"its executor could not read {plan.database}: {answer.reason or answer.state}"
                raise self._run.reasons.changes_failed(Statement(Why.DATABASE_CHANGES, why))
            recorded = answer.profile.recorded
        return self._saved(self._compared(replace(plan, address=address), recorded))

    def _compared(self, plan: ChangePlan, recorded: tuple[RecordedChange, ...]) -> ChangePlan:
        """Compare the changes with the database. Raises ``InvalidRelease`` if they may not be applied."""
        changes, earlier = self._files.handed(plan.stored).changes, self._earlier()
        found = compared(changes, recorded, list(earlier))
        contexts = {change.id: change.contexts for change in changes}
        # Dry-run changes have been applied nowhere.
        applied = {} if self._run.release.is_plan else earlier
        problems = [*found.refused, *not_applied_before(found.pending, contexts, applied)]
        if problems:
            raise InvalidRelease([f"{plan.database} in {self._run.stage.name}: {each}" for each in problems])
        known = {each.id: each.digest for each in recorded}
        return replace(
            plan, state=ChangeState.PLANNED, recorded=known, pending=found.pending, remarks=found.remarks, operation=""
        )

    def _earlier(self) -> dict[str, ChangePlan]:
        """Return the release's plans in the stages of earlier waves, if it changes databases there."""
        before = stages_before(self._run.accepted.application.waves, self._run.stage.name)
        plans = {stage: self._run.change_plan(stage) for stage in before}
        return {stage: plan for stage, plan in plans.items() if plan is not None}

    # -- applying ------------------------------------------------------------------------------------------------

    def apply(self) -> ChangePlan:
        """Have the pending changes applied, one step at a time: started once, then polled. Raises ``ChangesFailed``."""
        plan = self._run.change_plan()
        if plan is None or not plan.read:
            raise self._failed(None, "its plan was removed, so what to apply is unknown")
        if plan.state is ChangeState.PLANNED:
            plan = self._begun(plan) if plan.pending else self._saved(replace(plan, state=ChangeState.APPLIED))
        if plan.state is ChangeState.APPLYING:
            plan = self._followed(plan)
        if plan.state is ChangeState.FAILED:
            raise self._failed(plan, failed_in_words(plan.results, plan.reason))
        return plan

    def _followed(self, plan: ChangePlan) -> ChangePlan:
        forecast = self._run.database_forecast()
        expected = None if forecast is None or forecast.seconds is None else math.ceil(forecast.seconds)
        asked = Begin(Ask.APPLY, self._token(plan, "apply"), _known(plan.address), plan.stored, expected)
        plan, answer = self._asked(plan, asked)
        if answer is None or answer.state is OperationState.RUNNING:
            return self._saved(plan)
        plan = plan.ended(answer)
        record_changes(self._run, plan)
        done = ", ".join(f"{each.id} {outcome_of(each)}" for each in plan.results if outcome_of(each) is not None)
        self._note(f"{plan.database}: {done or 'nothing'}")
        return self._saved(plan)

    def _begun(self, plan: ChangePlan) -> ChangePlan:
        """Record that the changes may have been applied, before the executor is called."""
        address = self._address(plan)
        if address is None:
            raise self._failed(plan, f"{plan.database} does not exist, or has no endpoint")
        names = ", ".join(each.id for each in plan.pending)
        self._note(f"{plan.database}: {names}")
        return self._saved(replace(plan, state=ChangeState.APPLYING, address=address, operation="", unanswered=0))

    def _note(self, detail: str) -> None:
        run = self._run
        run.ledger.attempts.record(run.release, State.APPLYING, timestamp(), stage=run.stage.name, detail=detail)

    def _failed(self, plan: ChangePlan | None, why: str) -> Exception:
        where = "" if plan is None else f"the changes to {plan.database} were not applied: "
        return self._run.reasons.changes_failed(Statement(Why.DATABASE_CHANGES, f"{where}{why}"))

    # -- recovering ----------------------------------------------------------------------------------------------

    def settle(self, name: str) -> ChangePlan:
        """Determine the result of changes that were started, one step at a time; they are not started again.

        Without an operation to read, what the database has newly recorded counts as theirs. ``name`` is the reading's.
        Raises ``ExecutorFailed``.
        """
        plan = self._run.required_changes()
        address, read = _known(plan.address), plan.read_as == name
        if plan.operation and not read:
            return self._settled(plan, Begin(Ask.APPLY, self._token(plan, "apply"), address, plan.stored))
        return self._settled(replace(plan, read_as=name), Begin(Ask.PROFILE, self._token(plan, name), address))

    def _settled(self, plan: ChangePlan, asked: Begin) -> ChangePlan:
        plan, answer = self._asked(plan, asked)
        if answer is None or answer.state is OperationState.RUNNING:
            return self._saved(plan)
        if asked.request is Ask.PROFILE and answer.profile is None:
            raise ExecutorFailed(plan.executor.function, answer.reason or answer.state)
        ended = plan.found(answer.profile.recorded) if answer.profile is not None else plan.ended(answer)
        record_changes(self._run, ended)
        return self._saved(ended)

    def undo(self, name: str) -> ChangePlan:
        """Have the applied changes undone, one step at a time; ``name`` is the undo's. Raises ``ExecutorFailed``."""
        plan = self._run.required_changes()
        if plan.state is not ChangeState.UNDOING:
            plan = self._saved(replace(plan, state=ChangeState.UNDOING, operation="", unanswered=0))
        begin = Begin(Ask.UNDO, self._token(plan, name), _known(plan.address), plan.stored)
        plan, answer = self._asked(plan, begin)
        if answer is None or answer.state is OperationState.RUNNING:
            return self._saved(plan)
        plan = plan.undone(answer)
        record_changes(self._run, plan)
        return self._saved(plan)

    # -- both ----------------------------------------------------------------------------------------------------

    def _asked(self, plan: ChangePlan, begin: Begin) -> tuple[ChangePlan, OperationAnswer | None]:
        """Start or poll an operation; None if the executor failed, which says nothing about the database.

        Raises ``ExecutorFailed`` if it fails every time.
        """
        function, look = plan.executor.function, Look(plan.operation, begin.database)
        try:
            answer = self._executors.look(function, look) if plan.operation else self._executors.begin(function, begin)
        except ExecutorFailed:
            if plan.unanswered + 1 >= MOST_UNANSWERED:
                raise
            return replace(plan, unanswered=plan.unanswered + 1), None
        return replace(plan, operation=answer.operation, unanswered=0), answer

    def _address(self, plan: ChangePlan) -> DatabaseAddress | None:
        kind, executor = plan.database.kind, plan.executor
        described = self._databases.describe(kind, plan.database.identifier)
        return address_of(kind, described, plan.engine, executor.database, executor.user, executor.secret)

    def _token(self, plan: ChangePlan, operation: str) -> str:
        return self._run.token(plan.database.identifier, operation)

    def _saved(self, plan: ChangePlan) -> ChangePlan:
        self._run.save_changes(plan)
        return plan


def record_changes(run: StageContext, plan: ChangePlan, instead: AppliedOutcome | None = None) -> None:
    """Record the result of each change, before the plan has it; ``instead`` is the result of those still applied."""
    pending, standing = {each.id: each for each in plan.pending}, {each.id for each in plan.standing}
    schema = None if plan.schema_range is None else plan.schema_range.after
    done = [(pending[each.id], each, outcome) for each in plan.results if (outcome := outcome_of(each)) is not None]
    run.ledger.database_changes.record(
        database_of(run.stage, plan.database.identifier, run.artifacts),
        [
            AppliedChange(
                id=change.id,
                author=change.author,
                path=change.path,
                position=change.position,
                digest=change.digest,
                release=run.release,
                started=result.started,
                ended=result.ended,
                outcome=instead if instead is not None and change.id in standing else outcome,
                schema_version=schema,
            )
            for change, result, outcome in done
        ],
    )


def _known(address: DatabaseAddress | None) -> DatabaseAddress:
    if address is None:
        raise ValueError("changes are begun where the database is known to be")
    return address

"""A forecast: the changes are run on the given copy, measured, undone and run again."""

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from pg8000.native import DatabaseError

from belay.database.executor import (
    ChangeError,
    ChangeOutcome,
    ChangeResult,
    HandedChange,
    OperationState,
    QueryPlanned,
    UndoRehearsed,
)
from belay.documents import plain
from packs.postgresql import catalog
from packs.postgresql.applying import Measure, Worker, in_words, refused
from packs.postgresql.record import RecordedOperation
from packs.postgresql.session import DatabaseSession

_GENERIC_PLANS_SINCE: Final = 160000
"""EXPLAIN (GENERIC_PLAN): https://www.postgresql.org/docs/16/sql-explain.html"""


class _Unnoted(RecordedOperation):
    """The operation while an undo is rehearsed: the change keeps what was measured before."""

    def note(self, result: ChangeResult) -> None:
        """Store nothing."""


class _Measured(Measure):
    """A change's measured side effects: locks, rewritten tables, rows."""

    def __init__(self, session: DatabaseSession, transactional: bool) -> None:
        self._session = session
        self._transactional = transactional

    def begun(self) -> None:
        """Record where tables are stored, and which rows were counted before: the server sends counts in batches."""
        self._stored = catalog.stored(self._session)
        self._rows = catalog.rows_touched(self._session)

    def ended(self, result: ChangeResult) -> ChangeResult:
        """Add what differs. Without a transaction, locks are released by now and rows were counted elsewhere."""
        locks = catalog.locks(self._session) if self._transactional else None
        rows = catalog.rows_since(self._rows, catalog.rows_touched(self._session)) if self._transactional else ()
        now = catalog.stored(self._session)
        anew = (name for table, (name, file) in self._stored.items() if now.get(table, ("", file))[1] != file)
        return replace(result, locks=locks, rewritten=tuple(anew), rows=rows)


@dataclass(frozen=True)
class _Rehearsed(Measure):
    """Stores, with a change's measurements, whether its undo restored the earlier structure."""

    session: DatabaseSession
    operation: RecordedOperation
    seen: ChangeResult
    before: str

    def ended(self, result: ChangeResult) -> ChangeResult:
        """Store it in the transaction of the undo."""
        restored = catalog.structure(self.session) == self.before
        self.operation.note(replace(self.seen, undo=UndoRehearsed(restored, result.seconds)))
        return result


@dataclass(frozen=True)
class Forecast:
    """Runs a document's changes on a copy. What each step measured is stored in the step's transaction."""

    worker: Worker
    warm: bool

    def run(self) -> None:
        """Plan the queries, run each change that is pending, plan the queries again."""
        worker, operation = self.worker, self.worker.operation
        if "planned" not in operation.extra():
            problems = refused(worker.document, worker.record.read())
            if problems:
                return operation.end(OperationState.FAILED, "; ".join(problems))
            self._plan_before()
        for change in worker.document.changes:
            result = self._change(change)
            if result.outcome not in (ChangeOutcome.APPLIED, ChangeOutcome.UNCHANGED):
                return operation.end(OperationState.FAILED, in_words(result))
        self._plan_after()
        return operation.end(OperationState.SUCCEEDED)

    # -- changes -------------------------------------------------------------------------------------------------

    def _change(self, change: HandedChange) -> ChangeResult:
        """Run a change; if it has an undo, undo it and run it again. What an earlier worker did is not repeated."""
        operation = self.worker.operation
        if change.id not in operation.extra().get("before", {}):
            before = {**operation.extra().get("before", {}), change.id: catalog.structure(self.worker.session)}
            operation.note_extra({"before": before})
        seen = operation.result(change.id)
        if seen.outcome is not ChangeOutcome.APPLIED:
            seen = self._measured(change)
        if change.undo is None or seen.outcome is not ChangeOutcome.APPLIED:
            return seen
        return self._rehearsed(change, seen)

    def _measured(self, change: HandedChange) -> ChangeResult:
        return self.worker.apply_one(change, _Measured(self.worker.session, change.transactional))

    def _rehearsed(self, change: HandedChange, seen: ChangeResult) -> ChangeResult:
        operation, session = self.worker.operation, self.worker.session
        quiet = replace(self.worker, operation=_Unnoted(session, operation.name))
        measure = _Rehearsed(session, operation, seen, operation.extra()["before"][change.id])
        if seen.undo is None:
            undone = quiet.undo_one(change, measure)
            if undone.outcome is not ChangeOutcome.UNDONE:
                return self._not_rehearsed(seen, undone, still_there=undone.outcome is ChangeOutcome.FAILED)
        again = quiet.apply_one(change)
        if again.outcome is not ChangeOutcome.APPLIED:
            return self._not_rehearsed(seen, again, still_there=False)
        return operation.result(change.id)

    def _not_rehearsed(self, seen: ChangeResult, result: ChangeResult, *, still_there: bool) -> ChangeResult:
        """Store that an undo, or the change after it, failed; without the change the forecast cannot continue."""
        error = result.error or ChangeError(f"it is {result.outcome}")
        outcome = ChangeOutcome.APPLIED if still_there else result.outcome
        rehearsed = UndoRehearsed(restored=False, error=error)
        kept = replace(seen, outcome=outcome, error=None if still_there else error, undo=rehearsed)
        self.worker.operation.note(kept)
        return kept

    # -- queries -------------------------------------------------------------------------------------------------

    def _plan_before(self) -> None:
        operation, session = self.worker.operation, self.worker.session
        if self.warm:
            self._read_tables()
        operation.note_extra({"planned": [planned(session, query) for query in self.worker.document.queries]})

    def _plan_after(self) -> None:
        operation, session = self.worker.operation, self.worker.session
        found = []
        for query, (cost, error) in zip(self.worker.document.queries, operation.extra()["planned"], strict=True):
            cost_after, error_after = planned(session, query)
            # A text that could not be planned before either is truncated or the like, not a break.
            found.append(QueryPlanned(query, cost, cost_after, "" if error else error_after))
        operation.note_extra({"queries": plain(tuple(found))})

    def _read_tables(self) -> None:
        """Read the tables that the changes name, so that their blocks are loaded before anything is timed."""
        statements = (each.text or "" for change in self.worker.document.changes for each in change.statements)
        words = set(re.findall(r"\w+", " ".join(statements).lower()))
        for name, _ in catalog.stored(self.worker.session).values():
            if name.rpartition(".")[2].strip('"').lower() in words:
                self.worker.session.rows(f"SELECT count(*) FROM {name}")  # noqa: S608


def planned(session: DatabaseSession, query: str) -> tuple[float | None, str]:
    """Return the cost of a query's generic plan, and why it cannot be planned, which is empty if it can."""
    session.begin()
    try:
        # The server accepts one statement here, so the rest explains one query and does nothing else.
        session.execute(f"PREPARE belay_planned AS {query}")
        session.rows("DEALLOCATE belay_planned")
        return _cost(session, query), ""
    except DatabaseError as error:
        return None, str(error.args[0].get("M", error))
    finally:
        session.rollback()


def _cost(session: DatabaseSession, query: str) -> float | None:
    ((version,),) = session.rows("SELECT current_setting('server_version_num')::integer")
    if version < _GENERIC_PLANS_SINCE:
        return None
    ((document,),) = session.rows(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query}")
    plans: Any = json.loads(document) if isinstance(document, str) else document
    return float(plans[0]["Plan"]["Total Cost"])

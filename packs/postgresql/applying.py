"""Applying and undoing changes: each in a transaction with its record or, if it allows none, step by step.

A worker may die anywhere. The next one reads the record: what is in it happened, and the rest did not. Only a statement
outside a transaction can be in between, and then its remains are examined.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pg8000.native import DatabaseError

from belay.database.executor import (
    ChangeDocument,
    ChangeError,
    ChangeOutcome,
    ChangeResult,
    HandedChange,
    HandedStatement,
    OperationState,
    RecordedChange,
)
from packs.postgresql.indexes import Left, settle
from packs.postgresql.record import Kept, Record, RecordedOperation
from packs.postgresql.session import (
    DatabaseSession,
    begins,
    change_error,
    code_of,
    commits,
    controls_transaction,
)

MOST_TRIES: Final = 3
"""How often a change that does not get its locks is tried; each time it waits for ``lock_timeout``."""

_NO_LOCK: Final = ("55P03", "40P01")
"""lock_not_available, deadlock_detected: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_EXISTS: Final = "42P07"
"""duplicate_table, also for an index: the existing object is not this statement's."""

LOOK: Final = (
    "check what exists, then set the outcome of its row in belay.belay_changes to APPLIED or UNDONE, or delete the row"
)
"""What a person should do about a change that is UNKNOWN."""


class Measure:
    """What is measured before a change and before its commit; nothing by default."""

    def begun(self) -> None:
        """Read the database before the change."""

    def ended(self, result: ChangeResult) -> ChangeResult:
        """Return the result with what is measured after the change."""
        return result


_NO_MEASURE: Final = Measure()


@dataclass(frozen=True)
class _Course:
    """How a change is applied or undone: what records its beginning, its success, and that it left nothing."""

    change: HandedChange
    statements: tuple[HandedStatement, ...]
    outcome: ChangeOutcome
    begin: Callable[[], None]
    restore: Callable[[], None]
    measure: Measure


@dataclass(frozen=True)
class Worker:
    """Applies and undoes a document's changes over one connection, which has the database's lock."""

    session: DatabaseSession
    operation: RecordedOperation
    record: Record
    document: ChangeDocument
    settings: Mapping[str, str]

    def apply(self) -> None:
        """Apply what is pending, in order, up to the first change that fails."""
        problems = refused(self.document, self.record.read())
        if problems:
            return self.operation.end(OperationState.FAILED, "; ".join(problems))
        for change in self.document.changes:
            result = self.apply_one(change)
            if result.outcome not in (ChangeOutcome.APPLIED, ChangeOutcome.UNCHANGED):
                return self.operation.end(OperationState.FAILED, in_words(result))
        return self.operation.end(OperationState.SUCCEEDED)

    def undo(self) -> None:
        """Undo what this release applied, last first, up to the first change that fails."""
        for change in reversed(self.document.changes):
            result = self.undo_one(change)
            if result.outcome not in (ChangeOutcome.UNDONE, ChangeOutcome.UNCHANGED):
                return self.operation.end(OperationState.FAILED, in_words(result))
        return self.operation.end(OperationState.SUCCEEDED)

    def apply_one(self, change: HandedChange, measure: Measure = _NO_MEASURE) -> ChangeResult:
        """Apply a change unless it is applied, and store its result."""
        kept = self.record.read().get(change.id)
        applied = kept is not None and kept.change.outcome is ChangeOutcome.APPLIED
        if kept and applied and kept.change.digest == change.digest:
            return self._as_recorded(change, kept.change)
        # Of a repeatable change that fails, the previous version is still there.
        restore = _nothing if applied else partial(self.record.failed, change)
        begin = partial(self.record.started, change)
        course = _Course(change, _inner(change.statements), ChangeOutcome.APPLIED, begin, restore, measure)
        return self._take(course, kept if kept and kept.is_started and not kept.undoing else None)

    def undo_one(self, change: HandedChange, measure: Measure = _NO_MEASURE) -> ChangeResult:
        """Undo a change if this release applied it, and store its result."""
        kept = self._settled(change)
        if kept is None or kept.change.attempt != self.record.attempt or kept.change.outcome is ChangeOutcome.FAILED:
            return self._noted(ChangeResult(change.id, change.digest, ChangeOutcome.UNCHANGED))
        if kept.change.outcome is ChangeOutcome.UNDONE:
            return self._as_recorded(change, kept.change)
        if kept.change.outcome is ChangeOutcome.UNKNOWN or change.undo is None:
            error = ChangeError(f"it is {kept.change.outcome}, and cannot be undone with certainty", path=change.path)
            return self._noted(ChangeResult(change.id, change.digest, ChangeOutcome.UNKNOWN, error=error))
        begin, restore = partial(self.record.undoing, change), partial(self.record.not_undone, change)
        course = _Course(change, _inner(change.undo), ChangeOutcome.UNDONE, begin, restore, measure)
        return self._take(course, kept if kept.is_started else None)

    # -- one change, applied or undone -----------------------------------------------------------------------------

    def _take(self, course: _Course, resumed: Kept | None) -> ChangeResult:
        refused = next(
            (each for each in course.statements if each.text is None or controls_transaction(each.text)), None
        )
        if refused is not None:
            return self._failed(course, _not_ours(refused))
        self._noted(ChangeResult(course.change.id, course.change.digest, ChangeOutcome.STARTED))
        self.session.reset(self.settings)
        if course.change.transactional:
            return self._in_transaction(course)
        if resumed is None:
            course.begin()
        course.measure.begun()
        return self._step_by_step(course, resumed)

    def _in_transaction(self, course: _Course) -> ChangeResult:
        tried = 0
        while True:
            statement, begun = _whole(course.change), time.monotonic()
            try:
                self.session.begin()
                course.begin()
                course.measure.begun()
                for statement in course.statements:
                    self.session.execute(str(statement.text))
                result = self._ended(course, time.monotonic() - begun)
                self.session.commit()
            except DatabaseError as error:
                self.session.rollback()
                tried += 1
                if code_of(error) not in _NO_LOCK or tried == MOST_TRIES:
                    return self._failed(course, change_error(error, statement))
            else:
                return result

    def _step_by_step(self, course: _Course, resumed: Kept | None) -> ChangeResult:
        begun, done = time.monotonic(), resumed.done if resumed else 0
        for number, statement in enumerate(course.statements[done:], done):
            left = settle(self.session, str(statement.text)) if resumed and number == done else Left.NOTHING
            if left is Left.UNKNOWN:
                return self._unknown(course, _interrupted(statement))
            problem = self._alone(statement) if left is Left.NOTHING else None
            if problem and (number or problem.left is Left.UNKNOWN):
                return self._unknown(course, problem.error)
            if problem:
                return self._failed(course, problem.error)
            self.record.done(course.change, number + 1)
        self.session.begin()
        result = self._ended(course, time.monotonic() - begun)
        self.session.commit()
        return result

    def _alone(self, statement: HandedStatement) -> "_Problem | None":
        """Run a statement outside a transaction. Only concurrent ones can fail and leave something behind."""
        text, tried = str(statement.text), 0
        while True:
            try:
                self.session.execute(text)
            except DatabaseError as error:
                concurrent = "concurrently" in text.lower() and code_of(error) != _EXISTS
                left = settle(self.session, text) if concurrent else Left.NOTHING
                tried += 1
                if left is Left.ALL:
                    return None
                if left is Left.UNKNOWN or code_of(error) not in _NO_LOCK or tried == MOST_TRIES:
                    return _Problem(change_error(error, statement), left)
            else:
                return None

    def _settled(self, change: HandedChange) -> Kept | None:
        """Return a change's row, after examining what a killed worker left of one that was being applied."""
        kept = self.record.read().get(change.id)
        if kept is None or kept.undoing or not kept.is_started:
            return kept
        rest = _inner(change.statements)[kept.done :]
        left = settle(self.session, str(rest[0].text)) if rest else Left.ALL
        whole = left is Left.ALL and len(rest) <= 1
        nothing = left is Left.NOTHING and kept.done == 0
        self.record.ended(
            change,
            ChangeOutcome.APPLIED if whole else ChangeOutcome.FAILED if nothing else ChangeOutcome.UNKNOWN,
        )
        return self.record.read()[change.id]

    def _ended(self, course: _Course, seconds: float) -> ChangeResult:
        # The change may have switched to another role, which has no access to the record.
        self.session.rows("RESET ROLE")
        result = replace(self.record.ended(course.change, course.outcome), seconds=round(seconds, 3))
        return self._noted(course.measure.ended(result))

    def _failed(self, course: _Course, error: ChangeError) -> ChangeResult:
        """Record that a change left nothing behind."""
        self.session.begin()
        course.restore()
        result = self._noted(ChangeResult(course.change.id, course.change.digest, ChangeOutcome.FAILED, error=error))
        self.session.commit()
        return result

    def _unknown(self, course: _Course, error: ChangeError) -> ChangeResult:
        """Record that a person has to check what a change left behind."""
        self.session.begin()
        result = self._noted(replace(self.record.ended(course.change, ChangeOutcome.UNKNOWN), error=error))
        self.session.commit()
        return result

    def _as_recorded(self, change: HandedChange, recorded: RecordedChange) -> ChangeResult:
        """What an earlier worker, or an earlier release, did."""
        ours = recorded.attempt == self.record.attempt
        outcome = recorded.outcome if ours else ChangeOutcome.UNCHANGED
        seen = self.operation.result(change.id) if ours else None
        if seen is not None and seen.outcome is outcome:
            return seen
        return self._noted(ChangeResult(change.id, change.digest, outcome, recorded.started, recorded.ended))

    def _noted(self, result: ChangeResult) -> ChangeResult:
        self.operation.note(result)
        return result


@dataclass(frozen=True)
class _Problem:
    """Why a statement failed, and what it left behind."""

    error: ChangeError
    left: Left


def refused(document: ChangeDocument, recorded: Mapping[str, Kept]) -> list[str]:
    """Say why a document's changes cannot be applied to a database with this record; empty if they can."""
    problems = []
    for change in document.changes:
        kept = recorded.get(change.id)
        if kept is None:
            continue
        if kept.change.outcome is ChangeOutcome.UNKNOWN or kept.undoing:
            problems.append(f"{change.id} is {kept.change.outcome} since {kept.change.started}: {LOOK}")
        elif kept.change.digest != change.digest and not change.repeatable and kept.is_there:
            problems.append(
                f"{change.path}: {change.id} was edited after {kept.change.release} applied it: expected the digest "
                f"{kept.change.digest}, found {change.digest}; make a new change instead"
            )
    return problems


def not_undoable(document: ChangeDocument, recorded: Mapping[str, Kept]) -> list[str]:
    """Name the changes of this release that have no undo."""
    ours = {name for name, kept in recorded.items() if kept.change.attempt == document.attempt and kept.is_there}
    return [
        f"{change.id} has no undo" if change.undo is None else f"{change.id} is UNKNOWN: {LOOK}"
        for change in document.changes
        if change.id in ours and (change.undo is None or recorded[change.id].change.outcome is ChangeOutcome.UNKNOWN)
    ]


def in_words(result: ChangeResult) -> str:
    """Say why an operation failed at a change."""
    error = result.error or ChangeError("no reason was given")
    place = f"{error.path}:{error.line}: " if error.line else ""
    return f"{place}{result.id} is {result.outcome}: {error.message}"


def _inner(statements: tuple[HandedStatement, ...]) -> tuple[HandedStatement, ...]:
    """Remove a BEGIN at the beginning and a COMMIT at the end: the executor has its own transaction."""
    framed = len(statements) > 1 and begins(statements[0].text or "") and commits(statements[-1].text or "")
    return statements[1:-1] if framed else statements


def _whole(change: HandedChange) -> HandedStatement:
    return HandedStatement("", change.path, 1)


def _not_ours(statement: HandedStatement) -> ChangeError:
    expected = "SQL" if statement.text is None else "no BEGIN, COMMIT or ROLLBACK: each change has a transaction"
    return ChangeError(f"expected {expected}", "", statement.path, statement.line, statement.column)


def _interrupted(statement: HandedStatement) -> ChangeError:
    return ChangeError(
        f"the worker was killed within this statement, and nothing shows whether it was done: {LOOK}",
        "",
        statement.path,
        statement.line,
        statement.column,
    )


def _nothing() -> None:
    """Record nothing."""

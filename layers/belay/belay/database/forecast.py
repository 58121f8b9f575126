"""What database changes did on a copy, change by change, and what follows from it.

What could not be tried is no verdict: it is REVIEW, with the reason. Times are upper bounds, since the volume of a
restored database loads its blocks when they are first read
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from belay.database.executor import (
    ChangeDocument,
    ChangeError,
    ChangeOutcome,
    ChangeResult,
    HandedChange,
    HandedStatement,
    LockTaken,
    OperationAnswer,
    OperationState,
    QueryPlanned,
    RowsTouched,
    UndoRehearsed,
)
from belay.documents import read, written
from belay.policy.verdict import Finding, Severity, Verdict, combine
from belay.sql import operations as op
from belay.sql.changes import DatabaseChange, Engine, SourcePlace, SqlStatement
from belay.sql.model import Model, ModelTable, ReplayStep

POLICY: Final = "database-forecast"
"""The name under which a forecast's findings are reported."""

FORECAST_DOCUMENT: Final = "forecast.json"
"""Its name among the documents of an attempt in a stage."""

_MOST_WORDS: Final = 2_000
_MOST_SQL: Final = 4_000
_BROKEN: Final = (ChangeOutcome.FAILED, ChangeOutcome.UNKNOWN)


@dataclass(frozen=True)
class TableDifference:
    """How a change alters a table, in lines: those before, and those after."""

    table: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForecastChange:
    """One pending change: what it does to the model, and what it did on the copy.

    ``outcome`` is None if it was not tried. ``seconds`` are an upper bound. ``sql`` is its statements, truncated if
    long; it is in ``path`` from ``line`` to ``last_line``.
    """

    id: str
    author: str
    path: str
    line: int
    last_line: int
    digest: str
    sql: str
    model: tuple[TableDifference, ...] = ()
    outcome: ChangeOutcome | None = None
    seconds: float | None = None
    locks: tuple[LockTaken, ...] | None = None
    rewritten: tuple[str, ...] = ()
    rows: tuple[RowsTouched, ...] = ()
    undo: UndoRehearsed | None = None
    error: ChangeError | None = None


@dataclass(frozen=True)
class SnapshotUsed:
    """The snapshot that a copy was restored from, and when it was taken (ISO 8601)."""

    name: str
    taken_at: str


@dataclass(frozen=True)
class DatabaseForecast:
    """The forecast of a release's pending changes to one database in one stage.

    ``basis`` is ``model`` or ``copy``. ``not_tried`` is why the changes were not tried on a copy as registered, and
    empty if they were, or if there was nothing to try, which ``note`` explains. ``queries`` are those of the running
    version.
    """

    database: str
    basis: str
    changes: tuple[ForecastChange, ...] = ()
    queries: tuple[QueryPlanned, ...] = ()
    not_tried: str = ""
    note: str = ""
    snapshot: SnapshotUsed | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What refuses the release, or needs a person's decision; the gate's findings are not repeated."""
        return tuple(self._findings())

    @property
    def verdict(self) -> Verdict:
        """FAIL if a change failed on the copy, REVIEW if something is left to a person."""
        return combine(each.verdict for each in self.findings)

    @property
    def seconds(self) -> float | None:
        """How long all changes took at most; None if one duration is not known."""
        each = [change.seconds for change in self.changes]
        return None if None in each else sum(filter(None, each))

    def _findings(self) -> Iterator[Finding]:
        if self.not_tried:
            yield self._finding(
                Verdict.REVIEW,
                f"The changes were not tried on a copy: {self.not_tried}",
                "Decide without it, or remove the cause and upload the release again.",
            )
        for change in self.changes:
            yield from self._findings_of(change)
        for query in self.queries:
            if query.error:
                yield self._finding(
                    Verdict.REVIEW,
                    f"A query that runs today breaks after the changes: {query.query}: {query.error}",
                    "Change the database so that the running version still works, and remove the rest later.",
                )

    def _findings_of(self, change: ForecastChange) -> Iterator[Finding]:
        if change.outcome in _BROKEN:
            error = change.error or ChangeError("the executor did not say why")
            left = " and may have left a part behind" if change.outcome is ChangeOutcome.UNKNOWN else ""
            code = f" ({error.code})" if error.code else ""
            yield self._finding(
                Verdict.FAIL,
                f"On a copy of {self.database} the change {change.id} failed{left}: {error.message}{code}",
                "Correct the change, or the rows that it fails on, and upload the release again.",
                change,
                error,
            )
        if change.undo is not None and not change.undo.restored:
            why = change.undo.error.message if change.undo.error else "the structure was not as before"
            yield self._finding(
                Verdict.REVIEW,
                f"The undo of {change.id} did not take it back on the copy: {why}",
                "Correct the undo, or accept that a rollback would restore a snapshot and lose writes.",
                change,
                change.undo.error,
            )

    def _finding(
        self,
        verdict: Verdict,
        message: str,
        fix: str,
        change: ForecastChange | None = None,
        error: ChangeError | None = None,
    ) -> Finding:
        return Finding(
            path=(error.path if error else "") or (change.path if change else self.database),
            resource=change.id if change else self.database,
            policy=POLICY,
            verdict=verdict,
            severity=Severity.HIGH,
            line=(error.line if error else 0) or (change.line if change else 0),
            column=error.column if error and error.line else 1 if change else 0,
            property="",
            message=_cut(" ".join(message.split()), _MOST_WORDS),
            fix=fix,
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> DatabaseForecast:
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, FORECAST_DOCUMENT)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)


def tried(
    document: ChangeDocument, pending: Collection[str], answer: OperationAnswer | None
) -> tuple[tuple[ForecastChange, ...], str]:
    """Return the pending changes with the result of each on the copy, and why they were not tried, if so.

    An executor that failed without a failed change says nothing about the changes.
    """
    results = {} if answer is None else {each.id: each for each in answer.changes}
    changes = tuple(_forecast_change(each, results.get(each.id)) for each in document.changes if each.id in pending)
    if answer is None or answer.state is OperationState.SUCCEEDED or any(c.outcome in _BROKEN for c in changes):
        return changes, ""
    return changes, f"the executor answered {answer.state}: {answer.reason or 'it did not say why'}"


def _forecast_change(change: HandedChange, result: ChangeResult | None) -> ForecastChange:
    here = [(each.line, (each.text or "").count("\n")) for each in change.statements if each.path == change.path]
    first, last = min((line for line, _ in here), default=1), max((line + more for line, more in here), default=1)
    sql = "\n".join(f"{each.text};" for each in change.statements if each.text is not None)
    found = ForecastChange(change.id, change.author, change.path, first, last, change.digest, _cut(sql, _MOST_SQL))
    if result is None or result.outcome is ChangeOutcome.UNCHANGED:
        return found
    told = ("outcome", "seconds", "locks", "rewritten", "rows", "undo", "error")
    return replace(found, **{name: getattr(result, name) for name in told})


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


# -- the model ---------------------------------------------------------------------------------------------------------


def replayed(
    document: ChangeDocument, pending: Collection[str], engine: Engine, baseline: Model | None
) -> Iterator[ReplayStep]:
    """Replay the pending changes on the model read from the database, or on that of the release's own files.

    Changes whose SQL only a changelog's tool knows are not understood.
    """
    # Reading SQL takes long to import, and most importers of this module need none.
    from belay.sql.replay import replay  # noqa: PLC0415

    changes = [_read_anew(each) for each in document.changes if baseline is None or each.id in pending]
    steps = replay(changes, engine) if baseline is None else replay(changes, engine, baseline)
    return (step for step in steps if step.change.id in pending)


def _read_anew(change: HandedChange) -> DatabaseChange:
    return DatabaseChange(
        id=change.id,
        author=change.author,
        place=SourcePlace(change.path, 1),
        digest=change.digest,
        statements=tuple(map(_statement, change.statements)),
        transactional=change.transactional,
    )


def _statement(handed: HandedStatement) -> SqlStatement:
    place = SourcePlace(handed.path, handed.line, handed.column)
    if handed.text is not None:
        return SqlStatement(handed.text, place)
    unknown = op.NotUnderstood("only the tool that applies it knows its SQL", everything=True)
    return SqlStatement("", place, operations=(unknown,))


def differences(steps: Iterable[ReplayStep]) -> dict[str, tuple[TableDifference, ...]]:
    """Return how each change leaves the tables of the model, by the change's id."""
    first: dict[str, Model] = {}
    last: dict[str, Model] = {}
    for step in steps:
        first.setdefault(step.change.id, step.before)
        last[step.change.id] = step.after
    return {change: tuple(_differences(first[change], last[change])) for change in first}


def _differences(before: Model, after: Model) -> Iterator[TableDifference]:
    for name in sorted({*before.tables, *after.tables}, key=str):
        old, new = before.tables.get(name), after.tables.get(name)
        if old == new:
            continue
        had, has = table_lines(old), table_lines(new)
        lost, gained = tuple(each for each in had if each not in has), tuple(each for each in has if each not in had)
        yield TableDifference(str(name), lost, gained, () if new is None else new.unsure)


def table_lines(table: ModelTable | None) -> tuple[str, ...]:
    """Describe a table in lines: its columns, then its constraints and its indexes; none if it does not exist."""
    if table is None:
        return ()
    return (
        *(_column(each) for each in table.columns.values()),
        # A column's own line says that it is NOT NULL.
        *(
            _constraint(each)
            for each in table.constraints.values()
            if each.kind is not op.ConstraintKind.NOT_NULL or not each.validated
        ),
        *(_index(each) for each in table.indexes.values()),
    )


def _column(column: op.ColumnDefinition) -> str:
    default = column.default
    parts = [
        f"column {column.name} {column.type}",
        "" if column.nullable else "not null",
        f"default {default.text}" if default.kind is not op.DefaultKind.NONE else "",
        "identity" if column.identity else "",
        "generated" if column.generated else "",
    ]
    return " ".join(filter(None, parts))


def _constraint(constraint: op.ConstraintDefinition) -> str:
    referenced = f" ({', '.join(constraint.referenced_columns)})" if constraint.referenced_columns else ""
    parts = [
        f"constraint {constraint.name}" if constraint.name else "constraint",
        constraint.kind.value,
        f"({', '.join(constraint.columns)})" if constraint.columns else "",
        constraint.expression,
        f"references {constraint.references}{referenced}" if constraint.references else "",
        "" if constraint.validated else "not validated",
    ]
    return " ".join(filter(None, parts))


def _index(index: op.IndexDefinition) -> str:
    parts = [
        "unique index" if index.unique else "index",
        index.name,
        f"({', '.join(index.columns)})",
        f"include ({', '.join(index.included)})" if index.included else "",
        f"where {index.where}" if index.where else "",
    ]
    return " ".join(filter(None, parts))

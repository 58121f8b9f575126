"""What the policies in ``rules/database_change/`` check: the database changes of a release, step by step."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final, TypeVar

from belay.policy.model import Location
from belay.policy.policies import Violation
from belay.policy.verdict import Verdict
from belay.sql import operations as op
from belay.sql.changes import DEFAULT_SCHEMAS, MYSQL, DatabaseChange, Engine, SourcePlace, SqlStatement
from belay.sql.model import Model, ModelTable, ReplayStep

Kind = TypeVar("Kind", bound=op.Operation)

STATEMENT_MODES: Final = frozenset({"algorithm", "lock"})
"""MySQL's options of one statement, which are read as settings that come before its other operations."""
BLOCKING_MODES: Final = frozenset({("algorithm", "copy"), ("lock", "shared"), ("lock", "exclusive")})

COMMITTING: Final = frozenset({*MYSQL, Engine.ORACLE})
"""The engines in which a change of structure commits what was done before, so that it cannot be rolled back."""
CREATES: Final = re.compile(r"(?:\s|--[^\n]*+\n|/\*(?:[^*]++|\*(?!/))*+\*/)*+CREATE\b", re.IGNORECASE)
"""The prefix of a statement that creates something, even if the rest is not understood."""


class Rows(IntEnum):
    """How many rows a release's own changes have put into a table that they created."""

    NONE = 0
    FEW = 1
    MANY = 2


@dataclass(frozen=True, slots=True)
class TableState:
    """What a release's changes have done to a table before a step.

    ``created`` is true if they created it, ``guarded`` if only if it did not exist (``IF NOT EXISTS``), which is
    unknown. ``columns`` are those it was created with; ``added`` has the columns added to an existing table, as they
    are now.
    """

    created: bool = False
    guarded: bool = False
    rows: Rows = Rows.NONE
    columns: frozenset[str] = frozenset()
    added: Mapping[str, op.ColumnDefinition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepToApply:
    """One operation of a change that would be applied.

    ``before`` and ``after`` are its table in the model, if it exists, ``doubts`` why that may be wrong; ``enums`` are
    the model's enumeration types before it. ``modes`` are MySQL's ``ALGORITHM`` and ``LOCK`` of its statement,
    ``settings`` what the change has set before, ``begun`` whether the change itself has begun a transaction that is
    still open.
    """

    operation: op.Operation
    engine: Engine
    change: DatabaseChange
    statement: SqlStatement
    before: ModelTable | None
    after: ModelTable | None
    doubts: tuple[str, ...]
    enums: Mapping[op.Name, tuple[str, ...]]
    table: TableState
    modes: Mapping[str, str]
    settings: Mapping[str, str]
    begun: bool

    @property
    def existing(self) -> bool:
        """Whether the step's table existed before the release's changes."""
        return not self.table.created

    @property
    def stops_writes(self) -> bool:
        """Whether its statement makes MySQL block writes meanwhile."""
        return not BLOCKING_MODES.isdisjoint(self.modes.items())

    def violation(self, verdict: Verdict, resource: object, detail: str, part: str = "") -> Violation:
        """Return a violation at the statement; ``part`` is the column, index or constraint."""
        return Violation(verdict, located(self.statement.place, str(resource), part), detail)

    def loses(self, table: op.Name, detail: str, part: str = "") -> Iterator[Violation]:
        """Yield a violation unless the release created the table, so that it has nothing of value."""
        if self.existing:
            yield self.violation(Verdict.FAIL, table, detail, part)
        elif self.table.guarded:
            yield self.violation(Verdict.REVIEW, table, f"{detail}, and {table} may have been there before", part)

    def blocks(self, table: op.Name, detail: str, part: str = "", columns: Iterable[str] = ()) -> Iterator[Violation]:
        """Yield a violation unless the release created the table, so that nothing waits for it, and it has few rows."""
        if self.existing or (self.table.guarded and set(columns) - self.table.columns):
            yield self.violation(Verdict.FAIL, table, detail, part)
        elif self.table.rows is Rows.MANY:
            reason = f"{detail}; the release itself fills {table} with rows that a query returns"
            yield self.violation(Verdict.REVIEW, table, reason, part)


@dataclass(frozen=True)
class ChangesToApply:
    """A release's database changes for one database.

    ``changes`` are all of them in order; ``pending`` those that would be applied, with their ``steps``. ``applied`` has
    the digests of what was applied before, by id, in that order. ``final`` is the model after all steps, and ``tables``
    has the resulting state of each table that the pending changes touched.
    """

    engine: Engine
    changes: tuple[DatabaseChange, ...]
    pending: tuple[DatabaseChange, ...]
    steps: tuple[StepToApply, ...]
    applied: Mapping[str, str]
    final: Model
    tables: Mapping[op.Name, TableState]

    def of(self, kind: type[Kind]) -> Iterator[tuple[StepToApply, Kind]]:
        """Yield the steps of one kind of operation."""
        for step in self.steps:
            if isinstance(step.operation, kind):
                yield step, step.operation


def located(place: SourcePlace, resource: str, part: str = "") -> Location:
    """Return a place in a file as the location of a violation about a table, an index or a change."""
    return Location(place.path, resource, part, place.line, place.column)


def canonical(name: op.Name, engine: Engine) -> op.Name:
    """Return a name without the schema that the engine assumes for unqualified names."""
    return op.Name(name.name) if name.schema and name.schema == DEFAULT_SCHEMAS.get(engine) else name


def pending_changes(changes: Iterable[DatabaseChange], applied: Mapping[str, str]) -> tuple[DatabaseChange, ...]:
    """Return what would be applied: changes never applied, and repeatable changes that differ from those applied."""
    return tuple(
        change
        for change in changes
        if change.id not in applied or (change.repeatable and applied[change.id] != change.digest)
    )


def walk(
    replayed: Iterable[ReplayStep],
    engine: Engine,
    changes: tuple[DatabaseChange, ...],
    applied: Mapping[str, str],
    baseline: Model,
    *,
    alone: bool,
) -> ChangesToApply:
    """Return the subject of the policies from the replay of the pending changes, which begins with ``baseline``.

    With ``alone`` each change is its own release: what an earlier one created existed before.
    """
    pending = pending_changes(changes, applied)
    walker = _Walker(engine, alone=alone)
    steps, final = [], baseline
    for each in replayed:
        steps.append(walker.step(each))
        final = each.after
    return ChangesToApply(engine, changes, pending, tuple(steps), applied, final, walker.tables)


class _Walker:
    """Walks through the replay once, and keeps what later steps need to know."""

    def __init__(self, engine: Engine, *, alone: bool) -> None:
        self.tables: dict[op.Name, TableState] = {}
        self._engine = engine
        self._alone = alone
        self._saved: dict[op.Name, TableState] = {}
        self._change: DatabaseChange | None = None
        self._statement: SqlStatement | None = None
        self._modes: dict[str, str] = {}
        self._settings: dict[str, str] = {}
        self._begun = False

    def step(self, replayed: ReplayStep) -> StepToApply:
        if replayed.change is not self._change:
            self._change, self._settings, self._begun = replayed.change, {}, False
            if self._alone:
                self.tables = {}
            self._saved = dict(self.tables)
        if replayed.statement is not self._statement:
            self._statement, self._modes = replayed.statement, {}
        operation = replayed.operation
        name = self._table(replayed)
        before = self._found(replayed.before, name)
        step = StepToApply(
            operation=operation,
            engine=self._engine,
            change=replayed.change,
            statement=replayed.statement,
            before=before,
            after=self._found(replayed.after, name),
            doubts=(*(before.unsure if before else ()), *replayed.before.unsure),
            enums=replayed.before.enums,
            table=self.tables.get(name, TableState()),
            modes=self._modes,
            settings=self._settings,
            begun=self._begun,
        )
        self._note(operation, known=before is not None)
        return step

    def _table(self, replayed: ReplayStep) -> op.Name:
        operation = replayed.operation
        if isinstance(operation, op.DropIndex) and operation.table is None:
            for table in replayed.before.tables.values():
                if operation.index.name in table.indexes:
                    return canonical(table.name, self._engine)
        named = getattr(operation, "table", None)
        return canonical(named, self._engine) if isinstance(named, op.Name) else op.Name("")

    def _found(self, model: Model, name: op.Name) -> ModelTable | None:
        if (table := model.tables.get(name)) is not None or name.schema:
            return table
        return model.tables.get(op.Name(name.name, DEFAULT_SCHEMAS.get(self._engine, "")))

    def _note(self, operation: op.Operation, *, known: bool) -> None:
        match operation:
            case op.Setting(name=name, value=value) if name in STATEMENT_MODES:
                # What earlier steps were given stays unchanged.
                self._modes = {**self._modes, name: value}
            case op.Setting(name=name, value=value):
                self._settings = {**self._settings, name: value}
            case op.Transaction(verb=verb):
                self._begun = verb == "begin"
                if verb == "rollback" and self._engine not in COMMITTING:
                    self.tables = dict(self._saved)
                self._saved = dict(self.tables)
            case _:
                self._note_table(operation, known=known)

    def _note_table(self, operation: op.Operation, *, known: bool) -> None:
        match operation:
            case op.CreateTable():
                self._created(operation, known=known)
            case op.RenameTable(table=table, to=to):
                self.tables[self._name(to)] = self.tables.pop(self._name(table), TableState())
            case op.DropTable(table=table):
                self.tables.pop(self._name(table), None)
            case op.WriteRows():
                self._written(operation)
            case op.NotUnderstood(table=op.Name() as table):
                if not known and CREATES.match(self._statement.text if self._statement else ""):
                    self.tables[self._name(table)] = TableState(created=True)
            case op.AddColumn(table=table) | op.ChangeColumn(table=table) | op.RenameColumn(table=table):
                state = self._state(table)
                self.tables[self._name(table)] = replace(state, added=_columns(operation, state.added))

    def _name(self, table: op.Name) -> op.Name:
        return canonical(table, self._engine)

    def _state(self, table: op.Name) -> TableState:
        return self.tables.get(self._name(table), TableState())

    def _created(self, operation: op.CreateTable, *, known: bool) -> None:
        name = self._name(operation.table)
        if operation.if_not_exists and (known or name in self.tables) and not operation.temporary:
            return
        self.tables[name] = TableState(
            created=True,
            guarded=(operation.if_not_exists or known) and not operation.temporary,
            rows=Rows.MANY if operation.copied else Rows.NONE,
            columns=frozenset(column.name for column in operation.columns),
        )

    def _written(self, operation: op.WriteRows) -> None:
        state = self._state(operation.table)
        if operation.verb in ("insert", "copy", "merge"):
            rows = max(state.rows, Rows.FEW if operation.literal else Rows.MANY)
            self.tables[self._name(operation.table)] = replace(state, rows=rows)


def _columns(
    operation: op.AddColumn | op.ChangeColumn | op.RenameColumn, added: Mapping[str, op.ColumnDefinition]
) -> Mapping[str, op.ColumnDefinition]:
    if isinstance(operation, op.AddColumn):
        return {**added, operation.column.name: operation.column}
    if operation.column not in added:
        return added
    column = added[operation.column]
    if isinstance(operation, op.RenameColumn):
        rest = {name: each for name, each in added.items() if name != operation.column}
        return {**rest, operation.to: replace(column, name=operation.to)}
    changed = replace(
        column,
        type=operation.type or column.type,
        nullable=column.nullable if operation.nullable is None else operation.nullable,
        default=column.default if operation.default is None else operation.default,
    )
    return {**added, operation.column: changed}


def files(changes: Collection[DatabaseChange]) -> tuple[str, ...]:
    """Return the files that contain changes, without duplicates."""
    return tuple(dict.fromkeys(path for change in changes for path in _paths(change)))


def _paths(change: DatabaseChange) -> Iterator[str]:
    yield change.place.path
    yield from (statement.place.path for statement in change.statements)

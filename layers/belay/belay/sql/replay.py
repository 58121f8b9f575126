"""The state of a database before and after each statement of its changes.

What is not understood makes what it names unsure, and unsure parts stay unsure under any later name.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from belay.sql import operations as op
from belay.sql.changes import MYSQL, DatabaseChange, Engine, SqlStatement
from belay.sql.limits import EFFORT_OF_PART, MAX_EFFORT
from belay.sql.model import Model, ModelTable, ReplayStep
from belay.sql.naming import constraint_name, index_name, mentioned
from belay.sql.parsing import operations
from belay.sql.schemas import Schemas

Changing = Callable[[ModelTable], ModelTable]
Key = TypeVar("Key")
Value = TypeVar("Value")

NOTHING_KNOWN = Model()
"""A database about which nothing is known: what is not in it may exist."""

_INDEXED = (op.ConstraintKind.PRIMARY_KEY, op.ConstraintKind.UNIQUE, op.ConstraintKind.EXCLUDE)
_UNINDEXED = (op.ConstraintKind.FOREIGN_KEY, op.ConstraintKind.CHECK)
_INHERITED = (op.ConstraintKind.CHECK, op.ConstraintKind.NOT_NULL)

_NOT_CREATED = "is not among what was created"
_TOO_MUCH = "more changes of more tables than are followed"

REASONS = 3
"""How many reasons for being unsure are kept: the first ones name the origin."""


def replay(changes: Iterable[DatabaseChange], engine: Engine, baseline: Model = NOTHING_KNOWN) -> Iterator[ReplayStep]:
    """Each operation of each statement in order, with the model before and after it.

    What would exceed ``MAX_EFFORT`` is abandoned: the rest is not understood, and nothing is known of any table after
    it.
    """
    model = _session_ended(baseline)
    names = Schemas(engine)
    effort = 0
    for change in changes:
        begun: Model | None = None
        names.reset()
        for statement in change.statements:
            for written in operations(statement, engine):
                operation = names.resolved(written, model)
                if effort > MAX_EFFORT:
                    after = model
                elif isinstance(operation, op.Transaction):
                    after, begun = _transaction(model, begun, operation, engine)
                else:
                    after = _Step(model, engine, change, statement).apply(operation)
                yield ReplayStep(model, operation, after, change, statement)
                followed = effort <= MAX_EFFORT
                effort += _effort(model, after)
                model = after
                if followed and effort > MAX_EFFORT:
                    model = Model(unsure=(_TOO_MUCH,))
                    yield ReplayStep(model, op.NotUnderstood(_TOO_MUCH, everything=True), model, change, statement)
        model = _session_ended(model)


def _effort(before: Model, after: Model) -> int:
    """The cost of a step: see ``MAX_EFFORT``."""
    if after.tables is before.tables:
        return 0
    changed = (table for name, table in after.tables.items() if before.tables.get(name) is not table)
    parts = sum(len(table.columns) + len(table.constraints) + len(table.indexes) for table in changed)
    return len(after.tables) + parts * EFFORT_OF_PART


def _transaction(
    model: Model, begun: Model | None, operation: op.Transaction, engine: Engine
) -> tuple[Model, Model | None]:
    """PostgreSQL, SQL Server and DB2 roll structure back with a transaction; MySQL and Oracle do not.

    A nested transaction is rolled back with it: PostgreSQL only warns, SQL Server counts.
    """
    if operation.verb == "begin":
        return model, model if begun is None else begun
    if operation.verb == "rollback" and engine not in (*MYSQL, Engine.ORACLE):
        if begun is None:
            return replace(model, unsure=_reasons(model.unsure, "a rollback of what was begun elsewhere")), None
        return begun, None
    return model, None


def _session_ended(model: Model) -> Model:
    tables = dict(model.tables)
    for name, table in model.tables.items():
        if table.temporary:
            del tables[name]
            if table.hidden:
                tables[name] = table.hidden
    return model if len(tables) == len(model.tables) and tables == model.tables else replace(model, tables=tables)


def _reasons(before: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *more)))[:REASONS]


@dataclass(frozen=True, slots=True)
class _Taken:
    """The names that a new one must differ from: those of relations (tables and indexes), of constraints, or both."""

    tables: tuple[ModelTable, ...]
    relations: bool = True
    constraints: bool = True

    def __contains__(self, name: object) -> bool:
        return any(
            (self.relations and (name == table.name.name or name in table.indexes))
            or (self.constraints and name in table.constraints)
            for table in self.tables
        )

    def __iter__(self) -> Iterator[str]:
        for table in self.tables:
            yield from (table.name.name, *table.indexes) if self.relations else ()
            yield from table.constraints if self.constraints else ()

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Step:
    """One operation on a model."""

    def __init__(self, model: Model, engine: Engine, change: DatabaseChange, statement: SqlStatement) -> None:
        self.model = model
        self.engine = engine
        self.change = change
        self.where = f"{statement.place.path}:{statement.place.line}"

    def apply(self, operation: op.Operation) -> Model:
        """The model after the operation."""
        match operation:
            case op.CreateTable():
                return self._create_table(operation)
            case op.DropTable():
                return self._drop_table(operation.table, operation.cascade)
            case op.RenameTable():
                return self._rename_table(operation)
            case op.AddColumn():
                return self._with_column(operation)
            case op.DropColumn():
                return self._without_column(operation)
            case op.RenameColumn():
                return self._rename_column(operation)
            case op.ChangeColumn():
                return self._changed_column(operation)
            case op.AddConstraint():
                return self._with_constraint(operation)
            case op.ValidateConstraint(constraint=name):
                return self._on_family(operation.table, lambda table: self._validated(table, name), having=name)
            case op.DropConstraint():
                return self._drop_constraint(operation)
            case op.RenameConstraint(constraint=name):
                return self._on_family(
                    operation.table, lambda table: self._rename_constraint(table, operation), having=name
                )
            case op.CreateIndex():
                model = self._on(operation.table, lambda table: self._create_index(table, operation))
                if operation.only:
                    return model
                unnamed = replace(operation.index, name="")
                return self._on_partitions(model, operation.table, lambda each: self._with_index(each, unnamed))
            case op.DropIndex():
                return self._drop_index(operation)
            case op.RenameIndex():
                return self._rename_index(operation)
            case op.AttachPartition():
                return self._on(operation.partition, lambda table: self._attached(table, operation.table))
            case op.DetachPartition():
                return self._on(operation.partition, self._detached)
            case op.ChangeTable(property="inheritance"):
                return self._on(operation.table, lambda table: self._unsure(table, "what it inherits is changed"))
            case op.CreateEnum() | op.AddEnumValue() | op.RenameEnumValue() | op.RenameEnum():
                return self._enum(operation)
            case op.DropObject():
                return self._drop_object(operation)
            case op.NotUnderstood():
                return self._taint(operation)
            case _:
                return self.model

    # tables

    def _found(self, name: op.Name) -> ModelTable:
        """The table, or one about which nothing is sure."""
        if table := self.model.tables.get(name):
            return table
        why = _NOT_CREATED if self.model.complete else "existed before and is not known"
        return ModelTable(name, unsure=(f"{name} {why}",))

    def _on(self, name: op.Name, change: Changing) -> Model:
        """Changes a table. One that does not exist gets no parts, whose names would be taken."""
        table = self._found(name)
        missing = table.unsure[:1] == (f"{name} {_NOT_CREATED}",)
        return self.model.with_table(table if missing else change(table))

    def _on_family(self, name: op.Name, change: Changing, *, having: str = "") -> Model:
        """Changes a table and those that inherit its columns; with ``having`` only those with that constraint."""
        model = self._on(name, change)
        for child in self._children(name):
            table = self.model.tables[child]
            if not having or having in table.constraints:
                model = model.with_table(change(table))
        return model

    def _on_partitions(self, model: Model, name: op.Name, change: Changing) -> Model:
        """Changes the partitions of a table in a model in which the table itself is already changed."""
        for child in self._children(name):
            if self.model.tables[child].partition:
                model = model.with_table(change(model.tables[child]))
        return model

    def _attached(self, table: ModelTable, parent: op.Name) -> ModelTable:
        """A partition, whose keys and indexes are made to match its table's."""
        matched = self._found(parent)
        identities = [name for name, column in matched.columns.items() if _is_identity(column)]
        table = _with_identity(replace(table, parents=(parent,), partition=True), identities, identity=True)
        if matched.unsure or matched.indexes or matched.constraints:
            return self._unsure(table, f"its keys and indexes become those of {parent}")
        return table

    def _detached(self, table: ModelTable) -> ModelTable:
        """A table of its own, whose columns are no identities any more (ATDetachPartition in tablecmds.c)."""
        identities = [name for name, column in table.columns.items() if _is_identity(column)]
        return _with_identity(replace(table, parents=(), partition=False), identities, identity=False)

    def _children(self, name: op.Name) -> list[op.Name]:
        """All tables that inherit from a table, directly or not, without duplicates."""
        found: dict[op.Name, None] = {}
        above = [name]
        while above:
            parent = above.pop(0)
            below = [
                each.name
                for each in self.model.tables.values()
                if parent in each.parents and each.name not in found and each.name != name
            ]
            found.update(dict.fromkeys(below))
            above += below
        return list(found)

    def _unsure(self, table: ModelTable, reason: str) -> ModelTable:
        return replace(table, unsure=_reasons(table.unsure, f"{self.where}: {reason}"))

    def _taken(self, table: ModelTable, *, relations: bool = True, constraints: bool = True) -> _Taken:
        """The names in use in a table's schema, as far as a new generated name must differ."""
        others = () if self.engine in MYSQL else self._beside(table)
        return _Taken((table, *others), relations, constraints)

    def _beside(self, table: ModelTable) -> list[ModelTable]:
        """The tables of a table's schema; temporary ones have their own."""
        found = [each for each in self.model.tables.values() if each.name.schema == table.name.schema]
        if table.temporary:
            return [each for each in found if each.temporary]
        lasting = [each.hidden if each.temporary else each for each in found]
        return [each for each in lasting if each]

    def _create_table(self, operation: op.CreateTable) -> Model:
        name = operation.table
        existing = self.model.tables.get(name)
        if operation.if_not_exists and existing and not operation.temporary:
            return self.model
        table = ModelTable(
            name,
            created=self.change.id,
            parents=operation.inherits or ((operation.partition_of,) if operation.partition_of else ()),
            partition=operation.partition_of is not None,
            temporary=operation.temporary,
        )
        if operation.temporary and existing:
            table = replace(table, hidden=self._unsure(existing, f"{name} is hidden by a temporary table"))
        elif existing:
            table = self._unsure(table, f"{name} is created although it exists")
        elif operation.if_not_exists and not self.model.complete:
            table = self._unsure(table, f"{name} may have been there before")
        for parent in table.parents:
            table = self._inherited(table, self._found(parent))
        if operation.like:
            table = self._like(table, self._found(operation.like), operation)
        if twice := [column.name for column in operation.columns if column.name in table.columns]:
            table = self._unsure(table, f"{', '.join(twice)} is its own and another table's, too")
        table = replace(table, columns={**table.columns, **{column.name: column for column in operation.columns}})
        if operation.copied:
            table = self._unsure(table, "its columns are those of a query")
        table = self._add_constraints(table, operation.constraints)
        for index in operation.indexes:
            table = self._with_index(table, index)
        return self.model.with_table(table)

    def _inherited(self, table: ModelTable, source: ModelTable) -> ModelTable:
        """A table with what it inherits from another, or with everything that a partition has of its table."""
        source = self._with_names(source)
        if twice := [name for name in source.columns if name in table.columns]:
            table = self._unsure(table, f"{', '.join(twice)} is several tables' that it inherits from")
        if table.partition:
            return self._copied(table, source, source.columns, tuple(op.ConstraintKind))
        own = {name for each in source.constraints.values() if not each.inherited for name in each.columns}
        columns = {
            name: replace(_unnumbered(column), nullable=column.nullable or name in own)
            for name, column in source.columns.items()
        }
        return self._copied(table, source, columns, _INHERITED)

    def _like(self, table: ModelTable, source: ModelTable, operation: op.CreateTable) -> ModelTable:
        """A table with copies of another's columns and NOT NULL constraints, or of everything but foreign keys."""
        source = self._with_names(source)
        if operation.like_all:
            return self._copied(table, source, source.columns, (*_INHERITED, *_INDEXED))
        columns = {
            name: column
            if operation.like_defaults and column.default.text and not (column.generated or column.virtual)
            else replace(column, default=op.Default(), identity=False, generated=False, virtual=False)
            for name, column in source.columns.items()
        }
        return self._copied(table, source, columns, [op.ConstraintKind.NOT_NULL])

    def _copied(
        self,
        table: ModelTable,
        source: ModelTable,
        columns: Mapping[str, op.ColumnDefinition],
        kinds: Collection[op.ConstraintKind],
    ) -> ModelTable:
        """A table with columns and kinds of constraints of another, which are valid because it is empty."""
        table = replace(table, columns={**table.columns, **columns}, unsure=_reasons(table.unsure, *source.unsure))
        kept = (
            replace(constraint, name="" if constraint.kind in _INDEXED else name, validated=True)
            for name, constraint in source.constraints.items()
            if constraint.kind in kinds and (constraint.inherited or not table.parents)
        )
        table = self._add_constraints(table, kept)
        if op.ConstraintKind.UNIQUE in kinds:
            for index in source.indexes.values():
                if index.name not in source.constraints:
                    table = self._with_index(table, replace(index, name=index.name if self.engine in MYSQL else ""))
        return table

    def _drop_table(self, name: op.Name, cascade: bool) -> Model:
        table = self.model.tables.get(name)
        if table is None:
            return self.model
        if table.hidden:
            return self.model.with_table(table.hidden)
        gone = {name, *(child for child in self._children(name) if cascade or self.model.tables[child].partition)}
        tables = {each: kept for each, kept in self.model.tables.items() if each not in gone}
        if cascade:
            tables = {each: _without_keys_to(kept, gone) for each, kept in tables.items()}
        return replace(self.model, tables=tables)

    def _rename_table(self, operation: op.RenameTable) -> Model:
        table = replace(self._with_names(self._found(operation.table)), name=operation.to)
        there = self.model.tables.get(operation.to) if operation.to != operation.table else None
        if table.temporary:
            model = self.model.without_table(operation.table)
            model = model.with_table(table.hidden) if table.hidden else model
            return model.with_table(replace(table, hidden=there))
        if there and there.temporary:
            if there.hidden:
                table = self._unsure(table, f"{operation.to} is a new name although it exists")
            table = replace(there, hidden=self._unsure(table, f"{operation.to} is hidden by a temporary table"))
        elif there:
            table = self._unsure(table, f"{operation.to} is a new name although it exists")
        tables = {**_without(self.model.tables, operation.table), operation.to: table}
        referring = {name: _referring(each, operation.table, operation.to) for name, each in tables.items()}
        return replace(self.model, tables=referring)

    # columns

    def _with_column(self, operation: op.AddColumn) -> Model:
        """A column on a table and on what inherits it, of which only partitions have its identity."""
        before = self._found(operation.table)
        model = self._on(operation.table, lambda table: self._add_column(table, operation))
        for child in self._children(operation.table):
            table = self.model.tables[child]
            column = operation.column if table.partition else _unnumbered(operation.column)
            nullable = replace(column, nullable=True)
            model = model.with_table(self._add_column(table, replace(operation, column=nullable, constraints=())))
        return self._passed_on(model, before)

    def _without_column(self, operation: op.DropColumn) -> Model:
        change = self._on if operation.only else self._on_family
        model = change(operation.table, lambda table: self._drop_column(table, operation))
        return self._cascaded(model, operation.table) if operation.cascade else model

    def _changed_column(self, operation: op.ChangeColumn) -> Model:
        """A column changed in a table and what inherits it. An identity is a partition's too, and no other table's.

        See "Partitioned tables may have identity columns" and "identity columns are not inherited" in
        https://www.postgresql.org/docs/18/ddl-identity-columns.html.
        """
        before = self._found(operation.table)
        model = self._on(operation.table, lambda table: self._change_column(table, operation))
        if operation.only:
            return model
        model = self._passed_on(model, before)
        for child in self._children(operation.table):
            table = model.tables[child]
            passed = operation.identity is None or table.partition
            if passed and not (operation.nullable and self._not_null_of_its_own(table, before, operation.column)):
                model = model.with_table(self._change_column(table, operation))
        return model

    def _not_null_of_its_own(self, table: ModelTable, parent: ModelTable, column: str) -> bool:
        """Whether a column is NOT NULL by another constraint than its parent's, which has the parent's name."""
        (own, inherited) = (
            {name for name, kept in each.constraints.items() if kept.kind is op.ConstraintKind.NOT_NULL}
            & {name for name, kept in each.constraints.items() if column in kept.columns}
            for each in (self._with_names(table), self._with_names(parent))
        )
        return not table.partition and bool(own) and own.isdisjoint(inherited)

    def _add_column(self, table: ModelTable, operation: op.AddColumn) -> ModelTable:
        column = operation.column
        if column.name in table.columns:
            if operation.if_not_exists:
                return table
            table = self._unsure(table, f"{column.name} is added although it exists")
        table = replace(table, columns={**table.columns, column.name: column})
        return self._add_constraints(table, operation.constraints)

    def _drop_column(self, table: ModelTable, operation: op.DropColumn) -> ModelTable:
        name = operation.column
        if name not in table.columns and not operation.if_exists and not table.unsure:
            return self._unsure(table, f"{name} is dropped but does not exist")
        columns = _without(table.columns, name)
        constraints = {
            each: constraint
            for each, constraint in table.constraints.items()
            if name not in (*constraint.columns, *constraint.included) and not mentioned(constraint.expression, (name,))
        }
        indexes = {}
        for each, index in table.indexes.items():
            if self.engine in MYSQL:
                left = tuple(column for column in index.columns if column != name)
                if left:
                    indexes[each] = replace(index, columns=left)
            elif not _uses(index, name):
                indexes[each] = index
        return replace(table, columns=columns, constraints=constraints, indexes=indexes)

    def _rename_column(self, operation: op.RenameColumn) -> Model:
        old, new = operation.column, operation.to
        model = self._on_family(operation.table, lambda table: self._renamed_column(table, old, new))

        def referring(key: op.ConstraintDefinition) -> op.ConstraintDefinition:
            return replace(key, referenced_columns=_renamed(key.referenced_columns, old, new))

        tables = {name: _with_keys_to(table, operation.table, referring) for name, table in model.tables.items()}
        return replace(model, tables=tables)

    def _renamed_column(self, table: ModelTable, old: str, new: str) -> ModelTable:
        if old not in table.columns and not table.unsure:
            return self._unsure(table, f"{old} is renamed but does not exist")
        if new in table.columns:
            return self._unsure(table, f"{new} is a new name although it exists")
        if old in table.columns and not table.columns[old].nullable:
            table = self._with_names(table)
        columns = _rekeyed(table.columns, old, new)
        if new in columns:
            columns[new] = replace(columns[new], name=new)
        constraints = {
            name: replace(
                constraint,
                columns=_renamed(constraint.columns, old, new),
                expression=_reworded(constraint.expression, old, new),
            )
            for name, constraint in table.constraints.items()
        }
        indexes = {
            name: replace(
                index,
                columns=tuple(_reworded(column, old, new) for column in index.columns),
                included=_renamed(index.included, old, new),
                where=_reworded(index.where, old, new),
            )
            for name, index in table.indexes.items()
        }
        return replace(table, columns=columns, constraints=constraints, indexes=indexes)

    def _change_column(self, table: ModelTable, operation: op.ChangeColumn) -> ModelTable:
        column = table.columns.get(operation.column)
        if column is None:
            if not table.unsure:
                table = self._unsure(table, f"{operation.column} is changed but does not exist")
            return table
        if operation.generated is False and operation.type is None and not column.generated:
            return table
        if operation.identity is False and operation.type is None and column.default.text:
            return table
        changed = replace(
            column,
            type=operation.type or column.type,
            nullable=column.nullable if operation.nullable is None else operation.nullable,
            default=column.default if operation.default is None else operation.default,
            identity=column.identity if operation.identity is None else operation.identity,
            generated=column.generated if operation.generated is None else operation.generated,
        )
        if operation.default and column.default.text:  # serial is a default
            changed = replace(changed, identity="nextval" in operation.default.text.lower())
        table = replace(table, columns={**table.columns, column.name: changed})
        if self.engine is Engine.POSTGRESQL and operation.nullable is not None:
            return _with_not_null(table, column.name, there=not operation.nullable)
        return table

    # constraints

    def _add_constraints(self, table: ModelTable, added: Iterable[op.ConstraintDefinition]) -> ModelTable:
        for constraint in _merged(added) if self.engine is Engine.POSTGRESQL else added:
            table = self._add_constraint(table, constraint)
        return table

    def _add_constraint(self, table: ModelTable, constraint: op.ConstraintDefinition) -> ModelTable:
        if constraint.using_index:
            return self._promoted(table, constraint)
        given = "" if constraint.kind is op.ConstraintKind.PRIMARY_KEY and self.engine in MYSQL else constraint.name
        name = given or constraint_name(
            self.engine,
            table.name.name,
            constraint,
            self._taken(table, relations=constraint.kind in _INDEXED),
            table.columns,
        )
        if constraint.kind is op.ConstraintKind.CHECK and not constraint.columns:
            constraint = replace(constraint, columns=tuple(mentioned(constraint.expression, table.columns)))
        missing = [column for column in constraint.columns if column not in table.columns]
        if missing and not table.unsure:
            table = self._unsure(table, f"a constraint is on {', '.join(missing)}, which does not exist")
        table = replace(table, constraints={**table.constraints, name: constraint})
        if constraint.kind in (op.ConstraintKind.PRIMARY_KEY, op.ConstraintKind.NOT_NULL) and constraint.validated:
            table = _with_nullable(table, constraint.columns, nullable=False)
        if constraint.kind in (op.ConstraintKind.PRIMARY_KEY, op.ConstraintKind.UNIQUE):
            modifiers = ("",) * len(constraint.columns)
            index = op.IndexDefinition(
                name, constraint.columns, unique=True, included=constraint.included, modifiers=modifiers
            )
            return replace(table, indexes={**table.indexes, name: index})
        if constraint.kind is op.ConstraintKind.EXCLUDE:
            index = op.IndexDefinition(name, constraint.columns, included=constraint.included)
            return replace(table, indexes={**table.indexes, name: index})
        if constraint.kind is op.ConstraintKind.FOREIGN_KEY and self.engine in MYSQL:
            return self._foreign_key_index(table, constraint)
        return table

    def _with_constraint(self, operation: op.AddConstraint) -> Model:
        """A constraint on a table and on what inherits it."""
        before = self._found(operation.table)
        model = self._on(operation.table, lambda table: self._add_constraint(table, operation.constraint))
        return model if operation.only else self._passed_on(model, before)

    def _passed_on(self, model: Model, before: ModelTable) -> Model:
        """New constraints on a table are also added to those that inherit from it, under the same names.

        Partitions get all of them, with keys under their own names; other tables get checks and NOT NULLs.
        """
        had = self._with_names(before).constraints
        new = [
            replace(constraint, name="" if constraint.kind in _INDEXED else name)
            for name, constraint in self._with_names(model.tables[before.name]).constraints.items()
            if name not in had and constraint.inherited
        ]
        if not new:
            return model
        for child in self._children(before.name):
            table = model.tables[child]
            for constraint in new:
                if (table.partition or constraint.kind in _INHERITED) and not _has(table, constraint):
                    table = self._add_constraint(table, constraint)
            model = model.with_table(table)
        return model

    def _promoted(self, table: ModelTable, constraint: op.ConstraintDefinition) -> ModelTable:
        """An index becomes a constraint's, and in PostgreSQL gets its name."""
        index = table.indexes.get(constraint.using_index)
        if index is None:
            return table if table.unsure else self._unsure(table, f"{constraint.using_index} is no index that is known")
        name = constraint.name or constraint.using_index
        renamed = name if self.engine is Engine.POSTGRESQL else index.name
        indexes = _rekeyed(table.indexes, constraint.using_index, renamed)
        indexes[renamed] = replace(index, name=renamed)
        constraints = {**table.constraints, name: replace(constraint, columns=index.columns)}
        table = replace(table, indexes=indexes, constraints=constraints)
        return (
            _with_nullable(table, index.columns, nullable=False)
            if constraint.kind is op.ConstraintKind.PRIMARY_KEY
            else table
        )

    def _foreign_key_index(self, table: ModelTable, constraint: op.ConstraintDefinition) -> ModelTable:
        """MySQL creates an index for a foreign key unless one begins with its columns."""
        width = len(constraint.columns)
        if any(index.columns[:width] == constraint.columns for index in table.indexes.values()):
            return table
        index = op.IndexDefinition(constraint.name, constraint.columns, modifiers=("",) * width)
        return self._with_index(table, index)

    def _validated(self, table: ModelTable, name: str) -> ModelTable:
        constraint = table.constraints.get(name)
        if constraint is None:
            return table if table.unsure else self._unsure(table, f"the constraint {name} does not exist")
        table = replace(table, constraints={**table.constraints, name: replace(constraint, validated=True)})
        return (
            _with_nullable(table, constraint.columns, nullable=False)
            if constraint.kind is op.ConstraintKind.NOT_NULL
            else table
        )

    def _drop_constraint(self, operation: op.DropConstraint) -> Model:
        name = operation.constraint
        dropped = self._with_names(self._found(operation.table)).constraints.get(name)
        model = self._on(operation.table, lambda table: self._without_constraint(table, operation))
        if operation.only:
            return model
        if dropped and dropped.kind in _INHERITED:
            for child in self._children(operation.table):
                table = model.tables[child]
                if name in self._with_names(table).constraints:
                    model = model.with_table(self._without_constraint(table, operation))
            return model
        reason = f"{operation.constraint} is dropped from the table that it is a partition of"
        model = self._on_partitions(model, operation.table, lambda each: self._unsure(each, reason))
        return self._cascaded(model, operation.table) if operation.cascade else model

    def _cascaded(self, model: Model, name: op.Name) -> Model:
        """Foreign keys to a table are dropped with the unique index that they need, whatever the order of its columns.

        If one of several such indexes is left, which one they need is unknown.
        """
        had, has = self._found(name), model.tables[name]
        for table in model.tables.values():
            keys = {key: kept for key, kept in table.constraints.items() if kept.references == name}
            lost = [key for key, kept in keys.items() if len(_backing(has, kept)) < len(_backing(had, kept))]
            gone = {key for key in lost if not _backing(has, keys[key])}
            constraints = {key: kept for key, kept in table.constraints.items() if key not in gone}
            changed = replace(table, constraints=constraints) if gone else table
            if doubtful := ", ".join(key for key in lost if key not in gone):
                changed = self._unsure(changed, f"{doubtful} may have been dropped with an index of {name}")
            if changed is not table:
                model = model.with_table(changed)
        return model

    def _without_constraint(self, table: ModelTable, operation: op.DropConstraint) -> ModelTable:
        name = operation.constraint
        if not name and operation.kind is op.ConstraintKind.PRIMARY_KEY:
            keys = [each for each, kept in table.constraints.items() if kept.kind is op.ConstraintKind.PRIMARY_KEY]
            name = keys[0] if keys else ""
        dropped = table.constraints.get(name)
        if dropped is None:
            return self._without_unknown(table, name, operation.if_exists)
        indexes = table.indexes if dropped.kind in _UNINDEXED else _without(table.indexes, name)
        table = replace(table, constraints=_without(table.constraints, name), indexes=indexes)
        if dropped.kind is op.ConstraintKind.NOT_NULL:
            return _with_nullable(table, dropped.columns, nullable=True)
        if dropped.kind is op.ConstraintKind.DEFAULT:
            return _with_columns(table, dropped.columns, lambda column: replace(column, default=op.Default()))
        return table

    def _without_unknown(self, table: ModelTable, name: str, if_exists: bool) -> ModelTable:
        if name in (named := self._with_names(table)).constraints:
            return _with_nullable(table, named.constraints[name].columns, nullable=True)
        if if_exists or table.unsure:
            return table
        return self._unsure(table, f"the constraint {name} does not exist")

    def _with_names(self, table: ModelTable) -> ModelTable:
        """A table whose every NOT NULL is among its constraints, as PostgreSQL 18 names it."""
        if self.engine is not Engine.POSTGRESQL:
            return table
        named = {
            column
            for each in table.constraints.values()
            if each.kind is op.ConstraintKind.NOT_NULL
            for column in each.columns
        }
        constraints = dict(table.constraints)
        for column in table.columns.values():
            if not column.nullable and column.name not in named:
                definition = op.ConstraintDefinition(op.ConstraintKind.NOT_NULL, columns=(column.name,))
                name = constraint_name(self.engine, table.name.name, definition, constraints, table.columns)
                constraints[name] = definition
        return replace(table, constraints=constraints)

    def _rename_constraint(self, table: ModelTable, operation: op.RenameConstraint) -> ModelTable:
        old, new = operation.constraint, operation.to
        if old not in table.constraints and old in (named := self._with_names(table)).constraints:
            table = named
        if old not in table.constraints:
            return table if table.unsure else self._unsure(table, f"the constraint {old} does not exist")
        indexes = _rekeyed(table.indexes, old, new)
        if new in indexes:
            indexes[new] = replace(indexes[new], name=new)
        return replace(table, constraints=_rekeyed(table.constraints, old, new), indexes=indexes)

    # indexes

    def _create_index(self, table: ModelTable, operation: op.CreateIndex) -> ModelTable:
        if operation.if_not_exists and operation.index.name in self._taken(table, constraints=False):
            owner = self._owner(op.Name(operation.index.name, table.name.schema), None)
            return self._unsure(table, "an index may be on another table") if owner and owner.unsure else table
        if operation.index.name in table.indexes:
            table = self._unsure(table, f"the index {operation.index.name} is created although it exists")
        return self._with_index(table, operation.index)

    def _with_index(self, table: ModelTable, index: op.IndexDefinition) -> ModelTable:
        name = index.name or index_name(self.engine, table.name.name, index, self._taken(table, constraints=False))
        return replace(table, indexes={**table.indexes, name: replace(index, name=name)})

    def _owner(self, index: op.Name, table: op.Name | None) -> ModelTable | None:
        """The table that an index is on."""
        if table:
            return self._found(table)
        for each in sorted(self.model.tables.values(), key=lambda one: not one.temporary):
            if index.name in each.indexes and each.name.schema == index.schema:
                return each
        return None

    def _drop_index(self, operation: op.DropIndex) -> Model:
        table = self._owner(operation.index, operation.table)
        if table is None:
            return self.model
        name = operation.index.name
        if name not in table.indexes and not operation.if_exists and not table.unsure:
            return self.model.with_table(self._unsure(table, f"the index {name} does not exist"))
        constraints = {
            each: kept for each, kept in table.constraints.items() if each != name or kept.kind in _UNINDEXED
        }
        table = replace(table, indexes=_without(table.indexes, name), constraints=constraints)
        reason = f"{name} is dropped from the table that it is a partition of"
        model = self._on_partitions(self.model.with_table(table), table.name, lambda each: self._unsure(each, reason))
        return self._cascaded(model, table.name) if operation.cascade else model

    def _rename_index(self, operation: op.RenameIndex) -> Model:
        table = self._owner(operation.index, operation.table)
        old, new = operation.index.name, operation.to
        if table is None or old not in table.indexes:
            return self.model
        indexes = _rekeyed(table.indexes, old, new)
        indexes[new] = replace(indexes[new], name=new)
        constraints = {
            new if each == old and kept.kind is not op.ConstraintKind.FOREIGN_KEY else each: kept
            for each, kept in table.constraints.items()
        }
        return self.model.with_table(replace(table, indexes=indexes, constraints=constraints))

    # other objects

    def _enum(self, operation: op.CreateEnum | op.AddEnumValue | op.RenameEnumValue | op.RenameEnum) -> Model:
        enums = dict(self.model.enums)
        if isinstance(operation, op.CreateEnum):
            enums[operation.type] = operation.values
        elif operation.type not in enums:
            return self.model
        elif isinstance(operation, op.AddEnumValue):
            enums[operation.type] = _with_value(enums[operation.type], operation)
        elif isinstance(operation, op.RenameEnumValue):
            enums[operation.type] = _renamed(enums[operation.type], operation.value, operation.to)
        else:
            enums[operation.to] = enums.pop(operation.type)
            return replace(self._retyped(str(operation.type), str(operation.to)), enums=enums)
        return replace(self.model, enums=enums)

    def _retyped(self, old: str, new: str) -> Model:
        names = {old: new, f"{old}[]": f"{new}[]"}
        tables = {}
        for name, table in self.model.tables.items():
            columns = {
                each: replace(column, type=replace(column.type, name=names[column.type.name]))
                if column.type.name in names
                else column
                for each, column in table.columns.items()
            }
            tables[name] = replace(table, columns=columns)
        return replace(self.model, tables=tables)

    def _drop_object(self, operation: op.DropObject) -> Model:
        model = self.model
        if operation.kind is op.ObjectKind.TYPE:
            model = replace(model, enums=_without(model.enums, operation.name))
        lost = operation.kind is op.ObjectKind.TABLESPACE and operation.cascade
        if lost or operation.kind in (op.ObjectKind.DATABASE, op.ObjectKind.OWNED):
            reason = f"{self.where}: what is in the {operation.kind} {operation.name} is dropped"
            return replace(model, unsure=_reasons(model.unsure, reason))
        if not operation.cascade:
            return model
        if operation.kind in (op.ObjectKind.SCHEMA, op.ObjectKind.ROLE):
            tables = {name: each for name, each in model.tables.items() if name.schema != operation.name.name}
            return replace(model, tables=tables)
        reason = f"the {operation.kind} {operation.name} is dropped with what depends on it"
        tables = {
            name: self._unsure(table, reason) if _depends(table, operation) else table
            for name, table in model.tables.items()
        }
        return replace(model, tables=tables)

    def _taint(self, operation: op.NotUnderstood) -> Model:
        reason = f"{self.where}: {operation.reason}"
        model = self.model
        if operation.everything:
            return replace(model, unsure=_reasons(model.unsure, reason))
        names = {name.name for name in operation.names}
        tables = {
            name: replace(table, unsure=_reasons(table.unsure, reason))
            if name.name in names or not names.isdisjoint(table.indexes)
            else table
            for name, table in model.tables.items()
        }
        if operation.table and operation.table not in tables:
            tables[operation.table] = ModelTable(operation.table, unsure=(reason,), created=self.change.id)
        enums = {name: values for name, values in model.enums.items() if name.name not in names}
        return replace(model, tables=tables, enums=enums)


def _merged(added: Iterable[op.ConstraintDefinition]) -> list[op.ConstraintDefinition]:
    """PostgreSQL creates one of several equal keys or exclusions in one definition: the primary key, if there is one.

    It has the first given name among them (transformIndexConstraints in src/backend/parser/parse_utilcmd.c). Checks are
    created, and named, before keys, and foreign keys after them.
    """
    keys: dict[object, op.ConstraintDefinition] = {}
    others = []
    for constraint in sorted(added, key=lambda each: each.kind is not op.ConstraintKind.PRIMARY_KEY):
        same = (constraint.columns, constraint.included, constraint.nulls_distinct, constraint.expression)
        if constraint.kind not in _INDEXED or constraint.using_index:
            others.append(constraint)
        elif first := keys.get(same):
            keys[same] = replace(first, name=first.name or constraint.name)
        else:
            keys[same] = constraint
    checks = [each for each in others if each.kind in _INHERITED]
    return [*checks, *keys.values(), *(each for each in others if each.kind not in _INHERITED)]


def _has(table: ModelTable, constraint: op.ConstraintDefinition) -> bool:
    """Whether a table already has a constraint that merges with one of a table that it inherits from."""
    if constraint.kind is op.ConstraintKind.NOT_NULL:
        return any(name in table.columns and not table.columns[name].nullable for name in constraint.columns)
    return constraint.name in table.constraints


def _is_identity(column: op.ColumnDefinition) -> bool:
    """Whether a column is an identity, and not one whose default is a sequence's next value, as serial has it."""
    return column.identity and not column.default.text


def _unnumbered(column: op.ColumnDefinition) -> op.ColumnDefinition:
    return replace(column, identity=False) if _is_identity(column) else column


def _with_identity(table: ModelTable, columns: Iterable[str], *, identity: bool) -> ModelTable:
    return _with_columns(table, columns, lambda column: replace(column, identity=identity))


def _with_not_null(table: ModelTable, column: str, *, there: bool) -> ModelTable:
    """A table whose NOT NULL constraints on a column are validated, or dropped."""
    constraints = dict(table.constraints)
    for name, kept in table.constraints.items():
        if kept.kind is op.ConstraintKind.NOT_NULL and column in kept.columns:
            if there:
                constraints[name] = replace(kept, validated=True)
            else:
                del constraints[name]
    return replace(table, constraints=constraints)


def _backing(table: ModelTable, key: op.ConstraintDefinition) -> list[str]:
    """The unique indexes of a table on the columns that a foreign key refers to: its primary key's if it names none."""
    primary = (each.columns for each in table.constraints.values() if each.kind is op.ConstraintKind.PRIMARY_KEY)
    columns = key.referenced_columns or next(primary, ())
    return [
        name
        for name, index in table.indexes.items()
        if index.unique and not index.where and sorted(index.columns) == sorted(columns)
    ]


def _without_keys_to(table: ModelTable, gone: set[op.Name]) -> ModelTable:
    constraints = {name: kept for name, kept in table.constraints.items() if kept.references not in gone}
    return replace(table, constraints=constraints) if len(constraints) < len(table.constraints) else table


def _referring(table: ModelTable, old: op.Name, new: op.Name) -> ModelTable:
    if old in table.parents:
        table = replace(table, parents=_renamed(table.parents, old, new))
    return _with_keys_to(table, old, lambda key: replace(key, references=new))


def _with_keys_to(
    table: ModelTable, referenced: op.Name, change: Callable[[op.ConstraintDefinition], op.ConstraintDefinition]
) -> ModelTable:
    """A table whose foreign keys to another are changed."""
    if not any(kept.references == referenced for kept in table.constraints.values()):
        return table
    constraints = {
        name: change(kept) if kept.references == referenced else kept for name, kept in table.constraints.items()
    }
    return replace(table, constraints=constraints)


def _with_nullable(table: ModelTable, columns: Iterable[str], *, nullable: bool) -> ModelTable:
    return _with_columns(table, columns, lambda column: replace(column, nullable=nullable))


def _with_columns(
    table: ModelTable, names: Iterable[str], change: Callable[[op.ColumnDefinition], op.ColumnDefinition]
) -> ModelTable:
    changed = {name: change(table.columns[name]) for name in names if name in table.columns}
    return replace(table, columns={**table.columns, **changed})


def _renamed(names: Iterable[Value], old: Value, new: Value) -> tuple[Value, ...]:
    return tuple(new if each == old else each for each in names)


def _rekeyed(parts: Mapping[str, Value], old: str, new: str) -> dict[str, Value]:
    return {new if each == old else each: kept for each, kept in parts.items()}


def _without(parts: Mapping[Key, Value], name: Key) -> dict[Key, Value]:
    return {each: kept for each, kept in parts.items() if each != name}


def _uses(index: op.IndexDefinition, column: str) -> bool:
    if column in index.columns or column in index.included:
        return True
    expressions = [each for each in index.columns if "(" in each]
    return bool(mentioned(" ".join([*expressions, index.where]), (column,)))


def _reworded(expression: str, old: str, new: str) -> str:
    """An expression in which a column has its new name."""
    if expression == old:
        return new
    if not mentioned(expression, (old,)):
        return expression
    return " ".join(new if word.strip('"').lower() == old.lower() else word for word in expression.split(" "))


def _with_value(values: tuple[str, ...], operation: op.AddEnumValue) -> tuple[str, ...]:
    if operation.value in values:
        return values
    found = list(values)
    at = len(found)
    if operation.before in found:
        at = found.index(operation.before)
    elif operation.after in found:
        at = found.index(operation.after) + 1
    found.insert(at, operation.value)
    return tuple(found)


def _depends(table: ModelTable, operation: op.DropObject) -> bool:
    """Whether a table may lose something when an object is dropped with what depends on it."""
    if operation.kind is op.ObjectKind.EXTENSION:
        return True
    name = operation.name.name
    texts = [text for column in table.columns.values() for text in (column.type.name, column.default.text)]
    texts += [constraint.expression for constraint in table.constraints.values()]
    texts += [text for index in table.indexes.values() for text in (*index.columns, index.where)]
    return any(name.lower() in text.lower() for text in texts)

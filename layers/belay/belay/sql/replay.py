"""What a database is before and after each statement of its changes.

What is not understood makes what it names unsure, and what is unsure stays so, under whatever name it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from belay.sql.changes import DatabaseChange, Engine, SqlStatement
from belay.sql.model import Model, ModelTable, ReplayStep
from belay.sql.naming import MYSQL, constraint_name, index_name, mentioned
from belay.sql.operations import (
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AttachPartition,
    ChangeColumn,
    ColumnDefinition,
    ConstraintDefinition,
    ConstraintKind,
    CreateEnum,
    CreateIndex,
    CreateTable,
    Default,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropObject,
    DropTable,
    IndexDefinition,
    Name,
    NotUnderstood,
    ObjectKind,
    Operation,
    RenameColumn,
    RenameConstraint,
    RenameEnum,
    RenameEnumValue,
    RenameIndex,
    RenameTable,
    Transaction,
    ValidateConstraint,
)
from belay.sql.parsing import operations
from belay.sql.schemas import Schemas

Changing = Callable[[ModelTable], ModelTable]

NOTHING_KNOWN = Model()
"""A database of which nothing is known: what is not in it may be there."""

_INDEXED = (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE, ConstraintKind.EXCLUDE)

REASONS = 3
"""How many reasons are kept for being unsure: the first say what began it."""


def replay(changes: Iterable[DatabaseChange], engine: Engine, baseline: Model = NOTHING_KNOWN) -> Iterator[ReplayStep]:
    """Each operation of each statement in order, with the model before and after it."""
    model = _session_ended(baseline)
    names = Schemas(engine)
    for change in changes:
        begun: Model | None = None
        names.reset()
        for statement in change.statements:
            for written in operations(statement, engine):
                operation = names.resolved(written, model)
                if isinstance(operation, Transaction):
                    after, begun = _transaction(model, begun, operation, engine)
                else:
                    after = _Step(model, engine, change, statement).apply(operation)
                yield ReplayStep(model, operation, after, change, statement)
                model = after
        model = _session_ended(model)


def _transaction(
    model: Model, begun: Model | None, operation: Transaction, engine: Engine
) -> tuple[Model, Model | None]:
    """PostgreSQL, SQL Server and DB2 take structure back with a transaction; MySQL and Oracle do not.

    What begins inside a transaction goes back with it: PostgreSQL only warns, SQL Server counts.
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
        return (name for table in self.tables for name in (*table.indexes, *table.constraints))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Step:
    """One operation on a model."""

    def __init__(self, model: Model, engine: Engine, change: DatabaseChange, statement: SqlStatement) -> None:
        self.model = model
        self.engine = engine
        self.change = change
        self.where = f"{statement.place.path}:{statement.place.line}"

    def apply(self, operation: Operation) -> Model:
        """The model after the operation."""
        match operation:
            case CreateTable():
                return self._create_table(operation)
            case DropTable():
                return self._drop_table(operation.table, operation.cascade)
            case RenameTable():
                return self._rename_table(operation)
            case AddColumn():
                return self._on_family(operation.table, lambda table: self._add_column(table, operation))
            case DropColumn():
                return self._on_family(operation.table, lambda table: self._drop_column(table, operation))
            case RenameColumn():
                return self._rename_column(operation)
            case ChangeColumn():
                return self._on_family(operation.table, lambda table: self._change_column(table, operation))
            case AddConstraint():
                return self._with_constraint(operation)
            case ValidateConstraint():
                return self._on_family(operation.table, lambda table: self._validated(table, operation.constraint))
            case DropConstraint():
                return self._drop_constraint(operation)
            case RenameConstraint():
                return self._on_family(operation.table, lambda table: self._rename_constraint(table, operation))
            case CreateIndex():
                model = self._on(operation.table, lambda table: self._create_index(table, operation))
                unnamed = replace(operation.index, name="")
                return self._on_partitions(model, operation.table, lambda each: self._with_index(each, unnamed))
            case DropIndex():
                return self._drop_index(operation)
            case RenameIndex():
                return self._rename_index(operation)
            case AttachPartition():
                return self._on(operation.partition, lambda table: self._attached(table, operation.table))
            case DetachPartition():
                return self._on(operation.partition, lambda table: replace(table, parents=(), partition=False))
            case CreateEnum() | AddEnumValue() | RenameEnumValue() | RenameEnum():
                return self._enum(operation)
            case DropObject():
                return self._drop_object(operation)
            case NotUnderstood():
                return self._taint(operation)
            case _:
                return self.model

    # tables

    def _found(self, name: Name) -> ModelTable:
        """The table, or one of which nothing is sure."""
        if table := self.model.tables.get(name):
            return table
        why = "is not among what was created" if self.model.complete else "was there before and is not known"
        return ModelTable(name, unsure=(f"{name} {why}",))

    def _on(self, name: Name, change: Changing) -> Model:
        return self.model.with_table(change(self._found(name)))

    def _on_family(self, name: Name, change: Changing) -> Model:
        """Changes a table, and what inherits its columns."""
        model = self._on(name, change)
        for child in self._children(name):
            model = model.with_table(change(self.model.tables[child]))
        return model

    def _on_partitions(self, model: Model, name: Name, change: Changing) -> Model:
        """Changes the partitions of a table in a model in which the table itself is changed already."""
        for child in self._children(name):
            if self.model.tables[child].partition:
                model = model.with_table(change(model.tables[child]))
        return model

    def _attached(self, table: ModelTable, parent: Name) -> ModelTable:
        """A partition, whose keys and indexes are made to match its table's."""
        matched = self._found(parent)
        table = replace(table, parents=(parent,), partition=True)
        if matched.unsure or matched.indexes or matched.constraints:
            return self._unsure(table, f"its keys and indexes become those of {parent}")
        return table

    def _children(self, name: Name) -> list[Name]:
        found = [each.name for each in self.model.tables.values() if name in each.parents]
        return found + [below for child in found for below in self._children(child)]

    def _unsure(self, table: ModelTable, reason: str) -> ModelTable:
        return replace(table, unsure=_reasons(table.unsure, f"{self.where}: {reason}"))

    def _taken(self, table: ModelTable, *, relations: bool = True, constraints: bool = True) -> _Taken:
        """The names that are in use in a table's schema, as far as a new name of the engine's must differ."""
        others = () if self.engine in MYSQL else self.model.tables.values()
        tables = (table, *(each for each in others if each.name.schema == table.name.schema))
        return _Taken(tables, relations, constraints)

    def _create_table(self, operation: CreateTable) -> Model:
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
            table = self._unsure(table, f"{name} is created though it is there")
        elif operation.if_not_exists and not self.model.complete:
            table = self._unsure(table, f"{name} may have been there before")
        for parent in (*table.parents, *((operation.like,) if operation.like else ())):
            table = self._copied(table, self._found(parent), everything=operation.like_all or table.partition)
        table = replace(table, columns={**table.columns, **{column.name: column for column in operation.columns}})
        if operation.copied:
            table = self._unsure(table, "its columns are those of a query")
        table = self._add_constraints(table, operation.constraints)
        for index in operation.indexes:
            table = self._with_index(table, index)
        return self.model.with_table(table)

    def _copied(self, table: ModelTable, source: ModelTable, *, everything: bool) -> ModelTable:
        columns = dict(source.columns)
        if not everything:
            inherits = source.name in table.parents
            columns = {
                name: column if inherits else replace(column, default=Default(), identity=False, generated=False)
                for name, column in columns.items()
            }
        table = replace(table, columns={**table.columns, **columns}, unsure=_reasons(table.unsure, *source.unsure))
        named = (ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY)
        kept = tuple(
            replace(constraint, name=name if constraint.kind in named else "", validated=True)
            for name, constraint in source.constraints.items()
            if constraint.kind is ConstraintKind.CHECK
            or (everything and constraint.kind is not ConstraintKind.FOREIGN_KEY)
            or (table.partition and constraint.kind is ConstraintKind.FOREIGN_KEY)
        )
        if not everything and source.name not in table.parents:
            kept = ()
        table = self._add_constraints(table, kept)
        if everything:
            for index in source.indexes.values():
                if index.name not in source.constraints:
                    table = self._with_index(table, replace(index, name=index.name if self.engine in MYSQL else ""))
        return table

    def _drop_table(self, name: Name, cascade: bool) -> Model:
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

    def _rename_table(self, operation: RenameTable) -> Model:
        table = replace(self._found(operation.table), name=operation.to)
        if table.temporary:
            hidden = self.model.tables.get(operation.to)
            model = self.model.without_table(operation.table)
            model = model.with_table(table.hidden) if table.hidden else model
            return model.with_table(replace(table, hidden=hidden))
        if operation.to in self.model.tables and operation.to != operation.table:
            table = self._unsure(table, f"{operation.to} is a new name though it is there")
        tables = {name: each for name, each in self.model.tables.items() if name != operation.table}
        tables[operation.to] = table
        return replace(
            self.model, tables={n: _referring(each, operation.table, operation.to) for n, each in tables.items()}
        )

    # columns

    def _add_column(self, table: ModelTable, operation: AddColumn) -> ModelTable:
        column = operation.column
        if column.name in table.columns:
            if operation.if_not_exists:
                return table
            table = self._unsure(table, f"{column.name} is added though it is there")
        table = replace(table, columns={**table.columns, column.name: column})
        return self._add_constraints(table, operation.constraints)

    def _drop_column(self, table: ModelTable, operation: DropColumn) -> ModelTable:
        name = operation.column
        if name not in table.columns and not operation.if_exists and not table.unsure:
            return self._unsure(table, f"{name} is dropped and is not there")
        columns = {each: column for each, column in table.columns.items() if each != name}
        constraints = {
            each: constraint
            for each, constraint in table.constraints.items()
            if name not in constraint.columns and not mentioned(constraint.expression, (name,))
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

    def _rename_column(self, operation: RenameColumn) -> Model:
        old, new = operation.column, operation.to
        model = self._on_family(operation.table, lambda table: self._renamed_column(table, old, new))
        tables = {}
        for name, table in model.tables.items():
            constraints = {
                each: replace(
                    constraint,
                    referenced_columns=tuple(
                        new if column == old else column for column in constraint.referenced_columns
                    ),
                )
                if constraint.references == operation.table
                else constraint
                for each, constraint in table.constraints.items()
            }
            tables[name] = replace(table, constraints=constraints) if constraints != table.constraints else table
        return replace(model, tables=tables)

    def _renamed_column(self, table: ModelTable, old: str, new: str) -> ModelTable:
        if old not in table.columns and not table.unsure:
            return self._unsure(table, f"{old} gets another name and is not there")
        if new in table.columns:
            return self._unsure(table, f"{new} is a new name though it is there")
        columns = {new if name == old else name: _named(column, old, new) for name, column in table.columns.items()}
        constraints = {
            name: replace(
                constraint,
                columns=tuple(new if column == old else column for column in constraint.columns),
                expression=_reworded(constraint.expression, old, new),
            )
            for name, constraint in table.constraints.items()
        }
        indexes = {
            name: replace(
                index,
                columns=tuple(_reworded(column, old, new) for column in index.columns),
                included=tuple(new if column == old else column for column in index.included),
                where=_reworded(index.where, old, new),
            )
            for name, index in table.indexes.items()
        }
        return replace(table, columns=columns, constraints=constraints, indexes=indexes)

    def _change_column(self, table: ModelTable, operation: ChangeColumn) -> ModelTable:
        column = table.columns.get(operation.column)
        if column is None:
            if not table.unsure:
                table = self._unsure(table, f"{operation.column} is changed and is not there")
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
        return replace(table, columns={**table.columns, column.name: changed})

    # constraints

    def _add_constraints(self, table: ModelTable, added: Iterable[ConstraintDefinition]) -> ModelTable:
        for constraint in _merged(added) if self.engine is Engine.POSTGRESQL else added:
            table = self._add_constraint(table, constraint)
        return table

    def _add_constraint(self, table: ModelTable, constraint: ConstraintDefinition) -> ModelTable:
        if constraint.using_index:
            return self._promoted(table, constraint)
        given = "" if constraint.kind is ConstraintKind.PRIMARY_KEY and self.engine in MYSQL else constraint.name
        name = given or constraint_name(
            self.engine,
            table.name.name,
            constraint,
            self._taken(table, relations=constraint.kind in _INDEXED),
            table.columns,
        )
        if constraint.kind is ConstraintKind.CHECK and not constraint.columns:
            constraint = replace(constraint, columns=tuple(mentioned(constraint.expression, table.columns)))
        missing = [column for column in constraint.columns if column not in table.columns]
        if missing and not table.unsure:
            table = self._unsure(table, f"a constraint is on {', '.join(missing)}, which is not there")
        table = replace(table, constraints={**table.constraints, name: constraint})
        if constraint.kind in (ConstraintKind.PRIMARY_KEY, ConstraintKind.NOT_NULL) and constraint.validated:
            table = _required(table, constraint.columns)
        if constraint.kind in (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE):
            modifiers = ("",) * len(constraint.columns)
            index = IndexDefinition(
                name, constraint.columns, unique=True, included=constraint.included, modifiers=modifiers
            )
            return replace(table, indexes={**table.indexes, name: index})
        if constraint.kind is ConstraintKind.EXCLUDE:
            index = IndexDefinition(name, constraint.columns, included=constraint.included)
            return replace(table, indexes={**table.indexes, name: index})
        if constraint.kind is ConstraintKind.FOREIGN_KEY and self.engine in MYSQL:
            return self._foreign_key_index(table, constraint)
        return table

    def _with_constraint(self, operation: AddConstraint) -> Model:
        """A constraint on a table, on what inherits it if it is a check, and on partitions whatever it is."""
        before = self._found(operation.table)
        model = self._on(operation.table, lambda table: self._add_constraint(table, operation.constraint))
        added = [name for name in model.tables[operation.table].constraints if name not in before.constraints]
        for child in self._children(operation.table):
            inherited = operation.constraint.kind in (ConstraintKind.CHECK, ConstraintKind.NOT_NULL)
            if inherited or self.model.tables[child].partition:
                name = added[0] if added and operation.constraint.kind not in _INDEXED else ""
                constraint = replace(operation.constraint, name=name)
                model = model.with_table(self._add_constraint(model.tables[child], constraint))
        return model

    def _promoted(self, table: ModelTable, constraint: ConstraintDefinition) -> ModelTable:
        """An index becomes a constraint's, and in PostgreSQL gets its name."""
        index = table.indexes.get(constraint.using_index)
        if index is None:
            return table if table.unsure else self._unsure(table, f"{constraint.using_index} is no index that is known")
        name = constraint.name or constraint.using_index
        renamed = name if self.engine is Engine.POSTGRESQL else index.name
        indexes = {renamed if each == constraint.using_index else each: kept for each, kept in table.indexes.items()}
        indexes[renamed] = replace(index, name=renamed)
        table = replace(
            table,
            indexes=indexes,
            constraints={**table.constraints, name: replace(constraint, columns=index.columns)},
        )
        return _required(table, index.columns) if constraint.kind is ConstraintKind.PRIMARY_KEY else table

    def _foreign_key_index(self, table: ModelTable, constraint: ConstraintDefinition) -> ModelTable:
        """MySQL makes an index for a foreign key unless one begins with its columns."""
        width = len(constraint.columns)
        if any(index.columns[:width] == constraint.columns for index in table.indexes.values()):
            return table
        index = IndexDefinition(constraint.name, constraint.columns, modifiers=("",) * width)
        return self._with_index(table, index)

    def _validated(self, table: ModelTable, name: str) -> ModelTable:
        constraint = table.constraints.get(name)
        if constraint is None:
            return table if table.unsure else self._unsure(table, f"the constraint {name} is not there")
        table = replace(table, constraints={**table.constraints, name: replace(constraint, validated=True)})
        return _required(table, constraint.columns) if constraint.kind is ConstraintKind.NOT_NULL else table

    def _drop_constraint(self, operation: DropConstraint) -> Model:
        dropped = self._found(operation.table).constraints.get(operation.constraint)
        if dropped and dropped.kind in (ConstraintKind.CHECK, ConstraintKind.NOT_NULL):
            return self._on_family(operation.table, lambda table: self._without_constraint(table, operation))
        model = self._on(operation.table, lambda table: self._without_constraint(table, operation))
        reason = f"{operation.constraint} is dropped from the table that it is a partition of"
        model = self._on_partitions(model, operation.table, lambda each: self._unsure(each, reason))
        if operation.cascade and dropped and dropped.kind in (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE):
            gone = {operation.table}
            tables = {name: _without_keys_to(each, gone, dropped.columns) for name, each in model.tables.items()}
            return replace(model, tables=tables)
        return model

    def _without_constraint(self, table: ModelTable, operation: DropConstraint) -> ModelTable:
        name = operation.constraint
        if not name and operation.kind is ConstraintKind.PRIMARY_KEY:
            keys = [each for each, kept in table.constraints.items() if kept.kind is ConstraintKind.PRIMARY_KEY]
            name = keys[0] if keys else ""
        dropped = table.constraints.get(name)
        if dropped is None:
            return self._without_unknown(table, name, operation.if_exists)
        table = replace(
            table,
            constraints={each: kept for each, kept in table.constraints.items() if each != name},
            indexes={
                each: kept
                for each, kept in table.indexes.items()
                if each != name or dropped.kind in (ConstraintKind.FOREIGN_KEY, ConstraintKind.CHECK)
            },
        )
        if dropped.kind is ConstraintKind.NOT_NULL:
            return _optional(table, dropped.columns)
        if dropped.kind is ConstraintKind.DEFAULT:
            return _undefaulted(table, dropped.columns)
        return table

    def _without_unknown(self, table: ModelTable, name: str, if_exists: bool) -> ModelTable:
        if self.engine is Engine.POSTGRESQL:
            for column in table.columns.values():
                if not column.nullable and name == f"{table.name.name}_{column.name}_not_null":
                    return _optional(table, (column.name,))
        if if_exists or table.unsure:
            return table
        return self._unsure(table, f"the constraint {name} is not there")

    def _rename_constraint(self, table: ModelTable, operation: RenameConstraint) -> ModelTable:
        old, new = operation.constraint, operation.to
        if old not in table.constraints:
            return table if table.unsure else self._unsure(table, f"the constraint {old} is not there")
        constraints = {new if each == old else each: kept for each, kept in table.constraints.items()}
        indexes = {new if each == old else each: kept for each, kept in table.indexes.items()}
        if new in indexes:
            indexes[new] = replace(indexes[new], name=new)
        return replace(table, constraints=constraints, indexes=indexes)

    # indexes

    def _create_index(self, table: ModelTable, operation: CreateIndex) -> ModelTable:
        if operation.if_not_exists and operation.index.name in self._taken(table, constraints=False):
            owner = self._owner(Name(operation.index.name, table.name.schema), None)
            return self._unsure(table, "an index may be on another table") if owner and owner.unsure else table
        if operation.index.name in table.indexes:
            table = self._unsure(table, f"the index {operation.index.name} is created though it is there")
        return self._with_index(table, operation.index)

    def _with_index(self, table: ModelTable, index: IndexDefinition) -> ModelTable:
        name = index.name or index_name(self.engine, table.name.name, index, self._taken(table, constraints=False))
        return replace(table, indexes={**table.indexes, name: replace(index, name=name)})

    def _owner(self, index: Name, table: Name | None) -> ModelTable | None:
        """The table that an index is on."""
        if table:
            return self._found(table)
        for each in self.model.tables.values():
            if index.name in each.indexes and each.name.schema == index.schema:
                return each
        return None

    def _drop_index(self, operation: DropIndex) -> Model:
        table = self._owner(operation.index, operation.table)
        if table is None:
            return self.model
        name = operation.index.name
        if name not in table.indexes and not operation.if_exists and not table.unsure:
            return self.model.with_table(self._unsure(table, f"the index {name} is not there"))
        table = replace(
            table,
            indexes={each: kept for each, kept in table.indexes.items() if each != name},
            constraints={
                each: kept
                for each, kept in table.constraints.items()
                if each != name or kept.kind in (ConstraintKind.FOREIGN_KEY, ConstraintKind.CHECK)
            },
        )
        reason = f"{name} is dropped from the table that it is a partition of"
        return self._on_partitions(self.model.with_table(table), table.name, lambda each: self._unsure(each, reason))

    def _rename_index(self, operation: RenameIndex) -> Model:
        table = self._owner(operation.index, operation.table)
        old, new = operation.index.name, operation.to
        if table is None or old not in table.indexes:
            return self.model
        indexes = {new if each == old else each: kept for each, kept in table.indexes.items()}
        indexes[new] = replace(indexes[new], name=new)
        constraints = {
            new if each == old and kept.kind is not ConstraintKind.FOREIGN_KEY else each: kept
            for each, kept in table.constraints.items()
        }
        return self.model.with_table(replace(table, indexes=indexes, constraints=constraints))

    # other objects

    def _enum(self, operation: CreateEnum | AddEnumValue | RenameEnumValue | RenameEnum) -> Model:
        enums = dict(self.model.enums)
        if isinstance(operation, CreateEnum):
            enums[operation.type] = operation.values
        elif operation.type not in enums:
            return self.model
        elif isinstance(operation, AddEnumValue):
            enums[operation.type] = _with_value(enums[operation.type], operation)
        elif isinstance(operation, RenameEnumValue):
            old = enums[operation.type]
            enums[operation.type] = tuple(operation.to if value == operation.value else value for value in old)
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

    def _drop_object(self, operation: DropObject) -> Model:
        model = self.model
        if operation.kind is ObjectKind.TYPE:
            model = replace(model, enums={name: kept for name, kept in model.enums.items() if name != operation.name})
        lost = operation.kind is ObjectKind.TABLESPACE and operation.cascade
        if lost or operation.kind in (ObjectKind.DATABASE, ObjectKind.OWNED):
            reason = f"{self.where}: what is in the {operation.kind} {operation.name} is dropped"
            return replace(model, unsure=_reasons(model.unsure, reason))
        if not operation.cascade:
            return model
        if operation.kind in (ObjectKind.SCHEMA, ObjectKind.ROLE):
            tables = {name: each for name, each in model.tables.items() if name.schema != operation.name.name}
            return replace(model, tables=tables)
        reason = f"the {operation.kind} {operation.name} is dropped with what depends on it"
        return replace(
            model,
            tables={
                name: self._unsure(table, reason) if _depends(table, operation) else table
                for name, table in model.tables.items()
            },
        )

    def _taint(self, operation: NotUnderstood) -> Model:
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


def _merged(added: Iterable[ConstraintDefinition]) -> list[ConstraintDefinition]:
    """PostgreSQL makes one of several keys on the same columns in one definition: the primary key, if one is.

    It has the first name that one of them has (transformIndexConstraints in src/backend/parser/parse_utilcmd.c).
    """
    keys: dict[tuple[tuple[str, ...], tuple[str, ...]], ConstraintDefinition] = {}
    others = []
    for constraint in sorted(added, key=lambda each: each.kind is not ConstraintKind.PRIMARY_KEY):
        if constraint.kind not in (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE) or constraint.using_index:
            others.append(constraint)
        elif first := keys.get((constraint.columns, constraint.included)):
            keys[constraint.columns, constraint.included] = replace(first, name=first.name or constraint.name)
        else:
            keys[constraint.columns, constraint.included] = constraint
    return [*keys.values(), *others]


def _without_keys_to(table: ModelTable, gone: set[Name], columns: tuple[str, ...] | None = None) -> ModelTable:
    constraints = {
        name: kept
        for name, kept in table.constraints.items()
        if kept.references not in gone or (columns is not None and kept.referenced_columns not in ((), columns))
    }
    return replace(table, constraints=constraints) if len(constraints) < len(table.constraints) else table


def _referring(table: ModelTable, old: Name, new: Name) -> ModelTable:
    if old in table.parents:
        table = replace(table, parents=tuple(new if parent == old else parent for parent in table.parents))
    if not any(constraint.references == old for constraint in table.constraints.values()):
        return table
    constraints: Mapping[str, ConstraintDefinition] = {
        name: replace(constraint, references=new) if constraint.references == old else constraint
        for name, constraint in table.constraints.items()
    }
    return replace(table, constraints=constraints)


def _required(table: ModelTable, columns: Iterable[str]) -> ModelTable:
    return _with_nullable(table, columns, nullable=False)


def _optional(table: ModelTable, columns: Iterable[str]) -> ModelTable:
    return _with_nullable(table, columns, nullable=True)


def _with_nullable(table: ModelTable, columns: Iterable[str], *, nullable: bool) -> ModelTable:
    changed = {name: replace(table.columns[name], nullable=nullable) for name in columns if name in table.columns}
    return replace(table, columns={**table.columns, **changed})


def _undefaulted(table: ModelTable, columns: Iterable[str]) -> ModelTable:
    changed = {name: replace(table.columns[name], default=Default()) for name in columns if name in table.columns}
    return replace(table, columns={**table.columns, **changed})


def _uses(index: IndexDefinition, column: str) -> bool:
    if column in index.columns or column in index.included:
        return True
    expressions = [each for each in index.columns if "(" in each]
    return bool(mentioned(" ".join([*expressions, index.where]), (column,)))


def _named(column: ColumnDefinition, old: str, new: str) -> ColumnDefinition:
    return replace(column, name=new) if column.name == old else column


def _reworded(expression: str, old: str, new: str) -> str:
    """An expression in which a column has its new name."""
    if expression == old:
        return new
    if not mentioned(expression, (old,)):
        return expression
    return " ".join(new if word.strip('"').lower() == old.lower() else word for word in expression.split(" "))


def _with_value(values: tuple[str, ...], operation: AddEnumValue) -> tuple[str, ...]:
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


def _depends(table: ModelTable, operation: DropObject) -> bool:
    """Whether a table may lose something when an object is dropped with what depends on it."""
    if operation.kind is ObjectKind.EXTENSION:
        return True
    name = operation.name.name
    texts = [text for column in table.columns.values() for text in (column.type.name, column.default.text)]
    texts += [constraint.expression for constraint in table.constraints.values()]
    texts += [text for index in table.indexes.values() for text in (*index.columns, index.where)]
    return any(name.lower() in text.lower() for text in texts)

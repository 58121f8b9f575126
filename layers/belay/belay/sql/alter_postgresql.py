"""Reading PostgreSQL's ``ALTER TABLE``: several actions between commas, or one of those that stand alone."""

from __future__ import annotations

from dataclasses import replace

from belay.sql.column_types import column_type
from belay.sql.columns import column
from belay.sql.constraints import constraint, starts_constraint, trailing
from belay.sql.cursor import Cursor
from belay.sql.defaults import default
from belay.sql.operations import (
    AddColumn,
    AddConstraint,
    AttachPartition,
    ChangeColumn,
    ChangeTable,
    ConstraintDefinition,
    ConstraintKind,
    Default,
    DefaultKind,
    DetachPartition,
    DropColumn,
    DropConstraint,
    Grant,
    Name,
    Operation,
    RenameColumn,
    RenameConstraint,
    RenameTable,
    RewriteTable,
    SqlType,
    ValidateConstraint,
)


def alter_table(cursor: Cursor) -> tuple[Operation, ...]:
    """``ALTER TABLE``, from after it."""
    cursor.if_exists()
    only = cursor.take("ONLY")
    table = cursor.name()
    cursor.take("*")
    if alone := _alone(cursor, table):
        return (alone,)
    found = [_action(cursor, table)]
    while cursor.take(","):
        found.append(_action(cursor, table))
    return tuple(sorted((_only(each) for each in found) if only else found, key=_pass))


def _only(operation: Operation) -> Operation:
    """The action of an ``ALTER TABLE ONLY``. Other actions are refused if there are tables that inherit."""
    if isinstance(operation, DropColumn | ChangeColumn | AddConstraint | DropConstraint):
        return replace(operation, only=True)
    return operation


def _pass(operation: Operation) -> int:
    """When PostgreSQL does an action of several: by its kind, not its place (src/backend/commands/tablecmds.c)."""
    match operation:
        case DropColumn() | DropConstraint():
            return 0
        case ChangeColumn(type=None, nullable=True) | ChangeColumn(type=None, default=Default(kind=DefaultKind.NONE)):
            return 0
        case ChangeColumn(type=None, identity=False):
            return 0
        case ChangeColumn(type=SqlType()):
            return 1
        case AddColumn():
            return 2
        case AddConstraint(constraint=ConstraintDefinition(kind=ConstraintKind.CHECK | ConstraintKind.NOT_NULL)):
            return 3
        case ChangeColumn(nullable=False):
            return 4
        case AddConstraint(constraint=ConstraintDefinition(kind=ConstraintKind.FOREIGN_KEY)):
            return 6
        case AddConstraint():
            return 5
    return 6


def _alone(cursor: Cursor, table: Name) -> Operation | None:
    if cursor.take("RENAME"):
        if cursor.take("TO"):
            return RenameTable(table, Name(cursor.part(), table.schema))
        if cursor.take("CONSTRAINT"):
            old = cursor.part()
            cursor.expect("TO")
            return RenameConstraint(table, old, cursor.part())
        cursor.take("COLUMN")
        old = cursor.part()
        cursor.expect("TO")
        return RenameColumn(table, old, cursor.part())
    if cursor.take("SET", "SCHEMA"):
        schema = cursor.part()
        return RenameTable(table, Name(table.name, "" if schema == "public" else schema))
    if cursor.take("ATTACH", "PARTITION"):
        partition = cursor.name()
        if cursor.take("FOR", "VALUES"):
            while cursor.take_any("IN", "FROM", "TO", "WITH"):
                cursor.group()
        else:
            cursor.expect("DEFAULT")
        return AttachPartition(table, partition)
    if cursor.take("DETACH", "PARTITION"):
        partition = cursor.name()
        return DetachPartition(table, partition, bool(cursor.take_any("CONCURRENTLY", "FINALIZE")))
    return None


def _action(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("ADD"):
        return _add(cursor, table)
    if cursor.take("DROP"):
        return _drop(cursor, table)
    if cursor.take("VALIDATE", "CONSTRAINT"):
        return ValidateConstraint(table, cursor.part())
    if cursor.take("ALTER", "CONSTRAINT"):
        cursor.part()
        trailing(cursor)
        return ChangeTable(table, "constraint")
    if cursor.take("ALTER"):
        cursor.take("COLUMN")
        return _column(cursor, table, cursor.part())
    return _property(cursor, table)


def _add(cursor: Cursor, table: Name) -> Operation:
    if starts_constraint(cursor) or cursor.next_is("NOT", "NULL"):
        return AddConstraint(table, constraint(cursor))
    cursor.take("COLUMN")
    if_not_exists = cursor.if_not_exists()
    read = column(cursor)
    return AddColumn(table, read.column, tuple(read.constraints), if_not_exists)


def _drop(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("CONSTRAINT"):
        if_exists = cursor.if_exists()
        name = cursor.part()
        return DropConstraint(table, name, None, if_exists, _cascade(cursor))
    cursor.take("COLUMN")
    if_exists = cursor.if_exists()
    name = cursor.part()
    return DropColumn(table, name, if_exists, _cascade(cursor))


def _cascade(cursor: Cursor) -> bool:
    return cursor.take_any("CASCADE", "RESTRICT") == "CASCADE"


def _column(cursor: Cursor, table: Name, name: str) -> Operation:
    if cursor.take("TYPE") or cursor.take("SET", "DATA", "TYPE"):
        type_ = column_type(cursor)
        if cursor.take("COLLATE"):
            cursor.name()
        using = cursor.skip_to(",") if cursor.take("USING") else ""
        return ChangeColumn(table, name, type_, using=using)
    if cursor.take("SET", "NOT", "NULL"):
        return ChangeColumn(table, name, nullable=False)
    if cursor.take("DROP", "NOT", "NULL"):
        return ChangeColumn(table, name, nullable=True)
    if cursor.take("SET", "DEFAULT"):
        return ChangeColumn(table, name, default=default(cursor))
    if cursor.take("DROP", "DEFAULT"):
        return ChangeColumn(table, name, default=Default())
    if cursor.take("SET", "EXPRESSION", "AS"):
        return ChangeColumn(table, name, default=Default(DefaultKind.UNKNOWN, cursor.group()), generated=True)
    if cursor.take("DROP", "EXPRESSION"):
        cursor.if_exists()
        return ChangeColumn(table, name, default=Default(), generated=False)
    if cursor.take("ADD", "GENERATED"):
        _always(cursor)
        cursor.expect("AS", "IDENTITY")
        if cursor.next_is("("):
            cursor.group()
        return ChangeColumn(table, name, identity=True)
    if cursor.take("DROP", "IDENTITY"):
        cursor.if_exists()
        return ChangeColumn(table, name, identity=False)
    return _column_property(cursor, table)


def _always(cursor: Cursor) -> None:
    if not cursor.take("ALWAYS"):
        cursor.expect("BY", "DEFAULT")


def _column_property(cursor: Cursor, table: Name) -> Operation:
    if cursor.take_any("SET", "RESET") and cursor.next_is("("):
        cursor.group()
    elif cursor.tokens[cursor.at - 1].word == "SET":
        if cursor.take("GENERATED"):
            _always(cursor)
        elif cursor.take("STATISTICS"):
            cursor.take("-")
            cursor.at += 1
        elif cursor.take_any("STORAGE", "COMPRESSION", "NO"):
            cursor.part()
        elif cursor.take_any("INCREMENT", "MINVALUE", "MAXVALUE", "START", "CACHE"):
            cursor.take_any("BY", "WITH")
            cursor.number()
        elif not cursor.take("CYCLE"):
            raise cursor.unexpected("a property of a column")
    elif cursor.take("RESTART"):
        if cursor.take("WITH") or not cursor.done:
            cursor.number()
    else:
        raise cursor.unexpected("a change of a column")
    return ChangeTable(table, "column")


def _property(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("OWNER", "TO"):
        return Grant(f"OWNER OF {table} TO {cursor.part()}")
    if enabled := cursor.take_any("ENABLE", "DISABLE"):
        if cursor.take("ROW", "LEVEL", "SECURITY"):
            return ChangeTable(table, "row level security")
        if enabled == "ENABLE":
            cursor.take_any("REPLICA", "ALWAYS")
        if not cursor.take_any("TRIGGER", "RULE"):
            raise cursor.unexpected("a trigger or rule")
        cursor.part()
        return ChangeTable(table, "trigger")
    if cursor.take("FORCE", "ROW", "LEVEL", "SECURITY") or cursor.take("NO", "FORCE", "ROW", "LEVEL", "SECURITY"):
        return ChangeTable(table, "row level security")
    if cursor.take("CLUSTER", "ON"):
        cursor.part()
        return ChangeTable(table, "cluster")
    if cursor.take("SET", "WITHOUT"):
        if not cursor.take_any("CLUSTER", "OIDS"):
            raise cursor.unexpected()
        return ChangeTable(table, "cluster")
    if cursor.take("SET", "TABLESPACE") or cursor.take("SET", "ACCESS", "METHOD"):
        cursor.part()
        return RewriteTable(table, "storage")
    if cursor.take("SET", "LOGGED") or cursor.take("SET", "UNLOGGED"):
        return RewriteTable(table, "logging")
    if cursor.take_any("SET", "RESET"):
        cursor.group()
        return ChangeTable(table, "parameters")
    if cursor.take("INHERIT") or cursor.take("NO", "INHERIT"):
        cursor.name()
        return ChangeTable(table, "inheritance")
    if cursor.take("REPLICA", "IDENTITY"):
        if cursor.take("USING", "INDEX"):
            cursor.part()
        elif not cursor.take_any("DEFAULT", "FULL", "NOTHING"):
            raise cursor.unexpected()
        return ChangeTable(table, "replica identity")
    raise cursor.unexpected("a change of a table")

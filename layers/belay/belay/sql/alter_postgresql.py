"""Reading PostgreSQL's ``ALTER TABLE``: several actions separated by commas, or one that must be alone."""

from dataclasses import replace

from belay.sql import operations as op
from belay.sql.column_types import column_type
from belay.sql.columns import column
from belay.sql.constraints import constraint, starts_constraint, trailing
from belay.sql.cursor import Cursor
from belay.sql.defaults import default


def alter_table(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``ALTER TABLE``, from after it."""
    cursor.if_exists()
    only = cursor.take("ONLY")
    table = cursor.name()
    cursor.take("*")
    if alone := _alone(cursor, table):
        return (alone,)
    found = cursor.listed(lambda: _action(cursor, table))
    return tuple(sorted((_only(each) for each in found) if only else found, key=_pass))


def _only(operation: op.Operation) -> op.Operation:
    """The action of an ``ALTER TABLE ONLY``. Other actions are refused if there are tables that inherit."""
    if isinstance(operation, op.DropColumn | op.ChangeColumn | op.AddConstraint | op.DropConstraint):
        return replace(operation, only=True)
    return operation


_CONSTRAINT_PASSES = {op.ConstraintKind.CHECK: 3, op.ConstraintKind.NOT_NULL: 3, op.ConstraintKind.FOREIGN_KEY: 6}


def _pass(operation: op.Operation) -> int:
    """When PostgreSQL does an action of several: by its kind, not its place (src/backend/commands/tablecmds.c)."""
    match operation:
        case op.DropColumn() | op.DropConstraint():
            return 0
        case op.ChangeColumn(type=None, nullable=True) | op.ChangeColumn(type=None, identity=False):
            return 0
        case op.ChangeColumn(type=None, default=op.Default(kind=op.DefaultKind.NONE)):
            return 0
        case op.ChangeColumn(type=op.SqlType()):
            return 1
        case op.AddColumn():
            return 2
        case op.ChangeColumn(nullable=False):
            return 4
        case op.AddConstraint():
            return _CONSTRAINT_PASSES.get(operation.constraint.kind, 5)
    return 6


def _alone(cursor: Cursor, table: op.Name) -> op.Operation | None:
    if cursor.take("RENAME"):
        if cursor.take("TO"):
            return op.RenameTable(table, op.Name(cursor.part(), table.schema))
        if cursor.take("CONSTRAINT"):
            return op.RenameConstraint(table, *cursor.renamed())
        cursor.take("COLUMN")
        return op.RenameColumn(table, *cursor.renamed())
    if cursor.take("SET", "SCHEMA"):
        schema = cursor.part()
        return op.RenameTable(table, op.Name(table.name, "" if schema == "public" else schema))
    if cursor.take("ATTACH", "PARTITION"):
        partition = cursor.name()
        if cursor.take("FOR", "VALUES"):
            while cursor.take_any("IN", "FROM", "TO", "WITH"):
                cursor.group()
        else:
            cursor.expect("DEFAULT")
        return op.AttachPartition(table, partition)
    if cursor.take("DETACH", "PARTITION"):
        partition = cursor.name()
        return op.DetachPartition(table, partition, bool(cursor.take_any("CONCURRENTLY", "FINALIZE")))
    return None


def _action(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("ADD"):
        return _add(cursor, table)
    if cursor.take("DROP"):
        return _drop(cursor, table)
    if cursor.take("VALIDATE", "CONSTRAINT"):
        return op.ValidateConstraint(table, cursor.part())
    if cursor.take("ALTER", "CONSTRAINT"):
        cursor.part()
        trailing(cursor)
        return op.ChangeTable(table, "constraint")
    if cursor.take("ALTER"):
        cursor.take("COLUMN")
        return _column(cursor, table, cursor.part())
    return _property(cursor, table)


def _add(cursor: Cursor, table: op.Name) -> op.Operation:
    if starts_constraint(cursor) or cursor.next_is("NOT", "NULL"):
        return op.AddConstraint(table, constraint(cursor))
    cursor.take("COLUMN")
    if_not_exists = cursor.if_not_exists()
    read = column(cursor)
    return op.AddColumn(table, read.column, tuple(read.constraints), if_not_exists)


def _drop(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("CONSTRAINT"):
        if_exists = cursor.if_exists()
        name = cursor.part()
        return op.DropConstraint(table, name, None, if_exists, _cascade(cursor))
    cursor.take("COLUMN")
    if_exists = cursor.if_exists()
    name = cursor.part()
    return op.DropColumn(table, name, if_exists, _cascade(cursor))


def _cascade(cursor: Cursor) -> bool:
    return cursor.take_any("CASCADE", "RESTRICT") == "CASCADE"


def _column(cursor: Cursor, table: op.Name, name: str) -> op.Operation:
    if cursor.take("TYPE") or cursor.take("SET", "DATA", "TYPE"):
        type_ = column_type(cursor)
        if cursor.take("COLLATE"):
            cursor.name()
        using = cursor.skip_to(",") if cursor.take("USING") else ""
        return op.ChangeColumn(table, name, type_, using=using)
    if cursor.take("SET", "NOT", "NULL"):
        return op.ChangeColumn(table, name, nullable=False)
    if cursor.take("DROP", "NOT", "NULL"):
        return op.ChangeColumn(table, name, nullable=True)
    if cursor.take("SET", "DEFAULT"):
        return op.ChangeColumn(table, name, default=default(cursor))
    if cursor.take("DROP", "DEFAULT"):
        return op.ChangeColumn(table, name, default=op.Default())
    if cursor.take("SET", "EXPRESSION", "AS"):
        return op.ChangeColumn(table, name, default=op.Default(op.DefaultKind.UNKNOWN, cursor.group()), generated=True)
    if cursor.take("DROP", "EXPRESSION"):
        cursor.if_exists()
        return op.ChangeColumn(table, name, default=op.Default(), generated=False)
    if cursor.take("ADD", "GENERATED"):
        _always(cursor)
        cursor.expect("AS", "IDENTITY")
        cursor.take_group()
        return op.ChangeColumn(table, name, identity=True)
    if cursor.take("DROP", "IDENTITY"):
        cursor.if_exists()
        return op.ChangeColumn(table, name, identity=False)
    return _column_property(cursor, table)


def _always(cursor: Cursor) -> None:
    if not cursor.take("ALWAYS"):
        cursor.expect("BY", "DEFAULT")


def _column_property(cursor: Cursor, table: op.Name) -> op.Operation:
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
    return op.ChangeTable(table, "column")


def _property(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("OWNER", "TO"):
        return op.Grant(f"OWNER OF {table} TO {cursor.part()}")
    if enabled := cursor.take_any("ENABLE", "DISABLE"):
        if cursor.take("ROW", "LEVEL", "SECURITY"):
            return op.ChangeTable(table, "row level security")
        if enabled == "ENABLE":
            cursor.take_any("REPLICA", "ALWAYS")
        if not cursor.take_any("TRIGGER", "RULE"):
            raise cursor.unexpected("a trigger or rule")
        cursor.part()
        return op.ChangeTable(table, "trigger")
    if cursor.take("FORCE", "ROW", "LEVEL", "SECURITY") or cursor.take("NO", "FORCE", "ROW", "LEVEL", "SECURITY"):
        return op.ChangeTable(table, "row level security")
    if cursor.take("CLUSTER", "ON"):
        cursor.part()
        return op.ChangeTable(table, "cluster")
    if cursor.take("SET", "WITHOUT"):
        if not cursor.take_any("CLUSTER", "OIDS"):
            raise cursor.unexpected()
        return op.ChangeTable(table, "cluster")
    if cursor.take("SET", "TABLESPACE") or cursor.take("SET", "ACCESS", "METHOD"):
        cursor.part()
        return op.RewriteTable(table, "storage")
    if cursor.take("SET", "LOGGED") or cursor.take("SET", "UNLOGGED"):
        return op.RewriteTable(table, "logging")
    if cursor.take_any("SET", "RESET"):
        cursor.group()
        return op.ChangeTable(table, "parameters")
    if cursor.take("INHERIT") or cursor.take("NO", "INHERIT"):
        cursor.name()
        return op.ChangeTable(table, "inheritance")
    if cursor.take("REPLICA", "IDENTITY"):
        if cursor.take("USING", "INDEX"):
            cursor.part()
        elif not cursor.take_any("DEFAULT", "FULL", "NOTHING"):
            raise cursor.unexpected()
        return op.ChangeTable(table, "replica identity")
    raise cursor.unexpected("a change of a table")

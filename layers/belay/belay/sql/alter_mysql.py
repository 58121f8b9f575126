"""Reading MySQL's and MariaDB's ``ALTER TABLE`` and ``RENAME TABLE``."""

from __future__ import annotations

from dataclasses import replace

from belay.sql.columns import ReadColumn, column, definition, positioned
from belay.sql.constraints import constraint, starts_constraint
from belay.sql.cursor import Cursor
from belay.sql.defaults import default
from belay.sql.indexes import algorithm_settings
from belay.sql.operations import (
    AddColumn,
    AddConstraint,
    ChangeColumn,
    ChangeTable,
    ConstraintKind,
    CreateIndex,
    Default,
    DropColumn,
    DropConstraint,
    DropIndex,
    Name,
    Operation,
    RenameColumn,
    RenameIndex,
    RenameTable,
    RewriteTable,
    Setting,
    Truncate,
)
from belay.sql.tables import mysql_index, mysql_option
from belay.sql.tokens import NotReadable

_REWRITING = (
    "engine",
    "type",
    "row_format",
    "charset",
    "key_block_size",
    "encryption",
    "compression",
    "page_compressed",
)


def alter_table(cursor: Cursor) -> tuple[Operation, ...]:
    """``ALTER TABLE``, from after it."""
    cursor.if_exists()
    table = cursor.name()
    if cursor.take("WAIT"):
        cursor.number()
    found: list[Operation] = []
    settings: list[Setting] = []
    while True:
        if more := algorithm_settings(cursor):
            settings += more
        elif not cursor.next_is("PARTITION", "BY"):
            found += _action(cursor, table)
        if not cursor.take(","):
            break
    if cursor.take("PARTITION", "BY"):
        cursor.skip_to(";")
        found.append(RewriteTable(table, "partitions"))
    online = {setting.name: setting.value for setting in settings} == {"algorithm": "inplace", "lock": "none"}
    return (*settings, *(_online(each) for each in found)) if online else (*settings, *found)


def _online(operation: Operation) -> Operation:
    if isinstance(operation, CreateIndex):
        return replace(operation, index=replace(operation.index, online=True))
    return replace(operation, online=True) if isinstance(operation, (ChangeColumn, DropIndex)) else operation


def _action(cursor: Cursor, table: Name) -> list[Operation]:
    if cursor.take("ADD"):
        return _add(cursor, table)
    if cursor.take("DROP"):
        return [_drop(cursor, table)]
    if cursor.take("RENAME"):
        return [_rename(cursor, table)]
    if cursor.take("MODIFY"):
        cursor.take("COLUMN")
        cursor.if_exists()
        name = cursor.part()
        return _redefined(cursor, table, name, name)
    if cursor.take("CHANGE"):
        cursor.take("COLUMN")
        cursor.if_exists()
        name = cursor.part()
        return _redefined(cursor, table, name, cursor.part())
    if cursor.take("ALTER"):
        return [_alter(cursor, table)]
    return [_property(cursor, table)]


def _redefined(cursor: Cursor, table: Name, name: str, to: str) -> list[Operation]:
    """A column whose whole definition is given anew: what it does not say is gone."""
    read = definition(cursor, to, typed=True)
    positioned(cursor)
    changed = ChangeColumn(
        table,
        to,
        read.column.type,
        read.column.nullable,
        read.column.default,
        identity=read.column.identity,
        generated=read.column.generated,
    )
    renamed: list[Operation] = [RenameColumn(table, name, to)] if to != name else []
    return [*renamed, changed, *(AddConstraint(table, each) for each in read.constraints)]


def _add(cursor: Cursor, table: Name) -> list[Operation]:
    if starts_constraint(cursor):
        return [AddConstraint(table, constraint(cursor))]
    if cursor.token.word in ("INDEX", "KEY", "FULLTEXT", "SPATIAL"):
        return [CreateIndex(table, mysql_index(cursor))]
    if cursor.take("PARTITION"):
        cursor.skip_to(",")
        return [ChangeTable(table, "partitions")]
    cursor.take("COLUMN")
    if_not_exists = cursor.if_not_exists()
    if not cursor.take("("):
        return [_added(table, _column(cursor), if_not_exists)]
    found: list[Operation] = []
    while True:
        if starts_constraint(cursor):
            found.append(AddConstraint(table, constraint(cursor)))
        elif cursor.token.word in ("INDEX", "KEY", "FULLTEXT", "SPATIAL"):
            found.append(CreateIndex(table, mysql_index(cursor)))
        else:
            found.append(_added(table, _column(cursor), if_not_exists))
        if not cursor.take(","):
            break
    cursor.expect(")")
    return found


def _column(cursor: Cursor) -> ReadColumn:
    read = column(cursor)
    positioned(cursor)
    return read


def _added(table: Name, read: ReadColumn, if_not_exists: bool) -> Operation:
    return AddColumn(table, read.column, tuple(read.constraints), if_not_exists)


def _drop(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("PRIMARY", "KEY"):
        return DropConstraint(table, "PRIMARY", ConstraintKind.PRIMARY_KEY)
    if cursor.take_any("INDEX", "KEY"):
        if_exists = cursor.if_exists()
        return DropIndex(Name(cursor.part()), table, if_exists=if_exists)
    if cursor.take("FOREIGN", "KEY"):
        if_exists = cursor.if_exists()
        return DropConstraint(table, cursor.part(), ConstraintKind.FOREIGN_KEY, if_exists)
    if cursor.take_any("CHECK", "CONSTRAINT"):
        kind = ConstraintKind.CHECK if cursor.tokens[cursor.at - 1].word == "CHECK" else None
        if_exists = cursor.if_exists()
        return DropConstraint(table, cursor.part(), kind, if_exists)
    if cursor.take("PARTITION"):
        cursor.if_exists()
        return Truncate(table, partition=", ".join(str(name) for name in cursor.names()))
    cursor.take("COLUMN")
    if_exists = cursor.if_exists()
    name = cursor.part()
    cursor.take_any("CASCADE", "RESTRICT")
    return DropColumn(table, name, if_exists)


def _rename(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("COLUMN"):
        cursor.if_exists()
        old = cursor.part()
        cursor.expect("TO")
        return RenameColumn(table, old, cursor.part())
    if cursor.take_any("INDEX", "KEY"):
        cursor.if_exists()
        old = cursor.part()
        cursor.expect("TO")
        return RenameIndex(Name(old), cursor.part(), table)
    cursor.take_any("TO", "AS", "=")
    return RenameTable(table, cursor.name())


def _alter(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("INDEX"):
        cursor.part()
        cursor.take("NOT")
        if not cursor.take_any("VISIBLE", "INVISIBLE", "IGNORED"):
            raise cursor.unexpected()
        return ChangeTable(table, "index visibility")
    if cursor.take_any("CHECK", "CONSTRAINT"):
        cursor.part()
        cursor.take("NOT")
        cursor.expect("ENFORCED")
        return ChangeTable(table, "constraint")
    cursor.take("COLUMN")
    name = cursor.part()
    if cursor.take("SET", "DEFAULT"):
        return ChangeColumn(table, name, default=default(cursor))
    if cursor.take("DROP", "DEFAULT"):
        return ChangeColumn(table, name, default=Default())
    cursor.expect("SET")
    if not cursor.take_any("VISIBLE", "INVISIBLE"):
        raise cursor.unexpected()
    return ChangeTable(table, "column visibility")


def _property(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("CONVERT", "TO"):
        if not (cursor.take("CHARACTER", "SET") or cursor.take("CHARSET")):
            raise cursor.unexpected("a character set")
        cursor.at += 1
        if cursor.take("COLLATE"):
            cursor.take("=")
            cursor.at += 1
        return RewriteTable(table, "charset")
    if cursor.take("FORCE"):
        return RewriteTable(table, "force")
    if cursor.take("ORDER", "BY"):
        cursor.part()
        cursor.take_any("ASC", "DESC")
        return RewriteTable(table, "order")
    if cursor.take("REMOVE", "PARTITIONING"):
        return RewriteTable(table, "partitions")
    if cursor.take("TRUNCATE", "PARTITION"):
        return Truncate(table, partition=", ".join(str(name) for name in cursor.names()))
    if cursor.take("DISABLE", "KEYS") or cursor.take("ENABLE", "KEYS"):
        return ChangeTable(table, "keys")
    if cursor.take_any("WITH", "WITHOUT"):
        cursor.expect("VALIDATION")
        return ChangeTable(table, "validation")
    if cursor.token.word in ("DISCARD", "IMPORT", "EXCHANGE", "REORGANIZE", "COALESCE"):
        raise NotReadable("a change of partitions or tablespaces")
    was_default = cursor.next_is("DEFAULT")
    option = mysql_option(cursor)
    if not option:
        raise cursor.unexpected("a change of a table")
    while more := mysql_option(cursor):
        option = more if more in _REWRITING else option
    if option in _REWRITING and not (option == "charset" or was_default):
        return RewriteTable(table, option)
    return ChangeTable(table, option)


def rename_table(cursor: Cursor) -> tuple[Operation, ...]:
    """``RENAME TABLE a TO b, ...``, from after ``RENAME``."""
    if not cursor.take_any("TABLE", "TABLES"):
        raise cursor.unexpected("a table")
    cursor.if_exists()
    found = []
    while True:
        old = cursor.name()
        cursor.expect("TO")
        found.append(RenameTable(old, cursor.name()))
        if not cursor.take(","):
            return tuple(found)


def optimize(cursor: Cursor) -> tuple[Operation, ...]:
    """``OPTIMIZE TABLE``, from after ``OPTIMIZE``."""
    cursor.take_any("LOCAL", "NO_WRITE_TO_BINLOG")
    cursor.expect("TABLE")
    return tuple(RewriteTable(name, "optimize") for name in cursor.names())

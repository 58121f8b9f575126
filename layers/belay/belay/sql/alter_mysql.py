"""Reading MySQL's and MariaDB's ``ALTER TABLE`` and ``RENAME TABLE``."""

from dataclasses import replace

from belay.sql import operations as op
from belay.sql.columns import column, definition, positioned
from belay.sql.constraints import constraint, starts_constraint
from belay.sql.cursor import Cursor
from belay.sql.defaults import default
from belay.sql.indexes import algorithm_settings
from belay.sql.tables import mysql_index, mysql_option
from belay.sql.tokens import NotReadable

_REWRITING = frozenset("engine type row_format charset key_block_size encryption compression page_compressed".split())


def alter_table(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``ALTER TABLE``, from after it."""
    cursor.if_exists()
    table = cursor.name()
    if cursor.take("WAIT"):
        cursor.number()
    found: list[op.Operation] = []
    settings: list[op.Setting] = []
    while True:
        if more := algorithm_settings(cursor):
            settings += more
        elif not cursor.next_is("PARTITION", "BY"):
            found += _action(cursor, table)
        if not cursor.take(","):
            break
    if cursor.take("PARTITION", "BY"):
        cursor.skip_to(";")
        found.append(op.RewriteTable(table, "partitions"))
    online = {setting.name: setting.value for setting in settings} == {"algorithm": "inplace", "lock": "none"}
    return (*settings, *(_online(each) for each in found)) if online else (*settings, *found)


def _online(operation: op.Operation) -> op.Operation:
    if isinstance(operation, op.CreateIndex):
        return replace(operation, index=replace(operation.index, online=True))
    return replace(operation, online=True) if isinstance(operation, (op.ChangeColumn, op.DropIndex)) else operation


def _action(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    if cursor.take("ADD"):
        return _add(cursor, table)
    if cursor.take("DROP"):
        return [_drop(cursor, table)]
    if cursor.take("RENAME"):
        return [_rename(cursor, table)]
    if word := cursor.take_any("MODIFY", "CHANGE"):
        cursor.take("COLUMN")
        cursor.if_exists()
        name = cursor.part()
        return _redefined(cursor, table, name, name if word == "MODIFY" else cursor.part())
    if cursor.take("ALTER"):
        return [_alter(cursor, table)]
    return [_property(cursor, table)]


def _redefined(cursor: Cursor, table: op.Name, name: str, to: str) -> list[op.Operation]:
    """A column whose whole definition is replaced: what it omits is dropped."""
    read = definition(cursor, to, typed=True)
    positioned(cursor)
    changed = op.ChangeColumn(
        table,
        to,
        read.column.type,
        read.column.nullable,
        read.column.default,
        identity=read.column.identity,
        generated=read.column.generated,
    )
    renamed: list[op.Operation] = [op.RenameColumn(table, name, to)] if to != name else []
    return [*renamed, changed, *(op.AddConstraint(table, each) for each in read.constraints)]


def _add(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    if added := _key(cursor, table):
        return [added]
    if cursor.take("PARTITION"):
        cursor.skip_to(",")
        return [op.ChangeTable(table, "partitions")]
    cursor.take("COLUMN")
    if_not_exists = cursor.if_not_exists()
    if not cursor.next_is("("):
        return [_column(cursor, table, if_not_exists)]
    return cursor.within(lambda: _key(cursor, table) or _column(cursor, table, if_not_exists))


def _key(cursor: Cursor, table: op.Name) -> op.Operation | None:
    if starts_constraint(cursor):
        return op.AddConstraint(table, constraint(cursor))
    if cursor.token.word in ("INDEX", "KEY", "FULLTEXT", "SPATIAL"):
        return op.CreateIndex(table, mysql_index(cursor))
    return None


def _column(cursor: Cursor, table: op.Name, if_not_exists: bool) -> op.Operation:
    read = column(cursor)
    positioned(cursor)
    return op.AddColumn(table, read.column, tuple(read.constraints), if_not_exists)


def _drop(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("PRIMARY", "KEY"):
        return op.DropConstraint(table, "PRIMARY", op.ConstraintKind.PRIMARY_KEY)
    if cursor.take_any("INDEX", "KEY"):
        if_exists = cursor.if_exists()
        return op.DropIndex(op.Name(cursor.part()), table, if_exists=if_exists)
    if cursor.take("FOREIGN", "KEY"):
        if_exists = cursor.if_exists()
        return op.DropConstraint(table, cursor.part(), op.ConstraintKind.FOREIGN_KEY, if_exists)
    if cursor.take_any("CHECK", "CONSTRAINT"):
        kind = op.ConstraintKind.CHECK if cursor.tokens[cursor.at - 1].word == "CHECK" else None
        if_exists = cursor.if_exists()
        return op.DropConstraint(table, cursor.part(), kind, if_exists)
    if cursor.take("PARTITION"):
        cursor.if_exists()
        return op.Truncate(table, partition=", ".join(str(name) for name in cursor.names()))
    cursor.take("COLUMN")
    if_exists = cursor.if_exists()
    name = cursor.part()
    cursor.take_any("CASCADE", "RESTRICT")
    return op.DropColumn(table, name, if_exists)


def _rename(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("COLUMN"):
        cursor.if_exists()
        return op.RenameColumn(table, *cursor.renamed())
    if cursor.take_any("INDEX", "KEY"):
        cursor.if_exists()
        old, new = cursor.renamed()
        return op.RenameIndex(op.Name(old), new, table)
    cursor.take_any("TO", "AS", "=")
    return op.RenameTable(table, cursor.name())


def _alter(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("INDEX"):
        cursor.part()
        cursor.take("NOT")
        if not cursor.take_any("VISIBLE", "INVISIBLE", "IGNORED"):
            raise cursor.unexpected()
        return op.ChangeTable(table, "index visibility")
    if cursor.take_any("CHECK", "CONSTRAINT"):
        cursor.part()
        cursor.take("NOT")
        cursor.expect("ENFORCED")
        return op.ChangeTable(table, "constraint")
    cursor.take("COLUMN")
    name = cursor.part()
    if cursor.take("SET", "DEFAULT"):
        return op.ChangeColumn(table, name, default=default(cursor))
    if cursor.take("DROP", "DEFAULT"):
        return op.ChangeColumn(table, name, default=op.Default())
    cursor.expect("SET")
    if not cursor.take_any("VISIBLE", "INVISIBLE"):
        raise cursor.unexpected()
    return op.ChangeTable(table, "column visibility")


def _property(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("CONVERT", "TO"):
        if not (cursor.take("CHARACTER", "SET") or cursor.take("CHARSET")):
            raise cursor.unexpected("a character set")
        cursor.at += 1
        if cursor.take("COLLATE"):
            cursor.take("=")
            cursor.at += 1
        return op.RewriteTable(table, "charset")
    if cursor.take("FORCE"):
        return op.RewriteTable(table, "force")
    if cursor.take("ORDER", "BY"):
        cursor.part()
        cursor.take_any("ASC", "DESC")
        return op.RewriteTable(table, "order")
    if cursor.take("REMOVE", "PARTITIONING"):
        return op.RewriteTable(table, "partitions")
    if cursor.take("TRUNCATE", "PARTITION"):
        return op.Truncate(table, partition=", ".join(str(name) for name in cursor.names()))
    if cursor.take("DISABLE", "KEYS") or cursor.take("ENABLE", "KEYS"):
        return op.ChangeTable(table, "keys")
    if cursor.take_any("WITH", "WITHOUT"):
        cursor.expect("VALIDATION")
        return op.ChangeTable(table, "validation")
    if cursor.token.word in ("DISCARD", "IMPORT", "EXCHANGE", "REORGANIZE", "COALESCE"):
        raise NotReadable("a change of partitions or tablespaces")
    was_default = cursor.next_is("DEFAULT")
    option = mysql_option(cursor)
    if not option:
        raise cursor.unexpected("a change of a table")
    while more := mysql_option(cursor):
        option = more if more in _REWRITING else option
    if option in _REWRITING and not (option == "charset" or was_default):
        return op.RewriteTable(table, option)
    return op.ChangeTable(table, option)


def rename_table(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``RENAME TABLE a TO b, ...``, from after ``RENAME``."""
    if not cursor.take_any("TABLE", "TABLES"):
        raise cursor.unexpected("a table")
    cursor.if_exists()

    def renamed() -> op.Operation:
        old = cursor.name()
        cursor.expect("TO")
        return op.RenameTable(old, cursor.name())

    return tuple(cursor.listed(renamed))


def optimize(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``OPTIMIZE TABLE``, from after ``OPTIMIZE``."""
    cursor.take_any("LOCAL", "NO_WRITE_TO_BINLOG")
    cursor.expect("TABLE")
    return tuple(op.RewriteTable(name, "optimize") for name in cursor.names())

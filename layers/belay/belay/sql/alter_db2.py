"""Reading DB2's ``ALTER TABLE``, ``RENAME`` and administrative calls."""

from __future__ import annotations

from belay.sql.changes import Engine
from belay.sql.column_types import column_type
from belay.sql.columns import column
from belay.sql.constraints import constraint, starts_constraint, trailing
from belay.sql.cursor import Cursor
from belay.sql.defaults import default
from belay.sql.operations import (
    AddColumn,
    AddConstraint,
    AlterObject,
    ChangeColumn,
    ChangeTable,
    ConstraintKind,
    Default,
    DropColumn,
    DropConstraint,
    Harmless,
    Name,
    ObjectKind,
    Operation,
    RenameColumn,
    RenameIndex,
    RenameTable,
    RewriteTable,
)
from belay.sql.tokens import NotReadable


def alter_table(cursor: Cursor) -> tuple[Operation, ...]:
    """``ALTER TABLE``, from after it."""
    table = cursor.name()
    found = _clause(cursor, table)
    while not cursor.done and not cursor.next_is(";"):
        cursor.take(",")
        found += _clause(cursor, table)
    return tuple(found)


def _clause(cursor: Cursor, table: Name) -> list[Operation]:
    if cursor.take("ADD"):
        if starts_constraint(cursor):
            return [AddConstraint(table, constraint(cursor))]
        if cursor.token.word in ("RESTRICT", "PERIOD", "VERSIONING", "PARTITION"):
            raise NotReadable("a clause that is not known")
        cursor.take("COLUMN")
        read = column(cursor)
        if not read.typed:
            raise cursor.unexpected("a type")
        return [AddColumn(table, read.column, tuple(read.constraints))]
    if cursor.take("DROP"):
        return [_drop(cursor, table)]
    if cursor.take("RENAME"):
        cursor.take("COLUMN")
        old = cursor.part()
        cursor.expect("TO")
        return [RenameColumn(table, old, cursor.part())]
    if cursor.take("ALTER"):
        return _alter(cursor, table)
    return [_property(cursor, table)]


_DROPPED = {
    ("FOREIGN", "KEY"): ConstraintKind.FOREIGN_KEY,
    ("UNIQUE",): ConstraintKind.UNIQUE,
    ("CHECK",): ConstraintKind.CHECK,
    ("CONSTRAINT",): None,
}


def _drop(cursor: Cursor, table: Name) -> Operation:
    if cursor.take("PRIMARY", "KEY"):
        return DropConstraint(table, "", ConstraintKind.PRIMARY_KEY)
    for words, kind in _DROPPED.items():
        if cursor.take(*words):
            return DropConstraint(table, cursor.part(), kind)
    if cursor.token.word in ("RESTRICT", "PERIOD", "VERSIONING", "PARTITION", "DISTRIBUTION"):
        raise NotReadable("a clause that is not known")
    cursor.take("COLUMN")
    name = cursor.part()
    return DropColumn(table, name, cascade=cursor.take_any("CASCADE", "RESTRICT") != "RESTRICT")


def _alter(cursor: Cursor, table: Name) -> list[Operation]:
    if cursor.take_any("FOREIGN", "CHECK", "CONSTRAINT"):
        cursor.take("KEY")
        cursor.part()
        trailing(cursor)
        return [ChangeTable(table, "constraint")]
    cursor.take("COLUMN")
    name = cursor.part()
    found = [_column(cursor, table, name)]
    while cursor.token.word in ("SET", "DROP") and cursor.tokens[cursor.at + 1].word in ("DATA", "NOT", "DEFAULT"):
        found.append(_column(cursor, table, name))
    return found


def _column(cursor: Cursor, table: Name, name: str) -> Operation:
    if cursor.take("SET", "DATA", "TYPE"):
        return ChangeColumn(table, name, column_type(cursor))
    if cursor.take("SET", "NOT", "NULL"):
        return ChangeColumn(table, name, nullable=False)
    if cursor.take("DROP", "NOT", "NULL"):
        return ChangeColumn(table, name, nullable=True)
    if cursor.take("SET", "DEFAULT") or cursor.take("SET", "WITH", "DEFAULT"):
        return ChangeColumn(table, name, default=default(cursor))
    if cursor.take("DROP", "DEFAULT"):
        return ChangeColumn(table, name, default=Default())
    if cursor.take("DROP", "IDENTITY"):
        return ChangeColumn(table, name, identity=False)
    if cursor.take("SET", "GENERATED"):
        if not cursor.take("ALWAYS"):
            cursor.expect("BY", "DEFAULT")
        if cursor.take("AS"):
            cursor.expect("IDENTITY")
            if cursor.next_is("("):
                cursor.group()
        return ChangeColumn(table, name, identity=True)
    if cursor.take("SET", "INLINE", "LENGTH") or cursor.take("SET", "CYCLE"):
        cursor.number()
        return ChangeTable(table, "column")
    if cursor.take("RESTART"):
        if cursor.take("WITH"):
            cursor.number()
        return ChangeTable(table, "column")
    raise cursor.unexpected("a change of a column")


def _property(cursor: Cursor, table: Name) -> Operation:
    if cursor.take_any("PCTFREE", "LOG"):
        cursor.take("INDEX", "BUILD")
        cursor.at += 1
    elif cursor.take("LOCKSIZE"):
        cursor.part()
    elif cursor.take_any("APPEND", "COMPRESS"):
        cursor.part()
        cursor.take_any("ADAPTIVE", "STATIC")
    elif cursor.take("NOT", "VOLATILE") or cursor.take("VOLATILE"):
        cursor.take("CARDINALITY")
    elif cursor.take("DATA", "CAPTURE"):
        cursor.take_any("NONE", "CHANGES")
    elif cursor.take("ACTIVATE", "ROW", "ACCESS") or cursor.take("DEACTIVATE", "ROW", "ACCESS"):
        cursor.expect("CONTROL")
    elif cursor.take("ACTIVATE", "NOT", "LOGGED", "INITIALLY"):
        if cursor.next_is("WITH"):
            raise NotReadable("a table that is emptied")
    elif not (cursor.take("ACTIVATE", "VALUE", "COMPRESSION") or cursor.take("DEACTIVATE", "VALUE", "COMPRESSION")):
        raise cursor.unexpected("a change of a table")
    return ChangeTable(table, "storage")


def rename(cursor: Cursor) -> tuple[Operation, ...]:
    """``RENAME TABLE a TO b`` and ``RENAME INDEX a TO b``, from after ``RENAME``."""
    if cursor.take("SEQUENCE"):
        sequence = cursor.name()
        cursor.rest()
        return (AlterObject(ObjectKind.SEQUENCE, sequence),)
    index = cursor.take("INDEX")
    cursor.take("TABLE")
    old = cursor.name()
    cursor.expect("TO")
    new = cursor.part()
    return (RenameIndex(old, new) if index else RenameTable(old, Name(new, old.schema)),)


def reorganise(cursor: Cursor) -> tuple[Operation, ...]:
    """``REORG TABLE``, from after ``REORG``; as a command, or inside ``ADMIN_CMD``."""
    if cursor.take("INDEXES", "ALL", "FOR", "TABLE") or cursor.take("INDEX"):
        cursor.rest()
        return (Harmless("reorg"),)
    cursor.expect("TABLE")
    table = cursor.name()
    online = cursor.take("INPLACE")
    cursor.rest()
    return (Harmless("reorg"),) if online else (RewriteTable(table, "reorg"),)


def call(cursor: Cursor) -> tuple[Operation, ...]:
    """``CALL``, from after it: administrative commands that are known. Raises NotReadable for any other."""
    procedure = cursor.name().name
    if procedure not in ("ADMIN_CMD", "ADMIN_REVALIDATE_DB_OBJECTS"):
        raise NotReadable(f"what the procedure {procedure} does is not known", everything=True)
    if procedure == "ADMIN_REVALIDATE_DB_OBJECTS":
        cursor.group()
        return (Harmless("revalidate"),)
    cursor.expect("(")
    command = Cursor(cursor.string(), Engine.DB2)
    cursor.expect(")")
    if command.take("RUNSTATS"):
        return (Harmless("runstats"),)
    command.expect("REORG")
    return reorganise(command)

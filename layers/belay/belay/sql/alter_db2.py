"""Reading DB2's ``ALTER TABLE``, ``RENAME`` and administrative calls."""

from belay.sql import operations as op
from belay.sql.changes import Engine
from belay.sql.column_types import column_type
from belay.sql.columns import column
from belay.sql.constraints import constraint, starts_constraint, trailing
from belay.sql.cursor import Cursor
from belay.sql.defaults import default
from belay.sql.tokens import NotReadable


def alter_table(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``ALTER TABLE``, from after it."""
    table = cursor.name()
    found = _clause(cursor, table)
    while not cursor.done and not cursor.next_is(";"):
        cursor.take(",")
        found += _clause(cursor, table)
    return tuple(found)


def _clause(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    if cursor.take("ADD"):
        if starts_constraint(cursor):
            return [op.AddConstraint(table, constraint(cursor))]
        if cursor.token.word in ("RESTRICT", "PERIOD", "VERSIONING", "PARTITION"):
            raise NotReadable("a clause that is not known")
        cursor.take("COLUMN")
        read = column(cursor)
        if not read.typed:
            raise cursor.unexpected("a type")
        return [op.AddColumn(table, read.column, tuple(read.constraints))]
    if cursor.take("DROP"):
        return [_drop(cursor, table)]
    if cursor.take("RENAME"):
        cursor.take("COLUMN")
        return [op.RenameColumn(table, *cursor.renamed())]
    if cursor.take("ALTER"):
        return _alter(cursor, table)
    return [_property(cursor, table)]


_DROPPED = {
    ("FOREIGN", "KEY"): op.ConstraintKind.FOREIGN_KEY,
    ("UNIQUE",): op.ConstraintKind.UNIQUE,
    ("CHECK",): op.ConstraintKind.CHECK,
    ("CONSTRAINT",): None,
}


def _drop(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("PRIMARY", "KEY"):
        return op.DropConstraint(table, "", op.ConstraintKind.PRIMARY_KEY)
    for words, kind in _DROPPED.items():
        if cursor.take(*words):
            return op.DropConstraint(table, cursor.part(), kind)
    if cursor.token.word in ("RESTRICT", "PERIOD", "VERSIONING", "PARTITION", "DISTRIBUTION"):
        raise NotReadable("a clause that is not known")
    cursor.take("COLUMN")
    name = cursor.part()
    return op.DropColumn(table, name, cascade=cursor.take_any("CASCADE", "RESTRICT") != "RESTRICT")


def _alter(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    if cursor.take_any("FOREIGN", "CHECK", "CONSTRAINT"):
        cursor.take("KEY")
        cursor.part()
        trailing(cursor)
        return [op.ChangeTable(table, "constraint")]
    cursor.take("COLUMN")
    name = cursor.part()
    found = [_column(cursor, table, name)]
    while cursor.token.word in ("SET", "DROP") and cursor.tokens[cursor.at + 1].word in ("DATA", "NOT", "DEFAULT"):
        found.append(_column(cursor, table, name))
    return found


def _column(cursor: Cursor, table: op.Name, name: str) -> op.Operation:
    if cursor.take("SET", "DATA", "TYPE"):
        return op.ChangeColumn(table, name, column_type(cursor))
    if cursor.take("SET", "NOT", "NULL"):
        return op.ChangeColumn(table, name, nullable=False)
    if cursor.take("DROP", "NOT", "NULL"):
        return op.ChangeColumn(table, name, nullable=True)
    if cursor.take("SET", "DEFAULT") or cursor.take("SET", "WITH", "DEFAULT"):
        return op.ChangeColumn(table, name, default=default(cursor))
    if cursor.take("DROP", "DEFAULT"):
        return op.ChangeColumn(table, name, default=op.Default())
    if cursor.take("DROP", "IDENTITY"):
        return op.ChangeColumn(table, name, identity=False)
    if cursor.take("SET", "GENERATED"):
        if not cursor.take("ALWAYS"):
            cursor.expect("BY", "DEFAULT")
        if cursor.take("AS"):
            cursor.expect("IDENTITY")
            cursor.take_group()
        return op.ChangeColumn(table, name, identity=True)
    if cursor.take("SET", "INLINE", "LENGTH") or cursor.take("SET", "CYCLE"):
        cursor.number()
        return op.ChangeTable(table, "column")
    if cursor.take("RESTART"):
        if cursor.take("WITH"):
            cursor.number()
        return op.ChangeTable(table, "column")
    raise cursor.unexpected("a change of a column")


def _property(cursor: Cursor, table: op.Name) -> op.Operation:
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
    return op.ChangeTable(table, "storage")


def rename(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``RENAME TABLE a TO b`` and ``RENAME INDEX a TO b``, from after ``RENAME``."""
    if cursor.take("SEQUENCE"):
        sequence = cursor.name()
        cursor.rest()
        return (op.AlterObject(op.ObjectKind.SEQUENCE, sequence),)
    index = cursor.take("INDEX")
    cursor.take("TABLE")
    old = cursor.name()
    cursor.expect("TO")
    new = cursor.part()
    return (op.RenameIndex(old, new) if index else op.RenameTable(old, op.Name(new, old.schema)),)


def reorganise(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``REORG TABLE``, from after ``REORG``; as a command, or inside ``ADMIN_CMD``."""
    if cursor.take("INDEXES", "ALL", "FOR", "TABLE") or cursor.take("INDEX"):
        cursor.rest()
        return (op.Harmless("reorg"),)
    cursor.expect("TABLE")
    table = cursor.name()
    online = cursor.take("INPLACE")
    cursor.rest()
    return (op.Harmless("reorg"),) if online else (op.RewriteTable(table, "reorg"),)


def call(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``CALL``, from after it: known administrative commands. Raises NotReadable for any other."""
    procedure = cursor.name().name
    if procedure not in ("ADMIN_CMD", "ADMIN_REVALIDATE_DB_OBJECTS"):
        raise NotReadable(f"what the procedure {procedure} does is not known", everything=True)
    if procedure == "ADMIN_REVALIDATE_DB_OBJECTS":
        cursor.group()
        return (op.Harmless("revalidate"),)
    cursor.expect("(")
    command = Cursor(cursor.string(), Engine.DB2)
    cursor.expect(")")
    if command.take("RUNSTATS"):
        return (op.Harmless("runstats"),)
    command.expect("REORG")
    return reorganise(command)

"""Reading Oracle's ``ALTER TABLE``: clauses one after another, each with one column or several in parentheses."""

from collections.abc import Callable

from belay.sql import operations as op
from belay.sql.columns import column, definition
from belay.sql.constraints import STORAGE, constraint, oracle_storage, starts_constraint, trailing
from belay.sql.cursor import Cursor
from belay.sql.tokens import NotReadable, TokenForm

_CLAUSES = frozenset("DEFAULT NOT NULL CONSTRAINT PRIMARY UNIQUE CHECK REFERENCES VISIBLE INVISIBLE ENCRYPT".split())


def alter_table(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``ALTER TABLE``, from after it."""
    table = cursor.name()
    found = _clause(cursor, table)
    while not cursor.done and not cursor.next_is(";"):
        found += _clause(cursor, table)
    return tuple(found)


def _clause(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    if cursor.take("ADD"):
        return _each(cursor, lambda: [_added(cursor, table)])
    if cursor.take("MODIFY"):
        return _modified(cursor, table)
    if cursor.take("DROP"):
        return _dropped(cursor, table)
    if cursor.take("RENAME"):
        return [_renamed(cursor, table)]
    if cursor.take("SET", "UNUSED"):
        cursor.take("COLUMN")
        return _columns_dropped(cursor, table)
    return [_property(cursor, table)]


def _each(cursor: Cursor, read: Callable[[], list[op.Operation]]) -> list[op.Operation]:
    if not cursor.next_is("("):
        return read()
    return [operation for found in cursor.within(read) for operation in found]


def _added(cursor: Cursor, table: op.Name) -> op.Operation:
    if starts_constraint(cursor):
        return op.AddConstraint(table, constraint(cursor))
    if cursor.next_is("PARTITION") or cursor.next_is("SUPPLEMENTAL"):
        raise NotReadable("a partition or a log group")
    cursor.take("COLUMN")
    read = column(cursor)
    if not read.typed and read.default is None:
        raise cursor.unexpected("a type")
    return op.AddColumn(table, read.column, tuple(read.constraints))


def _modified(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    if cursor.next_is("CONSTRAINT") or cursor.next_is("PRIMARY", "KEY") or cursor.next_is("UNIQUE", "("):
        return [_state(cursor, table)]
    return _each(cursor, lambda: _column(cursor, table))


def _column(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    """Only the named properties of a column change."""
    name = cursor.part()
    typed = cursor.token.kind is TokenForm.QUOTED or not (
        cursor.next_in(_CLAUSES) or cursor.token.word in (",", ")", "")
    )
    read = definition(cursor, name, typed=typed)
    found: list[op.Operation] = [
        op.ChangeColumn(
            table,
            name,
            read.column.type if typed else None,
            read.nullable,
            read.default,
            identity=True if read.column.identity else None,
        )
    ]
    kept = [each for each in read.constraints if each.kind is not op.ConstraintKind.NOT_NULL]
    return found + [op.AddConstraint(table, each) for each in kept]


def _state(cursor: Cursor, table: op.Name) -> op.Operation:
    """A constraint that is enabled or disabled. Enabling checks the existing rows."""
    name, _kind = _constraint(cursor)
    word = cursor.token.word
    validated = trailing(cursor).validated
    if word in ("ENABLE", "VALIDATE") and validated and name:
        return op.ValidateConstraint(table, name)
    return op.ChangeTable(table, "constraint")


def _constraint(cursor: Cursor) -> tuple[str, op.ConstraintKind | None]:
    if cursor.take("CONSTRAINT"):
        return cursor.part(), None
    if cursor.take("PRIMARY", "KEY"):
        return "", op.ConstraintKind.PRIMARY_KEY
    cursor.expect("UNIQUE")
    return f"({op.ConstraintKind.UNIQUE} {', '.join(cursor.columns())})", op.ConstraintKind.UNIQUE


def _dropped(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    if cursor.token.word in ("CONSTRAINT", "PRIMARY", "UNIQUE") and not cursor.next_is("PRIMARY", ")"):
        name, kind = _constraint(cursor)
        cascade = cursor.take("CASCADE")
        if cursor.take_any("KEEP", "DROP"):
            cursor.expect("INDEX")
        cursor.take("ONLINE")
        return [op.DropConstraint(table, name, kind, cascade=cascade)]
    if cursor.take("UNUSED", "COLUMNS"):
        return [op.ChangeTable(table, "unused columns")]
    if cursor.take("PARTITION"):
        partition = cursor.part()
        if cursor.take("UPDATE"):
            cursor.take("GLOBAL")
            cursor.expect("INDEXES")
        return [op.Truncate(table, partition=partition)]
    if not cursor.next_is("("):
        cursor.expect("COLUMN")
    return _columns_dropped(cursor, table)


def _columns_dropped(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    names = cursor.columns() if cursor.next_is("(") else (cursor.part(),)
    cascade = cursor.take("CASCADE", "CONSTRAINTS")
    cursor.take("INVALIDATE")
    if cursor.take("CHECKPOINT"):
        cursor.number()
    cursor.take("ONLINE")
    return [op.DropColumn(table, name, cascade=cascade) for name in names]


def _renamed(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("TO"):
        return op.RenameTable(table, op.Name(cursor.part(), table.schema))
    constraint_named = cursor.take("CONSTRAINT")
    if not constraint_named:
        cursor.expect("COLUMN")
    old, new = cursor.renamed()
    return op.RenameConstraint(table, old, new) if constraint_named else op.RenameColumn(table, old, new)


def _property(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take("MOVE"):
        online = cursor.take("ONLINE")
        while word := cursor.take_any(*STORAGE):
            oracle_storage(cursor, word)
        if cursor.take("LOB"):
            cursor.group()
            cursor.expect("STORE", "AS")
            cursor.take_any("SECUREFILE", "BASICFILE")
            cursor.take_group()
        online = cursor.take("ONLINE") or online
        return op.ChangeTable(table, "storage") if online else op.RewriteTable(table, "move")
    if cursor.take("SHRINK", "SPACE"):
        cursor.take_any("CASCADE", "COMPACT")
        return op.RewriteTable(table, "shrink")
    if cursor.take_any("ENABLE", "DISABLE"):
        if cursor.take("ALL", "TRIGGERS"):
            return op.ChangeTable(table, "triggers")
        if cursor.take("ROW", "MOVEMENT"):
            return op.ChangeTable(table, "row movement")
        cursor.at -= 1
        return _switched(cursor, table)
    if word := cursor.take_any(*STORAGE):
        oracle_storage(cursor, word)
        return op.ChangeTable(table, "storage")
    if cursor.take("READ", "ONLY") or cursor.take("READ", "WRITE"):
        return op.ChangeTable(table, "read only")
    raise cursor.unexpected("a change of a table")


def _switched(cursor: Cursor, table: op.Name) -> op.Operation:
    enabled = cursor.take("ENABLE")
    if not enabled:
        cursor.expect("DISABLE")
    checked = not cursor.take("NOVALIDATE")
    cursor.take("VALIDATE")
    name, _kind = _constraint(cursor)
    cursor.take("CASCADE")
    trailing(cursor)
    return op.ValidateConstraint(table, name) if enabled and checked and name else op.ChangeTable(table, "constraint")


def rename(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``RENAME a TO b``, from after ``RENAME``."""
    old = cursor.name()
    cursor.expect("TO")
    return (op.RenameTable(old, cursor.name()),)

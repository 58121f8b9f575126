"""Reading SQL Server's ``ALTER TABLE`` and the procedures that change tables, such as ``sp_rename``."""

from dataclasses import replace

from belay.sql import operations as op
from belay.sql.changes import Engine
from belay.sql.columns import column, definition
from belay.sql.constraints import constraint, made_online, starts_constraint
from belay.sql.cursor import Cursor
from belay.sql.defaults import default
from belay.sql.sessions import STARTERS
from belay.sql.tokens import NotReadable, TokenForm


def alter_table(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``ALTER TABLE``, from after it."""
    cursor.if_exists()
    table = cursor.name()
    said = cursor.take_any("CHECK", "NOCHECK") if cursor.take("WITH") else ""
    if cursor.take("ADD"):
        return tuple(_added(cursor, table, said != "NOCHECK"))
    if cursor.take("DROP"):
        return tuple(_dropped(cursor, table))
    if cursor.take("ALTER", "COLUMN"):
        return (_column(cursor, table),)
    if state := cursor.take_any("CHECK", "NOCHECK"):
        cursor.expect("CONSTRAINT")
        names = cursor.listed(cursor.part)
        # A constraint enabled again is checked only if the statement says so, unlike an added one
        # (https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-table-transact-sql, WITH CHECK).
        if state == said == "CHECK" and cursor.tokens[cursor.at - 1].word != "ALL":
            return tuple(op.ValidateConstraint(table, name) for name in names)
        return (op.ChangeTable(table, "constraint"),)
    return (_property(cursor, table),)


def _added(cursor: Cursor, table: op.Name, checked: bool) -> list[op.Operation]:
    found = _item(cursor, table, checked)
    while cursor.take(","):
        cursor.take("ADD")
        found += _item(cursor, table, checked)
    return found


def _item(cursor: Cursor, table: op.Name, checked: bool) -> list[op.Operation]:
    start = cursor.at
    named = cursor.part() if cursor.take("CONSTRAINT") else ""
    if cursor.take("DEFAULT"):
        value = default(cursor)
        cursor.expect("FOR")
        name = cursor.part()
        cursor.take("WITH", "VALUES")
        definition_ = op.ConstraintDefinition(op.ConstraintKind.DEFAULT, named, (name,), expression=value.text)
        return [op.ChangeColumn(table, name, default=value), op.AddConstraint(table, definition_)]
    cursor.at = start
    if starts_constraint(cursor):
        read = constraint(cursor)
        waits = read.kind in (op.ConstraintKind.CHECK, op.ConstraintKind.FOREIGN_KEY)
        return [op.AddConstraint(table, replace(read, validated=checked) if waits else read)]
    cursor.take("COLUMN")
    read_column = column(cursor)
    if not read_column.typed and read_column.default is None:
        raise cursor.unexpected("a type")
    return [op.AddColumn(table, read_column.column, tuple(read_column.constraints))]


def _dropped(cursor: Cursor, table: op.Name) -> list[op.Operation]:
    found: list[op.Operation] = []
    column_named = False
    while True:
        if cursor.take("COLUMN"):
            column_named = True
        elif cursor.take("CONSTRAINT"):
            column_named = False
        if_exists = cursor.if_exists()
        name = cursor.part()
        if cursor.take("WITH"):
            cursor.group()
        found.append(
            op.DropColumn(table, name, if_exists) if column_named else op.DropConstraint(table, name, None, if_exists)
        )
        if not cursor.take(","):
            return found


def _column(cursor: Cursor, table: op.Name) -> op.Operation:
    name = cursor.part()
    if cursor.take_any("ADD", "DROP"):
        cursor.take("NOT", "FOR", "REPLICATION")
        if not cursor.take_any("ROWGUIDCOL", "PERSISTED", "SPARSE", "HIDDEN", "REPLICATION"):
            raise cursor.unexpected("a property of a column")
        return op.ChangeTable(table, "column")
    read = definition(cursor, name, typed=True)
    if read.constraints or read.default:
        raise NotReadable("a column that is changed with a constraint on it")
    online = cursor.take("WITH") and made_online(cursor.group())
    return op.ChangeColumn(table, name, read.column.type, read.nullable is not False, online=online)


def _property(cursor: Cursor, table: op.Name) -> op.Operation:
    if cursor.take_any("ENABLE", "DISABLE"):
        if cursor.take("CHANGE_TRACKING"):
            if cursor.take("WITH"):
                cursor.group()
            return op.ChangeTable(table, "change tracking")
        cursor.expect("TRIGGER")
        cursor.listed(cursor.part)
        return op.ChangeTable(table, "triggers")
    if cursor.take("REBUILD"):
        if cursor.take("PARTITION"):
            cursor.expect("=", "ALL")
        online = cursor.take("WITH") and made_online(cursor.group())
        return op.ChangeTable(table, "storage") if online else op.RewriteTable(table, "rebuild")
    if cursor.take("SET"):
        if "LOCK_ESCALATION" not in cursor.group().upper():
            raise NotReadable("a property of a table that is not known")
        return op.ChangeTable(table, "lock escalation")
    raise cursor.unexpected("a change of a table")


_HARMLESS = frozenset(
    "sp_addextendedproperty sp_updateextendedproperty sp_dropextendedproperty sp_updatestats sp_refreshview "
    "sp_recompile sp_refreshsqlmodule sp_settriggerorder sp_tableoption".split()
)
_ROLES = frozenset("sp_addrolemember sp_droprolemember sp_addrole sp_adduser sp_grantdbaccess sp_addlogin".split())


def execute(cursor: Cursor) -> tuple[op.Operation, ...] | str:
    """``EXEC``, from after it: what a known procedure does, or the text of an executed string.

    Raises NotReadable for any other procedure.
    """
    if cursor.take("("):
        text = cursor.string()
        cursor.expect(")")
        return text
    procedure = cursor.name().name
    if procedure == "sp_executesql" and cursor.token.kind is TokenForm.STRING:
        text = cursor.string()
        if cursor.next_is(","):
            raise NotReadable("a statement with parameters", everything=True)
        return text
    if procedure == "sp_rename":
        return (_renamed(cursor),)
    if procedure in _HARMLESS | _ROLES:
        cursor.skip_to(";", *STARTERS)
        return (op.Grant(procedure),) if procedure in _ROLES else (op.Harmless(procedure),)
    raise NotReadable(f"what the procedure {procedure} does is not known", everything=True)


def _argument(cursor: Cursor) -> str:
    if cursor.token.kind is TokenForm.VARIABLE:
        cursor.at += 1
        cursor.expect("=")
    if not cursor.next_is_name():
        return cursor.string()
    start = cursor.at
    cursor.name()
    return cursor.since(start)


def _renamed(cursor: Cursor) -> op.Operation:
    arguments = cursor.listed(lambda: _argument(cursor))
    if len(arguments) not in (2, 3):
        raise cursor.unexpected("a new name")
    path = Cursor(arguments[0], Engine.SQLSERVER)
    parts = [path.part()]
    while path.take("."):
        parts.append(path.part())
    path.end()
    new = arguments[1].lower()
    kind = arguments[2].lower() if len(arguments) > 2 else "object"  # noqa: PLR2004 - the third says what it is
    if kind == "column" and len(parts) > 1:
        return op.RenameColumn(_table(parts[:-1]), parts[-1], new)
    if kind == "index" and len(parts) > 1:
        return op.RenameIndex(op.Name(parts[-1]), new, _table(parts[:-1]))
    if kind == "object":
        old = _table(parts)
        return op.RenameTable(old, op.Name(new, old.schema))
    raise NotReadable(f"a new name for a {kind}")


def _table(parts: list[str]) -> op.Name:
    schema = parts[-2] if len(parts) > 1 else ""
    return op.Name(parts[-1], "" if schema == "dbo" else schema)

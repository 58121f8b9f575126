"""Reading column definitions: a type, then clauses in any order; an unknown one makes the statement not understood."""

from dataclasses import dataclass, field, replace

from belay.sql.changes import MYSQL, Engine
from belay.sql.column_types import column_type, serial
from belay.sql.constraints import check, deferring, foreign_key, key_columns, key_options, nulls_not_distinct, trailing
from belay.sql.cursor import Cursor
from belay.sql.defaults import default
from belay.sql.operations import (
    ColumnDefinition,
    ConstraintDefinition,
    ConstraintKind,
    Default,
    DefaultKind,
    SqlType,
)
from belay.sql.tokens import NotReadable, TokenForm


@dataclass
class ReadColumn:
    """A column definition with the constraints written on it. Omitted parts are None."""

    column: ColumnDefinition
    constraints: list[ConstraintDefinition] = field(default_factory=list)
    nullable: bool | None = None
    default: Default | None = None
    typed: bool = True


def column(cursor: Cursor) -> ReadColumn:
    """A column's name, type and clauses."""
    name = cursor.part()
    return definition(cursor, name, typed=cursor.engine is Engine.POSTGRESQL or not cursor.next_in(_UNTYPED))


def definition(cursor: Cursor, name: str, *, typed: bool) -> ReadColumn:
    """What follows a column's name. Without a type, as when Oracle modifies one, only the clauses are read."""
    read = ReadColumn(ColumnDefinition(name, SqlType("")), typed=typed)
    if typed:
        type_ = column_type(cursor)
        if cursor.engine is Engine.POSTGRESQL and (numbered := serial(type_)):
            read.default = Default(DefaultKind.VOLATILE, "nextval")
            read.column = replace(read.column, type=numbered, identity=True)
            read.nullable = False
        elif cursor.engine in MYSQL and type_.name == "serial":
            read.column = replace(read.column, type=SqlType("bigint unsigned"), identity=True)
            read.nullable = False
            read.constraints.append(ConstraintDefinition(ConstraintKind.UNIQUE, columns=(name,)))
        else:
            read.column = replace(read.column, type=type_)
    while _clause(cursor, read):
        pass
    primary = any(constraint.kind is ConstraintKind.PRIMARY_KEY for constraint in read.constraints)
    nullable = not primary and read.nullable is not False
    read.column = replace(read.column, nullable=nullable, default=read.default or Default())
    return read


_UNTYPED = frozenset("AS GENERATED DEFAULT NOT NULL CONSTRAINT PRIMARY UNIQUE CHECK , )".split())


def _clause(cursor: Cursor, read: ReadColumn) -> bool:
    """Reads one clause if there is one; raises NotReadable inside an unknown one."""
    named = cursor.part() if cursor.take("CONSTRAINT") else ""
    if cursor.next_is("NOT", "NULL") or cursor.next_is("NULL"):
        read.nullable = not cursor.take("NOT", "NULL")
        if read.nullable:
            cursor.expect("NULL")
        elif named or (cursor.engine is Engine.POSTGRESQL and cursor.next_is("NO", "INHERIT")):
            inherited = not cursor.take("NO", "INHERIT")
            read.constraints.append(
                ConstraintDefinition(ConstraintKind.NOT_NULL, named, (read.column.name,), inherited=inherited)
            )
        trailing(cursor)
        return True
    if _constraint(cursor, read, named):
        return True
    if _value(cursor, read):
        if named and read.default:
            on, text = (read.column.name,), read.default.text
            read.constraints.append(ConstraintDefinition(ConstraintKind.DEFAULT, named, on, expression=text))
        return True
    if named:
        raise cursor.unexpected("a constraint")
    return _look(cursor, read)


def _constraint(cursor: Cursor, read: ReadColumn, named: str) -> bool:
    column: tuple[str, ...] = (read.column.name,)
    if cursor.take("PRIMARY", "KEY") or (cursor.engine in MYSQL and cursor.take("KEY")):
        column = _unseparated(cursor) or column
        key_options(cursor)
        read.constraints.append(ConstraintDefinition(ConstraintKind.PRIMARY_KEY, named, column))
    elif cursor.take("UNIQUE"):
        if cursor.engine in MYSQL:
            cursor.take("KEY")
        nulls_distinct = not nulls_not_distinct(cursor)
        column = _unseparated(cursor) or column
        key_options(cursor)
        read.constraints.append(
            ConstraintDefinition(ConstraintKind.UNIQUE, named, column, nulls_distinct=nulls_distinct)
        )
    elif cursor.next_is("REFERENCES") or (
        cursor.engine is Engine.SQLSERVER and cursor.take("FOREIGN", "KEY") and cursor.next_is("REFERENCES")
    ):
        constraint = foreign_key(cursor, named, column)
        if cursor.engine in MYSQL[:1]:  # MySQL parses and ignores these; MariaDB creates the key
            return True
        read.constraints.append(constraint)
    elif cursor.take("CHECK"):
        read.constraints.append(check(cursor, named))
    else:
        return False
    return True


def _unseparated(cursor: Cursor) -> tuple[str, ...]:
    """The columns of a table's key, before whose definition SQL Server allows the comma to be omitted."""
    if cursor.engine is not Engine.SQLSERVER:
        return ()
    cursor.take_any("CLUSTERED", "NONCLUSTERED")
    return key_columns(cursor) if cursor.next_is("(") else ()


def _value(cursor: Cursor, read: ReadColumn) -> bool:
    """The column's value if none is given: a default, a number, a computation."""
    if cursor.take("DEFAULT") or (cursor.engine is Engine.DB2 and cursor.take("WITH", "DEFAULT")):
        if cursor.engine is Engine.ORACLE and cursor.take("ON", "NULL"):
            cursor.take("FOR", "INSERT", "ONLY")
        read.default = default(cursor)
        if cursor.engine is Engine.SQLSERVER:
            cursor.take("WITH", "VALUES")
    elif cursor.take("GENERATED"):
        _generated(cursor, read)
    elif (cursor.engine in MYSQL and cursor.take("AUTO_INCREMENT")) or (
        cursor.engine is Engine.SQLSERVER and cursor.take("IDENTITY")
    ):
        cursor.take_group()
        cursor.take("NOT", "FOR", "REPLICATION")
        read.column = replace(read.column, identity=True)
        if cursor.engine is Engine.SQLSERVER:
            read.nullable = False if read.nullable is None else read.nullable
    elif cursor.engine is not Engine.POSTGRESQL and cursor.take("AS"):
        _computed(cursor, read)
    elif cursor.engine in MYSQL and cursor.take("ON", "UPDATE"):
        default(cursor)
    else:
        return False
    return True


def _generated(cursor: Cursor, read: ReadColumn) -> None:
    if not (always := cursor.take("ALWAYS")):
        cursor.expect("BY", "DEFAULT")
        cursor.take("ON", "NULL")
    cursor.expect("AS")
    if cursor.take("IDENTITY"):
        cursor.take_group()
        read.column = replace(read.column, identity=True)
        read.nullable = False
    elif cursor.engine is Engine.DB2 and cursor.take("ROW"):
        cursor.take_any("BEGIN", "END", "START")
        read.column = replace(read.column, generated=True)
    elif always and cursor.next_is("("):
        _computed(cursor, read)
    else:
        raise cursor.unexpected("IDENTITY or an expression")


def _computed(cursor: Cursor, read: ReadColumn) -> None:
    text = cursor.group()
    stored = bool(cursor.take_any("STORED", "PERSISTED", "PERSISTENT")) or cursor.engine is Engine.DB2
    if not stored:
        cursor.take("VIRTUAL")
    read.column = replace(read.column, generated=stored, virtual=not stored)
    # A virtual column costs no more than a constant: nothing is stored.
    read.default = Default(DefaultKind.UNKNOWN if stored else DefaultKind.CONSTANT, text)


_DB2_LOOKS = (
    *(("NOT", "LOGGED"), ("NOT", "COMPACT"), ("NOT", "HIDDEN"), ("IMPLICITLY", "HIDDEN")),
    ("COMPRESS", "SYSTEM", "DEFAULT"),
)


def _look(cursor: Cursor, read: ReadColumn) -> bool:
    """Clauses that change neither a column's possible values nor how rows get them."""
    engine = cursor.engine
    if cursor.take("COLLATE"):
        cursor.take("=")
        read.column = replace(read.column, collation=str(cursor.name()))
        return True
    if engine in MYSQL:
        return _mysql_look(cursor)
    if engine is Engine.POSTGRESQL:
        if cursor.take_any("STORAGE", "COMPRESSION"):
            cursor.part()
            return True
        return deferring(cursor)
    if engine is Engine.ORACLE:
        return bool(cursor.take_any("VISIBLE", "INVISIBLE", "SORT")) or cursor.take("ENCRYPT")
    if engine is Engine.SQLSERVER:
        return bool(cursor.take_any("SPARSE", "ROWGUIDCOL", "HIDDEN"))
    if engine is Engine.DB2:
        if cursor.take("INLINE", "LENGTH"):
            cursor.number()
            return True
        return bool(cursor.take_any("LOGGED", "COMPACT")) or any(cursor.take(*each) for each in _DB2_LOOKS)
    return False


def _mysql_look(cursor: Cursor) -> bool:
    if cursor.take("COMMENT"):
        cursor.take("=")
        cursor.string()
        return True
    if cursor.take("CHARACTER", "SET") or cursor.take("CHARSET") or cursor.take("CHAR", "SET"):
        cursor.take("=")
        if cursor.token.kind is TokenForm.STRING:
            cursor.string()
        else:
            cursor.part()
        return True
    if cursor.take_any("COLUMN_FORMAT", "STORAGE"):
        cursor.part()
        return True
    return bool(cursor.take_any("VISIBLE", "INVISIBLE", "BINARY", "ASCII", "UNICODE"))


def positioned(cursor: Cursor) -> None:
    """Takes MySQL's ``FIRST`` and ``AFTER column``, which change nothing but the order."""
    if cursor.engine in MYSQL and not cursor.take("FIRST") and cursor.take("AFTER"):
        cursor.part()


def typed_only(read: ReadColumn) -> None:
    """Raises NotReadable if a column that is created has no type and is not computed."""
    if not read.typed and not read.default:
        raise NotReadable(f"the column {read.column.name} has no type")

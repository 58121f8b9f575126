"""Reading a column's type: its words, arguments and what follows, in one spelling for those that are the same."""

from __future__ import annotations

from belay.sql.changes import Engine
from belay.sql.cursor import Cursor
from belay.sql.operations import SqlType
from belay.sql.tokens import NotReadable, TokenForm

_SAME = {
    Engine.POSTGRESQL: {
        "int": "integer",
        "int4": "integer",
        "int2": "smallint",
        "int8": "bigint",
        "float4": "real",
        "float": "double precision",
        "float8": "double precision",
        "decimal": "numeric",
        "dec": "numeric",
        "bool": "boolean",
        "character varying": "varchar",
        "char varying": "varchar",
        "national character varying": "varchar",
        "nchar varying": "varchar",
        "character": "char",
        "bpchar": "char",
        "national character": "char",
        "nchar": "char",
        "bit varying": "varbit",
        "timestamp without time zone": "timestamp",
        "timestamp with time zone": "timestamptz",
        "time without time zone": "time",
        "time with time zone": "timetz",
    },
    Engine.MYSQL: {
        "integer": "int",
        "int4": "int",
        "int1": "tinyint",
        "int2": "smallint",
        "int3": "mediumint",
        "middleint": "mediumint",
        "int8": "bigint",
        "bool": "tinyint",
        "boolean": "tinyint",
        "dec": "decimal",
        "fixed": "decimal",
        "numeric": "decimal",
        "double precision": "double",
        "real": "double",
        "character": "char",
        "character varying": "varchar",
        "national varchar": "nvarchar",
        "national char": "nchar",
    },
    Engine.ORACLE: {
        "varchar": "varchar2",
        "character varying": "varchar2",
        "char varying": "varchar2",
        "character": "char",
        "integer": "int",
        "decimal": "numeric",
        "dec": "numeric",
    },
    Engine.SQLSERVER: {
        "integer": "int",
        "dec": "decimal",
        "numeric": "decimal",
        "character": "char",
        "character varying": "varchar",
        "char varying": "varchar",
        "national character varying": "nvarchar",
        "national char varying": "nvarchar",
        "national character": "nchar",
        "double precision": "float",
        "rowversion": "timestamp",
    },
    Engine.DB2: {
        "int": "integer",
        "character": "char",
        "character varying": "varchar",
        "char varying": "varchar",
        "dec": "decimal",
        "numeric": "decimal",
        "double precision": "double",
        "float": "double",
        "character large object": "clob",
        "char large object": "clob",
        "binary large object": "blob",
        "binary varying": "varbinary",
    },
}
_SAME[Engine.MARIADB] = _SAME[Engine.MYSQL]

_MORE = {
    "DOUBLE": ("PRECISION",),
    "CHARACTER": ("VARYING", "LARGE OBJECT"),
    "CHAR": ("VARYING", "LARGE OBJECT"),
    "NCHAR": ("VARYING",),
    "BIT": ("VARYING",),
    "BINARY": ("VARYING", "LARGE OBJECT"),
    "NATIONAL": ("CHARACTER VARYING", "CHAR VARYING", "CHARACTER", "CHAR", "VARCHAR"),
    "LONG": ("RAW", "VARCHAR", "VARGRAPHIC", "VARBINARY"),
}
_MYSQL = (Engine.MYSQL, Engine.MARIADB)
_WIDTHS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_SERIAL = {
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
    "smallserial": "smallint",
    "serial2": "smallint",
}
_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")


def column_type(cursor: Cursor) -> SqlType:
    """The type that comes next. Raises NotReadable."""
    if cursor.token.kind is TokenForm.QUOTED:
        name = _user_type(cursor)
    else:
        if not cursor.next_is_name():
            raise cursor.unexpected("a type")
        first = cursor.token.word
        if cursor.tokens[cursor.at + 1].word == ".":
            name = _user_type(cursor)
        else:
            cursor.at += 1
            name = first.lower()
            for more in _MORE.get(first, ()):
                if cursor.take(*more.split()):
                    name = f"{name} {more.lower()}"
                    break
    return _with_arguments(cursor, name)


def serial(type_: SqlType) -> SqlType | None:
    """The type of the column that PostgreSQL makes of a ``serial``."""
    return SqlType(_SERIAL[type_.name]) if type_.name in _SERIAL else None


def _user_type(cursor: Cursor) -> str:
    name = cursor.name()
    system = {Engine.POSTGRESQL: "pg_catalog", Engine.SQLSERVER: "sys"}.get(cursor.engine)
    if cursor.next_is("."):
        raise cursor.unexpected()
    return name.name if name.schema == system or not name.schema else str(name)


def _with_arguments(cursor: Cursor, name: str) -> SqlType:
    if name == "interval":
        return _interval(cursor)
    arguments = _arguments(cursor) if cursor.next_is("(") else ()
    if name in ("timestamp", "time"):
        name += _time_zone(cursor)
    elif cursor.engine in _MYSQL:
        name, arguments = _mysql(cursor, name, arguments)
    elif cursor.engine is Engine.DB2:
        if cursor.take("FOR", "BIT", "DATA"):
            name += " for bit data"
        elif not cursor.take("FOR", "SBCS", "DATA"):
            cursor.take("FOR", "MIXED", "DATA")
    name = _SAME[cursor.engine].get(name, name)
    if cursor.engine is Engine.POSTGRESQL:
        while cursor.next_is("[") or cursor.take("ARRAY"):
            if cursor.next_is("["):
                cursor.group()
            name += "" if name.endswith("[]") else "[]"
    elif name == "numeric" and cursor.engine is Engine.ORACLE:
        name = "number"
    return SqlType(name, arguments)


def _arguments(cursor: Cursor) -> tuple[str, ...]:
    cursor.expect("(")
    found = []
    while True:
        start = cursor.at
        while not cursor.done and not cursor.next_is(",") and not cursor.next_is(")"):
            if cursor.next_is("("):
                raise NotReadable("a type whose arguments are not known")
            cursor.at += 1
        if cursor.at == start:
            raise cursor.unexpected("a type's argument")
        argument = cursor.since(start)
        found.append(argument if argument[-1] in "'\"" else argument.lower())
        if not cursor.take(","):
            cursor.expect(")")
            return tuple(found)


def _time_zone(cursor: Cursor) -> str:
    if cursor.take("WITH", "TIME", "ZONE"):
        return " with time zone"
    if cursor.take("WITH", "LOCAL", "TIME", "ZONE"):
        return " with local time zone"
    return " without time zone" if cursor.take("WITHOUT", "TIME", "ZONE") else ""


def _interval(cursor: Cursor) -> SqlType:
    arguments: list[str] = []
    if cursor.next_is("("):
        arguments += _arguments(cursor)
    while field := cursor.take_any(*_FIELDS, "TO"):
        arguments.append(field.lower())
        if cursor.next_is("("):
            arguments += _arguments(cursor)
    name = "interval"
    while cursor.engine is Engine.POSTGRESQL and cursor.next_is("["):
        cursor.group()
        name = "interval[]"
    return SqlType(name, tuple(arguments))


def _mysql(cursor: Cursor, name: str, arguments: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    name = _SAME[Engine.MYSQL].get(name, name)
    while word := cursor.take_any("UNSIGNED", "SIGNED", "ZEROFILL"):
        name += " unsigned" if word != "SIGNED" and not name.endswith(" unsigned") else ""
    return name, () if name.partition(" ")[0] in _WIDTHS else arguments

"""Reading a column's type: its words, arguments and suffixes, in one spelling for equivalent types."""

from belay.sql.changes import MYSQL, Engine
from belay.sql.cursor import Cursor
from belay.sql.operations import SqlType
from belay.sql.tokens import NotReadable, TokenForm

_SPELLINGS = {
    Engine.POSTGRESQL: {
        "integer": "int, int4",
        "smallint": "int2",
        "bigint": "int8",
        "real": "float4",
        "double precision": "float, float8",
        "numeric": "decimal, dec",
        "boolean": "bool",
        "varchar": "character varying, char varying, national character varying, nchar varying",
        "char": "character, bpchar, national character, nchar",
        "varbit": "bit varying",
        "timestamp": "timestamp without time zone",
        "timestamptz": "timestamp with time zone",
        "time": "time without time zone",
        "timetz": "time with time zone",
    },
    Engine.MYSQL: {
        "int": "integer, int4",
        "tinyint": "int1, bool, boolean",
        "smallint": "int2",
        "mediumint": "int3, middleint",
        "bigint": "int8",
        "decimal": "dec, fixed, numeric",
        "double": "double precision, real",
        "char": "character",
        "varchar": "character varying",
        "nvarchar": "national varchar",
        "nchar": "national char",
    },
    Engine.ORACLE: {
        "varchar2": "varchar, character varying, char varying",
        "char": "character",
        "int": "integer",
        "number": "numeric, decimal, dec",
    },
    Engine.SQLSERVER: {
        "int": "integer",
        "decimal": "dec, numeric",
        "char": "character",
        "varchar": "character varying, char varying",
        "nvarchar": "national character varying, national char varying",
        "nchar": "national character",
        "float": "double precision",
        "timestamp": "rowversion",
    },
    Engine.DB2: {
        "integer": "int",
        "char": "character",
        "varchar": "character varying, char varying",
        "decimal": "dec, numeric",
        "double": "double precision, float",
        "clob": "character large object, char large object",
        "blob": "binary large object",
        "varbinary": "binary varying",
    },
}
"""Each type that has other spellings, with these."""
_SAME = {
    engine: {other: name for name, others in spellings.items() for other in others.split(", ")}
    for engine, spellings in _SPELLINGS.items()
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
    """The type of the column that PostgreSQL creates for a ``serial``."""
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
    elif cursor.engine in MYSQL:
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
    return SqlType(name, arguments)


def _arguments(cursor: Cursor) -> tuple[str, ...]:
    return tuple(cursor.within(lambda: _argument(cursor)))


def _argument(cursor: Cursor) -> str:
    start = cursor.at
    while not cursor.done and not cursor.next_is(",") and not cursor.next_is(")"):
        if cursor.next_is("("):
            raise NotReadable("a type whose arguments are not known")
        cursor.at += 1
    if cursor.at == start:
        raise cursor.unexpected("a type's argument")
    argument = cursor.since(start)
    return argument if argument[-1] in "'\"" else argument.lower()


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

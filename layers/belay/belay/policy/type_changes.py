"""What it means to give a column another type: whether old values still fit, and whether rows are rewritten."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from belay.sql.changes import MYSQL, Engine
from belay.sql.operations import SqlType

ONE_BYTE: Final = 255
"""The bytes up to which MySQL keeps a text's length in one byte; a character has one to four."""


class TypeChange(Enum):
    """SAME is no change, WIDER takes everything that the old type took, OTHER is any other."""

    SAME = auto()
    WIDER = auto()
    OTHER = auto()


_LENGTHS: Final = {
    Engine.POSTGRESQL: {"varchar", "varbit", "timestamp", "timestamptz", "time", "timetz", "interval"},
    Engine.MYSQL: {"varchar", "nvarchar", "varbinary", "char", "binary"},
    Engine.ORACLE: {"varchar2", "nvarchar2", "raw", "char", "nchar", "timestamp"},
    Engine.SQLSERVER: {"varchar", "nvarchar", "varbinary", "char", "nchar", "binary", "datetime2", "time"},
    Engine.DB2: {"varchar", "vargraphic", "varbinary", "char", "graphic", "clob", "blob", "dbclob"},
}
_LENGTHS[Engine.MARIADB] = _LENGTHS[Engine.MYSQL]
"""Types whose only argument is a maximum size; without it there is none."""

_UNBOUNDED: Final = {
    Engine.POSTGRESQL: {
        ("varchar", "text"),
        ("text", "varchar"),
        ("citext", "text"),
        ("text", "citext"),
        ("cidr", "inet"),
    },
    Engine.MYSQL: {
        *(("tinytext", longer) for longer in ("text", "mediumtext", "longtext")),
        *(("tinyblob", longer) for longer in ("blob", "mediumblob", "longblob")),
        *(("text", longer) for longer in ("mediumtext", "longtext")),
        *(("blob", longer) for longer in ("mediumblob", "longblob")),
        ("mediumtext", "longtext"),
        ("mediumblob", "longblob"),
        *(("varchar", longer) for longer in ("mediumtext", "longtext")),
    },
}
_UNBOUNDED[Engine.MARIADB] = _UNBOUNDED[Engine.MYSQL]
"""Pairs of which the second takes whatever the first held, and reads the same."""

_DECIMALS: Final = frozenset({"numeric", "decimal", "number"})
_LISTED: Final = frozenset({"enum", "set"})


def type_change(engine: Engine, old: SqlType, new: SqlType) -> TypeChange:
    """Return the kind of a column's type change."""
    if old == new:
        return TypeChange.SAME
    if old.name != new.name:
        pair = (old.name, new.name)
        wider = pair in _UNBOUNDED.get(engine, set()) and not (pair[1] == "varchar" and new.arguments)
        return TypeChange.WIDER if wider else TypeChange.OTHER
    if old.name in _LENGTHS[engine]:
        return TypeChange.WIDER if _fits(old.arguments, new.arguments) else TypeChange.OTHER
    if old.name in _DECIMALS:
        return TypeChange.WIDER if _decimal_fits(engine, old.arguments, new.arguments) else TypeChange.OTHER
    if old.name in _LISTED and engine in MYSQL:
        return TypeChange.WIDER if set(old.arguments) <= set(new.arguments) else TypeChange.OTHER
    return TypeChange.OTHER


def _length(arguments: tuple[str, ...]) -> tuple[int, str] | None:
    """Return a length with its unit, ``(20, "char")``; None if any length fits."""
    if not arguments or arguments[0] == "max":
        return None
    number, _, unit = arguments[0].partition(" ")
    return (int(number), unit.strip()) if number.isdigit() else (0, arguments[0])


def _fits(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    before, after = _length(old), _length(new)
    if after is None:
        return True
    return before is not None and before[1] == after[1] and before[0] <= after[0]


def _decimal_fits(engine: Engine, old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    if not all(argument.lstrip("-").isdigit() for argument in (*old, *new)):
        return False
    if not new:
        return engine in (Engine.POSTGRESQL, Engine.ORACLE)
    if not old:
        return False
    before, after = _digits(old), _digits(new)
    if engine is Engine.POSTGRESQL and before[1] != after[1]:
        return False
    return before[0] - before[1] <= after[0] - after[1] and before[1] <= after[1]


def _digits(arguments: tuple[str, ...]) -> tuple[int, int]:
    return int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0


def rewrites(engine: Engine, old: SqlType, new: SqlType) -> bool | None:
    """Whether the change of type rewrites every row while others wait; None if that depends on the character set.

    PostgreSQL: https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-NOTES, MySQL:
    https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html#online-ddl-column-operations, MariaDB:
    https://mariadb.com/docs/server/server-usage/storage-engines/innodb/innodb-online-ddl/, SQL Server:
    https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-table-transact-sql, Oracle:
    https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/ALTER-TABLE.html, Db2:
    https://www.ibm.com/docs/en/db2/12.1.0?topic=statements-alter-table
    """
    change = type_change(engine, old, new)
    if change is TypeChange.SAME:
        return False
    return _REWRITES[engine](old, new, change)


def _mysql(old: SqlType, new: SqlType, change: TypeChange) -> bool | None:
    if old.name == new.name and old.name in _LISTED:
        return new.arguments[: len(old.arguments)] != old.arguments
    if change is not TypeChange.WIDER or old.name != new.name or old.name not in ("varchar", "varbinary", "nvarchar"):
        return True
    before, after = _length(old.arguments), _length(new.arguments)
    if before is None or after is None:
        return True
    sizes = (1,) if old.name == "varbinary" else (1, 3, 4)
    crossed = {before[0] * size <= ONE_BYTE < after[0] * size for size in sizes}
    return crossed.pop() if len(crossed) == 1 else None


_STORAGE: Final = ((9, 5), (19, 9), (28, 13), (38, 17))


def _sqlserver(old: SqlType, new: SqlType, change: TypeChange) -> bool:
    if change is not TypeChange.WIDER or old.name in ("char", "nchar", "binary"):
        return True
    if old.name in _DECIMALS:
        (before, scale), (after, other) = _digits(old.arguments), _digits(new.arguments)
        return scale != other or _bytes(before) != _bytes(after)
    return old.name in ("datetime2", "time")


def _bytes(precision: int) -> int:
    return next((size for most, size in _STORAGE if precision <= most), 17)


_VARYING: Final = frozenset({"varchar", "vargraphic", "varbinary"})
_REWRITES: Final[dict[Engine, Callable[[SqlType, SqlType, TypeChange], bool | None]]] = {
    Engine.POSTGRESQL: lambda _old, _new, change: change is not TypeChange.WIDER,
    Engine.MYSQL: _mysql,
    Engine.MARIADB: _mysql,
    Engine.ORACLE: lambda old, _new, change: change is not TypeChange.WIDER or old.name in ("char", "nchar"),
    Engine.SQLSERVER: _sqlserver,
    Engine.DB2: lambda old, _new, change: change is not TypeChange.WIDER or old.name not in _VARYING,
}

_MAY_BE_FREE: Final = frozenset(
    {"varchar", "text", "citext", "numeric", "inet", "varbit", "timestamp", "timestamptz", "time", "timetz", "interval"}
)


def may_be_free(engine: Engine, new: SqlType) -> bool:
    """Whether a change to this type may change nothing, or only widen, if the column's old type is unknown.

    In PostgreSQL a statement changes the type and nothing else, and most types cannot hold another's values; in the
    other engines it repeats the type to change something else.
    """
    return engine is not Engine.POSTGRESQL or new.name in _MAY_BE_FREE

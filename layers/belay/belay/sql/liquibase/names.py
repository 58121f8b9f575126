"""Names and types as Liquibase writes them for an engine.

Sources: https://docs.liquibase.com/concepts/data-type-handling.html,
https://docs.liquibase.com/concepts/changelogs/attributes/object-quoting-strategy.html
"""

import re
from typing import Final

from belay.sql.changes import Engine

_QUOTES: Final = {Engine.MYSQL: ("`", "`"), Engine.MARIADB: ("`", "`"), Engine.SQLSERVER: ("[", "]")}
_WRITTEN: Final[dict[Engine, dict[str, str]]] = {
    Engine.POSTGRESQL: {
        "bytea": "blob longblob longvarbinary varbinary",
        "decimal": "currency",
        "double precision": "double",
        "numeric": "number",
        "smallint": "tinyint",
        "text": "clob longtext longvarchar mediumtext nclob",
        "timestamp": "datetime",
        "varchar": "nvarchar nvarchar2 varchar2",
    },
    Engine.MYSQL: {
        "char(36)": "uuid",
        "decimal": "currency",
        "longblob": "longvarbinary",
        "longtext": "clob longvarchar nclob",
        "numeric": "number",
        "tinyint(1)": "boolean java.sql.types.boolean",
        "varchar": "varchar2",
    },
    Engine.ORACLE: {
        "clob": "longvarchar text",
        "date": "time",
        "float(24)": "double",
        "integer": "int",
        "number(1)": "boolean",
        "number(3)": "tinyint",
        "number(15, 2)": "currency",
        "number(38, 0)": "bigint",
        "nvarchar2": "nvarchar",
        "raw(16)": "uuid",
        "timestamp": "datetime",
        "varchar2": "varchar",
    },
    Engine.SQLSERVER: {
        "bit": "boolean",
        "datetime2": "timestamp",
        "float": "double",
        "money": "currency",
        "numeric": "number",
        "nvarchar(max)": "nclob",
        "uniqueidentifier": "uuid",
        "varbinary(max)": "blob",
        "varchar": "varchar2",
        "varchar(max)": "clob longvarchar",
    },
    Engine.DB2: {
        "char(36)": "uuid",
        "clob": "longvarchar text",
        "decimal(19, 4)": "currency",
        "smallint": "bit boolean tinyint",
        "timestamp": "datetime",
        "varchar": "nvarchar varchar2",
    },
}
"""The engines' types, each with the changelog types that map to it."""
_TYPES: Final = {
    engine: {each: name for name, written in types.items() for each in written.split()}
    for engine, types in _WRITTEN.items()
}
_TYPES[Engine.MARIADB] = _TYPES[Engine.MYSQL]
_TYPE: Final = re.compile(
    r"(?:java\.sql\.Types\.)?(?P<name>[A-Za-z_]\w*+(?:[ ]\w++)*+)[ ]*+(?P<arguments>\([^()]*+\))?+(?P<rest>[^;]*+)",
    re.IGNORECASE,
)
_UPPER: Final = frozenset({Engine.ORACLE, Engine.DB2})


def quoted(name: str, engine: Engine, *, as_written: bool = False) -> str:
    """Return a name in quotes that means what Liquibase's own unquoted one would.

    Liquibase quotes names of both cases for PostgreSQL, and all names (``as_written``) if the changelog says so; others
    are folded as the engine folds them.
    """
    opening, closing = _QUOTES.get(engine, ('"', '"'))
    mixed = name != name.lower() and name != name.upper()
    if not as_written and (engine in _UPPER or (engine is Engine.POSTGRESQL and not mixed)):
        name = name.upper() if engine in _UPPER else name.lower()
    return opening + name.replace(closing, closing * 2) + closing


def column_type(written: str, engine: Engine) -> str:
    """Return the engine's type for one of Liquibase's; one that it does not change is returned as is.

    Raises ``ValueError`` if it is no type.
    """
    found = _TYPE.fullmatch(written.strip())
    if found is None:
        raise ValueError(written)
    name, arguments, rest = found["name"], found["arguments"] or "", found["rest"]
    mapped = _TYPES[engine].get(name.lower(), name)
    if mapped.endswith(")") or mapped in {"text", "bytea", "clob", "longtext"}:
        arguments = ""
    return f"{mapped}{arguments}{rest}"

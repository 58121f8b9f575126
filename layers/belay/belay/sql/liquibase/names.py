"""Names and types as Liquibase writes them for an engine.

Sources: https://docs.liquibase.com/concepts/data-type-handling.html,
https://docs.liquibase.com/concepts/changelogs/attributes/object-quoting-strategy.html
"""

from __future__ import annotations

import re
from typing import Final

from belay.sql.changes import Engine

_QUOTES: Final = {Engine.MYSQL: ("`", "`"), Engine.MARIADB: ("`", "`"), Engine.SQLSERVER: ("[", "]")}
_TYPES: Final[dict[Engine, dict[str, str]]] = {
    Engine.POSTGRESQL: {
        "blob": "bytea",
        "clob": "text",
        "currency": "decimal",
        "datetime": "timestamp",
        "double": "double precision",
        "longblob": "bytea",
        "longtext": "text",
        "longvarbinary": "bytea",
        "longvarchar": "text",
        "mediumtext": "text",
        "nclob": "text",
        "number": "numeric",
        "nvarchar": "varchar",
        "nvarchar2": "varchar",
        "tinyint": "smallint",
        "varbinary": "bytea",
        "varchar2": "varchar",
    },
    Engine.MYSQL: {
        "boolean": "tinyint(1)",
        "clob": "longtext",
        "currency": "decimal",
        "java.sql.types.boolean": "tinyint(1)",
        "longvarbinary": "longblob",
        "longvarchar": "longtext",
        "nclob": "longtext",
        "number": "numeric",
        "uuid": "char(36)",
        "varchar2": "varchar",
    },
    Engine.ORACLE: {
        "bigint": "number(38, 0)",
        "boolean": "number(1)",
        "currency": "number(15, 2)",
        "datetime": "timestamp",
        "double": "float(24)",
        "int": "integer",
        "longvarchar": "clob",
        "nvarchar": "nvarchar2",
        "text": "clob",
        "time": "date",
        "tinyint": "number(3)",
        "uuid": "raw(16)",
        "varchar": "varchar2",
    },
    Engine.SQLSERVER: {
        "blob": "varbinary(max)",
        "boolean": "bit",
        "clob": "varchar(max)",
        "currency": "money",
        "double": "float",
        "longvarchar": "varchar(max)",
        "nclob": "nvarchar(max)",
        "number": "numeric",
        "timestamp": "datetime2",
        "uuid": "uniqueidentifier",
        "varchar2": "varchar",
    },
    Engine.DB2: {
        "bit": "smallint",
        "boolean": "smallint",
        "currency": "decimal(19, 4)",
        "datetime": "timestamp",
        "longvarchar": "clob",
        "nvarchar": "varchar",
        "text": "clob",
        "tinyint": "smallint",
        "uuid": "char(36)",
        "varchar2": "varchar",
    },
}
_TYPES[Engine.MARIADB] = _TYPES[Engine.MYSQL]
_TYPE: Final = re.compile(
    r"(?:java\.sql\.Types\.)?(?P<name>[A-Za-z_]\w*+(?:[ ]\w++)*+)[ ]*+(?P<arguments>\([^()]*+\))?+(?P<rest>[^;]*+)",
    re.IGNORECASE,
)
_LOWER: Final = frozenset({Engine.POSTGRESQL})
_UPPER: Final = frozenset({Engine.ORACLE, Engine.DB2})


def quoted(name: str, engine: Engine, *, as_written: bool = False) -> str:
    """Return a name in quotes that means what Liquibase's own unquoted one would.

    Liquibase quotes names of both cases for PostgreSQL, and every one (``as_written``) if the changelog says so; any
    other is folded as the engine folds it.
    """
    opening, closing = _QUOTES.get(engine, ('"', '"'))
    mixed = name != name.lower() and name != name.upper()
    if not as_written and (engine in _UPPER or (engine in _LOWER and not mixed)):
        name = name.upper() if engine in _UPPER else name.lower()
    return opening + name.replace(closing, closing * 2) + closing


def column_type(written: str, engine: Engine) -> str:
    """Return the engine's type for one of Liquibase's; one that it does not change is left as it is.

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

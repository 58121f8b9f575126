"""Which changes run in one transaction: PostgreSQL refuses some statements there."""

import re
from collections.abc import Iterable
from typing import Final

from belay.sql.changes import Engine, SqlStatement

_OUTSIDE: Final = re.compile(
    r"(?:CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY|DROP\s+INDEX\s+CONCURRENTLY|REINDEX\b.*\bCONCURRENTLY\b"
    r"|VACUUM|ALTER\s+SYSTEM|(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE)|CREATE\s+SUBSCRIPTION|DISCARD\s+ALL"
    r"|ALTER\s+TABLE\b.*\bDETACH\s+PARTITION\b.*\bCONCURRENTLY|REINDEX\s+(?:DATABASE|SYSTEM))\b",
    re.IGNORECASE,
)
"""https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY and the others' pages."""
_SETTING: Final = re.compile(r"(?:SET|RESET|SELECT)\b", re.IGNORECASE)
_BEGIN: Final = re.compile(r"(?:BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_TOLD_BY: Final = 500
"""Characters of a statement that identify it."""


def in_transaction(statements: Iterable[SqlStatement], engine: Engine) -> bool:
    """Whether a change is run in one transaction, by Flyway's rule.

    It is not if everything it does, except settings and queries, is refused by PostgreSQL in a transaction block. A
    change that mixes both is run in one, and fails there.
    """
    beginnings = [each.text[:_TOLD_BY] for each in statements]
    outside = [bool(_OUTSIDE.match(each)) for each in beginnings if not _SETTING.match(each)]
    return engine is not Engine.POSTGRESQL or not outside or not all(outside)


def needs_transaction(statements: Iterable[SqlStatement], engine: Engine) -> bool:
    """Whether a file that is run by itself may run in one transaction: ``psql`` begins none that the file does not."""
    beginnings = [each.text[:_TOLD_BY] for each in statements]
    return (
        engine is not Engine.POSTGRESQL
        or not any(map(_OUTSIDE.match, beginnings))
        or any(map(_BEGIN.match, beginnings))
    )

"""What is left of a statement outside a transaction, if the worker died during it or it failed."""

import re
from enum import StrEnum
from typing import Final

from packs.postgresql.session import DatabaseSession, without_comments

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?'
_CREATE: Final = re.compile(
    rf"create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?({_NAME})\s+on\s+(?:only\s+)?({_NAME})",
    re.IGNORECASE,
)
_DROP: Final = re.compile(
    rf"drop\s+index\s+concurrently\s+(?:if\s+exists\s+)?({_NAME})\s*(?:cascade|restrict)?\s*$", re.IGNORECASE
)
_REPEATABLE: Final = re.compile(
    r"(?:analyze|vacuum|alter\s+type\s+\S+\s+add\s+value\s+if\s+not\s+exists)\b", re.IGNORECASE
)


class Left(StrEnum):
    """What exists of a statement's result: all, nothing, or unknown."""

    ALL = "all"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


def settle(session: DatabaseSession, text: str) -> Left:
    """Determine what is left of a statement that ran outside a transaction.

    A half-built index is removed, and a half-removed one is removed completely.

    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    statement = without_comments(text)
    if created := _CREATE.match(statement):
        return _created(session, created[1], created[2])
    if dropped := _DROP.match(statement):
        return _dropped(session, dropped[1])
    return Left.NOTHING if _REPEATABLE.match(statement) else Left.UNKNOWN


def _created(session: DatabaseSession, index: str, table: str) -> Left:
    found = session.rows(
        "SELECT i.indisvalid, format('%I.%I', n.nspname, c.relname) FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE i.indrelid = to_regclass(:table) AND c.relname = (parse_ident(:index))[1]",
        table=table,
        index=index,
    )
    if not found:
        return Left.NOTHING
    ((valid, name),) = found
    if valid:
        return Left.ALL
    session.rows(f"DROP INDEX CONCURRENTLY {name}")
    return Left.NOTHING


def _dropped(session: DatabaseSession, index: str) -> Left:
    found = session.rows(
        "SELECT indisvalid, indexrelid::regclass::text FROM pg_index WHERE indexrelid = to_regclass(:name)", name=index
    )
    if not found:
        return Left.ALL
    ((valid, name),) = found
    if valid:
        return Left.NOTHING
    session.rows(f"DROP INDEX CONCURRENTLY {name}")
    return Left.ALL

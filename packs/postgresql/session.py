"""One connection to the database: Belay's own queries with parameters, and the statements of changes, one at a time.

An error of the server is a ``DatabaseError``. A broken connection is an ``InterfaceError``, which is not caught: the
worker ends, and the next one examines the database.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pg8000.native
from pg8000.native import DatabaseError

from belay.database.executor import ChangeError, HandedStatement

_LOCK_KEY: Final = 0x62656C6179
"""The advisory lock of a database's one active executor: ``belay`` in ASCII."""

_OF_A_WORKER: Final = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "10s",
}
"""A killed worker must not keep its locks: the server checks whether its client is still connected."""

_IDLE: Final = b"I"
_BEGIN: Final = re.compile(r"(?:begin|start\s+transaction)\b", re.IGNORECASE)
_COMMIT: Final = re.compile(r"(?:commit|end)\b(?!\s+prepared)", re.IGNORECASE)
_CONTROL: Final = re.compile(
    r"(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction"
    r"|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b",
    re.IGNORECASE,
)
_COMMENTS: Final = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)


class DatabaseSession:
    """A connection on which each statement commits by itself unless a transaction was begun."""

    def __init__(self, connection: pg8000.native.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        """Run one of Belay's queries; parameters are written ``:name``."""
        return list(self._connection.run(sql, **parameters) or [])

    def execute(self, text: str) -> int:
        """Run one statement of a change and return how many rows it wrote, 0 if it counts none.

        The server refuses a text of several statements, so that an error of the splitter does not go unnoticed.
        """
        count: int = self._connection.execute_unnamed(text).row_count
        return max(count, 0)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, according to the server's last response."""
        return bool(self._connection._transaction_status != _IDLE)

    def begin(self) -> None:
        """Begin a transaction."""
        self.rows("BEGIN")

    def commit(self) -> None:
        """Commit the transaction. Raises ``DatabaseError`` if a deferred constraint is violated."""
        self.rows("COMMIT")

    def rollback(self) -> None:
        """Roll the transaction back, if one is open."""
        if self.in_transaction:
            self.rows("ROLLBACK")

    def take_lock(self) -> bool:
        """Become the database's one executor until the connection ends; False if another is."""
        ((taken,),) = self.rows("SELECT pg_try_advisory_lock(:key)", key=_LOCK_KEY)
        return bool(taken)

    def is_locked(self) -> bool:
        """Whether an executor is active: its backend has the lock until the server has ended its last statement."""
        ((found,),) = self.rows(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND (classid::bigint << 32 | objid::bigint) = :key)",
            key=_LOCK_KEY,
        )
        return bool(found)

    def reset(self, settings: Mapping[str, str]) -> None:
        """Reset what a change may have set for the session, and set what every change runs with."""
        for statement in ("RESET ROLE", "RESET ALL", "DISCARD TEMP"):
            self.rows(statement)
        # PostgreSQL 13 does not have all of them.
        self.rows(
            "SELECT set_config(known.name, given.value, false) FROM jsonb_each_text(CAST(:given AS jsonb)) AS given"
            " JOIN pg_settings AS known ON known.name = given.key",
            given=json.dumps({**_OF_A_WORKER, **settings}),
        )

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def code_of(error: DatabaseError) -> str:
    """Return the SQLSTATE."""
    return str(_fields(error).get("C", ""))


def change_error(error: DatabaseError, statement: HandedStatement) -> ChangeError:
    """Return what failed and where. The server's DETAIL is left out: it quotes rows."""
    fields = _fields(error)
    line, column = statement.line, statement.column
    position = str(fields.get("P", ""))
    if position.isdigit() and statement.text is not None:
        before = statement.text[: int(position) - 1]
        line += before.count("\n")
        column = len(before) - before.rfind("\n") if "\n" in before else column + len(before)
    return ChangeError(str(fields.get("M", error)), code_of(error), statement.path, line, column)


def without_comments(text: str) -> str:
    """Return a statement's text from its first word."""
    found = _COMMENTS.match(text)
    return text[found.end() :] if found else text


def begins(text: str) -> bool:
    """Whether a statement begins a transaction."""
    return _BEGIN.match(without_comments(text)) is not None


def commits(text: str) -> bool:
    """Whether a statement commits a transaction."""
    return _COMMIT.match(without_comments(text)) is not None


def controls_transaction(text: str) -> bool:
    """Whether a statement begins or ends a transaction."""
    return _CONTROL.match(without_comments(text)) is not None


def _fields(error: DatabaseError) -> dict[str, Any]:
    (found,) = error.args or ({},)
    return found if isinstance(found, dict) else {}

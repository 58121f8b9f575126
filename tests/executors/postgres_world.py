"""An executor of PostgreSQL in this process: its documents, and a worker that can be killed at any statement."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pg8000.native

from belay.database.executor import (
    Ask,
    Begin,
    ChangeDocument,
    DatabaseAddress,
    HandedChange,
    HandedStatement,
    Look,
    OperationAnswer,
    OperationState,
    StoredDocument,
    encoded,
    read_answer,
    written,
)
from belay.sql.changes import Engine, Format
from local.postgres import Address
from packs.executors.serving import ChangeDocuments, answered
from packs.postgresql.executor import SETTINGS, PostgresExecutor
from packs.postgresql.session import DatabaseSession

BUCKET = "artifacts"
ANSWERED_WITHIN = 300.0
"""Seconds: a statement that waits for a lock that is never released is a fault, not an endless test."""
READING = re.compile(r"\s*(?:select(?! pg_try)|reset|set|explain|prepare|deallocate|discard)\b", re.IGNORECASE)


class Killed(BaseException):
    """The worker's process is dead: nothing of it runs any more."""


class MortalConnection(pg8000.native.Connection):
    """A connection whose process dies after the n-th statement with an effect; ``dying`` creates a class of it.

    Statements that only read or set are not counted: the database is the same before and after.
    """

    at = 0
    count = 0
    fault: type[BaseException] = Killed

    def execute_simple(self, statement: str) -> Any:
        result = super().execute_simple(statement)
        self._die(statement)
        return result

    def execute_unnamed(self, statement: str, *arguments: Any, **named: Any) -> Any:
        result = super().execute_unnamed(statement, *arguments, **named)
        self._die(statement)
        return result

    def _die(self, statement: str) -> None:
        kind = type(self)
        if not READING.match(statement):
            kind.count += 1
        if kind.count == kind.at:
            raise kind.fault


def dying(at: int, fault: type[BaseException] = Killed) -> type[MortalConnection]:
    """A class of connection that dies after its n-th statement, counted over all its connections; 0 is never.

    With another ``fault`` only the statement's caller fails, and the process survives.
    """
    return type("Dying", (MortalConnection,), {"at": at or -1, "fault": fault})


class Objects:
    """The part of S3's client that an executor calls, with objects in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, data: bytes) -> StoredDocument:
        sha256 = hashlib.sha256(data).hexdigest()
        self.objects[sha256] = data
        return StoredDocument(BUCKET, f"attempts/orders/a/{sha256}.json", sha256, sha256)

    def get_object(self, **asked: str) -> dict[str, Any]:
        assert asked["Bucket"] == BUCKET
        assert asked["VersionId"] in asked["Key"]
        return {"Body": Body(self.objects[asked["VersionId"]])}


@dataclass
class Body:
    data: bytes

    def read(self) -> bytes:
        return self.data


@dataclass
class World:
    """One database, its executor, and workers that are started immediately or later."""

    address: Address
    objects: Objects = field(default_factory=Objects)
    waiting: list[tuple[str, DatabaseAddress, bool]] = field(default_factory=list)
    started: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def database(self) -> DatabaseAddress:
        return DatabaseAddress(
            Engine.POSTGRESQL, "instance", "orders-db", self.address.host, self.address.port, self.address.database
        )

    @property
    def documents(self) -> ChangeDocuments:
        return ChangeDocuments(lambda: self.objects, BUCKET)

    def executor(self, kind: type[pg8000.native.Connection] = pg8000.native.Connection) -> PostgresExecutor:
        def session(database: DatabaseAddress) -> DatabaseSession:
            to = self.address
            connection = kind(
                to.user, to.host, database.name, to.port, to.password, ssl_context=False, timeout=ANSWERED_WITHIN
            )
            return DatabaseSession(connection)

        return PostgresExecutor(session, self.documents, self._start, {**SETTINGS, "lock_timeout": "200ms"})

    def _start(self, operation: str, database: DatabaseAddress, quick: bool) -> None:
        self.started.append((operation, quick))
        self.waiting.append((operation, database, quick))

    def ask(self, asked: Begin | Look) -> OperationAnswer:
        """Send a request and read the response, as Belay does."""
        return read_answer(answered(written(asked), self.executor(), self.documents))

    def begin(self, ask: Ask, document: ChangeDocument | None, token: str, **more: Any) -> OperationAnswer:
        stored = None if document is None else self.objects.put(encoded(document))
        return self.ask(Begin(ask, token, self.database, stored, **more))

    def work(self, kind: type[pg8000.native.Connection] = pg8000.native.Connection) -> None:
        """Let every started worker do what it can."""
        while self.waiting:
            operation, database, _ = self.waiting.pop(0)
            self.executor(kind).work(operation, database)

    def run(self, ask: Ask, document: ChangeDocument | None, token: str, **more: Any) -> OperationAnswer:
        """Begin an operation, let its worker work, and read its progress."""
        answer = self.begin(ask, document, token, **more)
        self.work()
        return self.look(answer.operation) if answer.state is OperationState.RUNNING else answer

    def look(self, operation: str) -> OperationAnswer:
        return self.ask(Look(operation, self.database))

    def sql(self, text: str) -> list[Any]:
        to = self.address
        with closing(
            pg8000.native.Connection(
                to.user, to.host, to.database, to.port, to.password, ssl_context=False, timeout=ANSWERED_WITHIN
            )
        ) as connection:
            return [tuple(row) for row in connection.run(text) or []]

    def record(self) -> list[tuple[str, str]]:
        return self.sql("SELECT id, outcome FROM belay.belay_changes ORDER BY position")


def change(name: str, *statements: str, undo: tuple[str, ...] | None = None, **more: Any) -> HandedChange:
    digest = hashlib.sha256(repr((statements, undo)).encode()).hexdigest()
    path = f"db/{name}.sql"
    handed = tuple(HandedStatement(text, path, number) for number, text in enumerate(statements, 1))
    back = None if undo is None else tuple(HandedStatement(text, f"db/{name}.undo.sql", 1) for text in undo)
    return HandedChange(name, "ada", path, digest, handed, back, **more)


def document(*changes: HandedChange, attempt: str = "attempt-1", **more: Any) -> ChangeDocument:
    return ChangeDocument("orders", "test", "1.4.0", attempt, Format.PLAIN, "db", changes, **more)

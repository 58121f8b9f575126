"""What the executor stores in the database itself: the applied changes, and the progress of its operations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from belay.database.executor import (
    Begin,
    ChangeDocument,
    ChangeOutcome,
    ChangeResult,
    HandedChange,
    OperationAnswer,
    OperationState,
    RecordedChange,
    read_answer,
    read_request,
    written,
)
from belay.documents import plain
from belay.errors import BelayError
from packs.executors.serving import RefusedRequest
from packs.postgresql.session import DatabaseSession

SCHEMA: Final = "belay"
"""The schema of the executor's tables, which a database's own changes must not touch."""

_TABLES: Final = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    f"""CREATE TABLE IF NOT EXISTS {SCHEMA}.belay_changes (
        application text NOT NULL,
        id text NOT NULL,
        author text NOT NULL,
        path text NOT NULL,
        position bigint NOT NULL,
        digest text NOT NULL,
        release text NOT NULL,
        attempt text NOT NULL,
        started timestamptz NOT NULL,
        ended timestamptz,
        outcome text NOT NULL,
        statements_done integer NOT NULL DEFAULT 0,
        undoing boolean NOT NULL DEFAULT false,
        PRIMARY KEY (application, id))""",
    f"""CREATE TABLE IF NOT EXISTS {SCHEMA}.belay_operations (
        operation text PRIMARY KEY,
        application text NOT NULL,
        attempt text NOT NULL,
        content text NOT NULL,
        asked jsonb NOT NULL,
        state text NOT NULL,
        reason text NOT NULL DEFAULT '',
        changes jsonb NOT NULL,
        extra jsonb NOT NULL DEFAULT '{{}}',
        begun timestamptz NOT NULL DEFAULT clock_timestamp(),
        woken timestamptz,
        wakes integer NOT NULL DEFAULT 0)""",
)

_TABLES_LOCK: Final = 0x62656C6178
_UTC: Final = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


def create_tables(session: DatabaseSession) -> None:
    """Create the executor's tables if missing."""
    if session.rows(f"SELECT to_regclass('{SCHEMA}.belay_operations')") != [[None]]:
        return
    session.begin()
    session.rows("SELECT pg_advisory_xact_lock(:key)", key=_TABLES_LOCK)
    for statement in _TABLES:
        session.rows(statement)
    session.commit()


@dataclass(frozen=True, slots=True)
class Kept:
    """A change's row: ``done`` statements of it, or of its undo if it is ``undoing``, are known to have run."""

    change: RecordedChange
    done: int
    undoing: bool

    @property
    def is_started(self) -> bool:
        """Whether a worker was running it when last seen."""
        return self.change.outcome is ChangeOutcome.STARTED

    @property
    def is_there(self) -> bool:
        """Whether any of it may be in the database."""
        return self.change.outcome in (ChangeOutcome.APPLIED, ChangeOutcome.STARTED, ChangeOutcome.UNKNOWN)


def recorded(session: DatabaseSession) -> list[Kept]:
    """Return every change that is recorded, in order."""
    rows = session.rows(
        f"SELECT id, author, path, position, digest, release, attempt, {_UTC.format('started')},"  # noqa: S608
        f" coalesce({_UTC.format('ended')}, ''), outcome, application, statements_done, undoing"
        f" FROM {SCHEMA}.belay_changes ORDER BY application, position, id"
    )
    return [Kept(RecordedChange(*(*row[:9], ChangeOutcome(row[9]), row[10])), row[11], row[12]) for row in rows]


class Record:
    """The table ``belay_changes``: the source of truth for what was applied."""

    def __init__(self, session: DatabaseSession, application: str, release: str, attempt: str) -> None:
        self._session = session
        self._application = application
        self._release = release
        self.attempt = attempt

    def read(self) -> dict[str, Kept]:
        """Return every change of the application that is recorded, in order, by id."""
        kept = recorded(self._session)
        return {each.change.id: each for each in kept if each.change.application == self._application}

    def started(self, change: HandedChange) -> None:
        """Record that a change is being applied; it takes the next position."""
        self._session.rows(
            f"INSERT INTO {SCHEMA}.belay_changes"  # noqa: S608
            " (application, id, author, path, position, digest, release, attempt, started, outcome)"
            " SELECT :application, :id, :author, :path, coalesce(max(position), 0) + 1, :digest, :release, :attempt,"
            f" clock_timestamp(), 'STARTED' FROM {SCHEMA}.belay_changes WHERE application = :application"
            " ON CONFLICT (application, id) DO UPDATE SET author = excluded.author, path = excluded.path,"
            " position = excluded.position, digest = excluded.digest, release = excluded.release,"
            " attempt = excluded.attempt, started = excluded.started, ended = NULL, outcome = 'STARTED',"
            " statements_done = 0, undoing = false",
            application=self._application,
            id=change.id,
            author=change.author,
            path=change.path,
            digest=change.digest,
            release=self._release,
            attempt=self.attempt,
        )

    def undoing(self, change: HandedChange) -> None:
        """Record that a change is being undone."""
        self._session.rows(
            f"UPDATE {SCHEMA}.belay_changes SET undoing = true, outcome = 'STARTED', started = clock_timestamp(),"  # noqa: S608
            " ended = NULL, statements_done = 0 WHERE application = :application AND id = :id",
            application=self._application,
            id=change.id,
        )

    def done(self, change: HandedChange, statements: int) -> None:
        """Record that this many statements of a change without a transaction are done."""
        self._session.rows(
            f"UPDATE {SCHEMA}.belay_changes SET statements_done = :statements"  # noqa: S608
            " WHERE application = :application AND id = :id",
            statements=statements,
            application=self._application,
            id=change.id,
        )

    def failed(self, change: HandedChange) -> None:
        """Record that a change was tried and left nothing behind."""
        self.started(change)
        self.ended(change, ChangeOutcome.FAILED)

    def not_undone(self, change: HandedChange) -> None:
        """Record that a change is applied, because its undo left nothing behind."""
        self.ended(change, ChangeOutcome.APPLIED)

    def ended(self, change: HandedChange, outcome: ChangeOutcome) -> ChangeResult:
        """Record the result of a change, and return it."""
        ((started, ended),) = self._session.rows(
            f"UPDATE {SCHEMA}.belay_changes SET outcome = :outcome, undoing = false, ended = clock_timestamp()"  # noqa: S608
            " WHERE application = :application AND id = :id"
            f" RETURNING {_UTC.format('started')}, {_UTC.format('ended')}",
            outcome=outcome,
            application=self._application,
            id=change.id,
        )
        return ChangeResult(change.id, change.digest, outcome, started, ended)


class OperationOver(BelayError):  # noqa: N818
    """An operation was ended while its worker was running. The worker rolls back what it had not committed, and
    ends.
    """


class RecordedOperation:
    """One row of the table ``belay_operations``."""

    def __init__(self, session: DatabaseSession, name: str) -> None:
        self._session = session
        self.name = name

    def begin(self, asked: Begin, document: ChangeDocument | None) -> None:
        """Create the row if there is none. Raises ``RefusedRequest`` if the token was used for something else."""
        changes = document.changes if document else ()
        pending = [plain(ChangeResult(each.id, each.digest, ChangeOutcome.PENDING)) for each in changes]
        self._rows(
            "INSERT INTO {table} (operation, application, attempt, content, asked, state, changes)"
            " VALUES (:name, :application, :attempt, :content, CAST(:asked AS jsonb), 'RUNNING',"
            " CAST(:changes AS jsonb)) ON CONFLICT DO NOTHING",
            application=document.application if document else "",
            attempt=document.attempt if document else "",
            content=asked.content,
            asked=json.dumps(written(asked)),
            changes=json.dumps(pending),
        )
        ((content,),) = self._rows("SELECT content FROM {table} WHERE operation = :name")
        if content != asked.content:
            raise RefusedRequest(f"the token {self.name} began another operation; expected what it was begun with")

    def exists(self) -> bool:
        """Whether it was begun."""
        return bool(self._rows("SELECT true FROM {table} WHERE operation = :name"))

    def asked(self) -> Begin:
        """Return its request."""
        ((document,),) = self._rows("SELECT asked FROM {table} WHERE operation = :name")
        asked = read_request(document)
        assert isinstance(asked, Begin)  # noqa: S101 - only they are kept
        return asked

    def answer(self) -> OperationAnswer:
        """Return its progress. Raises ``RefusedRequest`` if it does not exist."""
        found = self._rows("SELECT state, reason, changes, extra FROM {table} WHERE operation = :name")
        if not found:
            raise RefusedRequest(f"operation: expected one that was begun in this database, found {self.name}")
        ((state, reason, changes, extra),) = found
        return read_answer(
            {"schema": 1, "operation": self.name, "state": state, "reason": reason, "changes": changes, **extra}
        )

    def result(self, change: str) -> ChangeResult:
        """Return the stored result of a change."""
        return next(each for each in self.answer().changes if each.id == change)

    def note(self, result: ChangeResult) -> None:
        """Store the result of a change, in the change's own transaction, and that the worker made progress.

        Raises ``OperationOver`` if the operation was ended meanwhile: then the change must not be made.
        """
        noted = self._rows(
            "UPDATE {table} SET wakes = CASE WHEN :outcome = 'STARTED' THEN wakes ELSE 0 END,"
            " changes = (SELECT jsonb_agg(CASE WHEN value ->> 'id' = :id THEN CAST(:result AS jsonb) ELSE value END"
            " ORDER BY number) FROM jsonb_array_elements(changes) WITH ORDINALITY AS each (value, number))"
            " WHERE operation = :name AND state = 'RUNNING' RETURNING true",
            outcome=result.outcome,
            id=result.id,
            result=json.dumps(plain(result)),
        )
        if not noted:
            raise OperationOver(self.name)

    def extra(self) -> dict[str, Any]:
        """Return what was stored beside the changes."""
        ((extra,),) = self._rows("SELECT extra FROM {table} WHERE operation = :name")
        return dict(extra)

    def note_fault(self, reason: str) -> None:
        """Store why a worker ended; the operation continues with the next one."""
        self._rows("UPDATE {table} SET reason = :reason WHERE operation = :name AND state = 'RUNNING'", reason=reason)

    def give_up(self, wakes: int) -> None:
        """End an operation that makes no progress; the record shows what was in progress."""
        half = {each.change.id for each in recorded(self._session) if each.is_started}
        answer = self.answer()
        for result in answer.changes:
            if result.outcome is ChangeOutcome.STARTED:
                outcome = ChangeOutcome.UNKNOWN if result.id in half else ChangeOutcome.PENDING
                self.note(replace(result, outcome=outcome))
        said = f"; the last said: {answer.reason}" if answer.reason else ""
        self.end(OperationState.FAILED, f"a worker was started {wakes} times and did not come further{said}")

    def note_extra(self, extra: Mapping[str, Any]) -> None:
        """Store further parts of the response."""
        self._rows(
            "UPDATE {table} SET wakes = 0, extra = extra || CAST(:extra AS jsonb) WHERE operation = :name",
            extra=json.dumps(extra),
        )

    def end(self, state: OperationState, reason: str = "") -> None:
        """End it."""
        self._rows(
            "UPDATE {table} SET state = :state, reason = :reason WHERE operation = :name AND state = 'RUNNING'",
            state=state,
            reason=reason,
        )

    def end_others(self, application: str, attempt: str) -> None:
        """End other operations of a release, so that no change is applied while it is being undone."""
        self._rows(
            "UPDATE {table} SET state = 'FAILED', reason = 'the release is undone by ' || :name"
            " WHERE operation <> :name AND state = 'RUNNING' AND application = :application AND attempt = :attempt",
            application=application,
            attempt=attempt,
        )

    def wake(self, quick: int) -> int | None:
        """Claim the start of a worker: returns the starts without progress, None if the last was too recent.

        The first ``quick`` starts are of the function, which is there within a minute; a build may wait for ten.
        """
        rows = self._rows(
            "UPDATE {table} SET woken = clock_timestamp(), wakes = wakes + 1 WHERE operation = :name"
            " AND state = 'RUNNING' AND (woken IS NULL OR woken < clock_timestamp()"
            " - make_interval(mins => CASE WHEN wakes <= :quick THEN 1 ELSE 10 END)) RETURNING wakes - 1",
            quick=quick,
        )
        return int(rows[0][0]) if rows else None

    def _rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        return self._session.rows(sql.format(table=f"{SCHEMA}.belay_operations"), name=self.name, **parameters)

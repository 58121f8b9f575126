"""The executor of PostgreSQL: begins operations, reports their progress, and performs them as the worker."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from belay.database.executor import (
    Ask,
    Begin,
    ChangeDocument,
    DatabaseAddress,
    Look,
    OperationAnswer,
    OperationState,
    Profile,
)
from belay.documents import plain
from belay.sql.changes import Engine
from belay.sql.model import to_json
from packs.executors.serving import ChangeDocuments, RefusedRequest
from packs.postgresql import catalog
from packs.postgresql.applying import Worker, not_undoable
from packs.postgresql.forecasting import Forecast
from packs.postgresql.record import OperationOver, Record, RecordedOperation, create_tables, recorded
from packs.postgresql.session import DatabaseSession

FUNCTION_SECONDS: Final = 600
"""Longer operations by forecast are not started in a function, which may run for 900."""
MOST_WAKES: Final = 5

SETTINGS: Final[Mapping[str, str]] = {"lock_timeout": "5s", "statement_timeout": "0"}
"""What changes run with unless they, or the template's parameters, set something else."""

Start = Callable[[str, DatabaseAddress, bool], None]
"""Starts a worker for a database's operation: in the build project or, if it is quick, in the function."""


@dataclass(frozen=True)
class PostgresExecutor:
    """Stores its operations in the database that they are about, so that a restore reverts both together."""

    connect: Callable[[DatabaseAddress], DatabaseSession]
    documents: ChangeDocuments
    start: Start
    settings: Mapping[str, str]

    def begin(self, asked: Begin, changes: ChangeDocument | None) -> OperationAnswer:
        """Begin an operation, or return its progress by its token. Raises ``RefusedRequest``."""
        if asked.database.engine is not Engine.POSTGRESQL:
            raise RefusedRequest(f"database: engine: expected {Engine.POSTGRESQL}, found {asked.database.engine}")
        with closing(self.connect(asked.database)) as session:
            create_tables(session)
            operation = RecordedOperation(session, asked.token)
            if asked.request is Ask.UNDO and changes is not None and not operation.exists():
                problems = not_undoable(changes, _record(session, changes).read())
                if problems:
                    return OperationAnswer(asked.token, OperationState.UNSUPPORTED, "; ".join(problems))
            operation.begin(asked, changes)
            if asked.request is Ask.UNDO and changes is not None:
                operation.end_others(changes.application, changes.attempt)
            return self._looked_at(session, operation)

    def look(self, asked: Look) -> OperationAnswer:
        """Return an operation's progress; if its worker died, start another. Raises ``RefusedRequest``."""
        with closing(self.connect(asked.database)) as session:
            create_tables(session)
            return self._looked_at(session, RecordedOperation(session, asked.operation))

    def work(self, name: str, database: DatabaseAddress) -> None:
        """Run as the worker of an operation, if it has no other and is not over."""
        try:
            self._work(name, database)
        except OperationOver:
            return
        except Exception as error:
            self._note_fault(name, database, error)
            raise

    def _looked_at(self, session: DatabaseSession, operation: RecordedOperation) -> OperationAnswer:
        answer = operation.answer()
        if answer.state is not OperationState.RUNNING or session.is_locked():
            return answer
        asked = operation.asked()
        quick = 1 if _is_quick(asked) else 0
        wakes = operation.wake(quick)
        if wakes is not None and wakes >= MOST_WAKES:
            operation.give_up(wakes)
        elif wakes is not None:
            self.start(operation.name, asked.database, wakes < quick)
        return operation.answer()

    def _work(self, name: str, database: DatabaseAddress) -> None:
        with closing(self.connect(database)) as session:
            operation = RecordedOperation(session, name)
            if session.take_lock() and operation.answer().state is OperationState.RUNNING:
                self._perform(session, operation)

    def _perform(self, session: DatabaseSession, operation: RecordedOperation) -> None:
        asked = operation.asked()
        if asked.changes is None:
            operation.note_extra({"profile": plain(_profile(session))})
            return operation.end(OperationState.SUCCEEDED)
        document = self.documents.read(asked.changes)
        worker = Worker(session, operation, _record(session, document), document, self.settings)
        if asked.request is Ask.FORECAST:
            return Forecast(worker, asked.warm).run()
        return worker.undo() if asked.request is Ask.UNDO else worker.apply()

    def _note_fault(self, name: str, database: DatabaseAddress, error: Exception) -> None:
        """Store why this worker ends, over a separate connection: the worker's may be broken, and is closed by now.

        If it were open, its transaction could lock the very row that this writes, for as long as it is open.
        """
        with closing(self.connect(database)) as session:
            RecordedOperation(session, name).note_fault(f"{type(error).__name__}: {error}"[:1000])


def _is_quick(asked: Begin) -> bool:
    """Whether it fits a function's time limit."""
    if asked.request is Ask.PROFILE:
        return True
    return asked.expected_seconds is not None and asked.expected_seconds < FUNCTION_SECONDS


def _record(session: DatabaseSession, document: ChangeDocument) -> Record:
    return Record(session, document.application, document.release, document.attempt)


def _profile(session: DatabaseSession) -> Profile:
    ((version,),) = session.rows("SELECT version()")
    return Profile(
        version=version,
        recorded=tuple(each.change for each in recorded(session)),
        model=to_json(catalog.model(session)),
        sizes=catalog.sizes(session),
        queries=catalog.queries(session),
    )

"""The protocol of database executors: Belay's requests to the operator's function, and its responses.

docs/database-executors.md says what each part means, docs/executor.schema.json is its JSON form. Times are ISO 8601 in
UTC, and empty if not known yet.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from belay.documents import Dataclass, Document, Kept, parsed, plain, read
from belay.errors import UnknownSchema, UnreadableRecord
from belay.masking import masked
from belay.sql.changes import DatabaseChange, Engine, Format, SqlStatement

SCHEMA: Final = 1
"""The version of the protocol."""

MOST_TOKEN: Final = 128
"""Characters of a token."""


class Ask(StrEnum):
    """What an executor is asked to begin."""

    PROFILE = "profile"
    FORECAST = "forecast"
    APPLY = "apply"
    UNDO = "undo"


STATUS: Final = "status"
"""The request for the progress of an operation."""


class OperationState(StrEnum):
    """The progress of an operation. The last two mean that nothing was started."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    UNSUPPORTED = "UNSUPPORTED"


class ChangeOutcome(StrEnum):
    """The result of a change in the database.

    FAILED left nothing behind. UNKNOWN may have left part of it: a person has to check. UNCHANGED was not this
    release's: it was applied before, or, in an undo, by another release.
    """

    PENDING = "PENDING"
    STARTED = "STARTED"
    APPLIED = "APPLIED"
    UNCHANGED = "UNCHANGED"
    UNDONE = "UNDONE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One version of an object in S3, and the SHA-256 of its bytes in lower-case hex."""

    bucket: str
    key: str
    version_id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where a database is. ``kind`` is ``instance`` or ``cluster``; ``identifier`` is RDS's.

    The executor's own settings apply for an empty ``name`` (the database in the server), ``user`` or ``secret``.
    ``secret`` is the ARN of a Secrets Manager secret; without one the executor authenticates with IAM.
    """

    engine: Engine
    kind: str
    identifier: str
    endpoint: str
    port: int
    name: str = ""
    user: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Begin:
    """Requests an operation. ``token`` makes it idempotent; with other content it is refused.

    ``changes`` is a ``ChangeDocument``, for all but a profile. ``expected_seconds`` is the forecast's duration, None if
    not known. With ``warm`` a forecast first reads the tables that the changes name, since a restored volume loads its
    blocks when they are first read.
    """

    request: Ask
    token: str
    database: DatabaseAddress
    changes: StoredDocument | None = None
    expected_seconds: int | None = None
    warm: bool = False

    @property
    def content(self) -> str:
        """The SHA-256 of the request's content, without the token and how to perform it."""
        asked = {name: each for name, each in plain(self).items() if name not in ("token", "expected_seconds", "warm")}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Look:
    """Requests an operation's progress; its state is kept in or near the database."""

    operation: str
    database: DatabaseAddress


@dataclass(frozen=True, slots=True)
class HandedStatement:
    """One statement and its location. ``text`` is None if only the changelog's tool knows the SQL."""

    text: str | None
    path: str
    line: int
    column: int = 1

    @classmethod
    def of(cls, statement: SqlStatement) -> "HandedStatement":
        """Return the statement as it is handed over."""
        text = statement.text if statement.operations is None else None
        return cls(text, statement.place.path, statement.place.line, statement.place.column)


@dataclass(frozen=True, slots=True)
class HandedChange:
    """A ``DatabaseChange`` as it is handed over: ``undo`` is None if none is given."""

    id: str
    author: str
    path: str
    digest: str
    statements: tuple[HandedStatement, ...]
    undo: tuple[HandedStatement, ...] | None = None
    repeatable: bool = False
    transactional: bool = True
    contexts: str = ""
    labels: str = ""

    @classmethod
    def of(cls, change: DatabaseChange) -> "HandedChange":
        """Return the change as it is handed over."""
        return cls(
            id=change.id,
            author=change.author,
            path=change.place.path,
            digest=change.digest,
            statements=tuple(map(HandedStatement.of, change.statements)),
            undo=None if change.undo is None else tuple(map(HandedStatement.of, change.undo)),
            repeatable=change.repeatable,
            transactional=change.transactional,
            contexts=change.contexts,
            labels=change.labels,
        )


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of the release, for tools that read files: its path in the release, and its object."""

    path: str
    stored: StoredDocument


@dataclass(frozen=True, slots=True)
class ChangeDocument:
    """What is handed over by reference: the changes for a stage, in order, including those already applied.

    ``directory`` is where they are in the release, or the path of the root changelog. ``contexts`` and ``labels`` are
    Liquibase's filters for the stage. ``queries``, with ``$1`` for values, are planned by a forecast.
    """

    application: str
    stage: str
    release: str
    attempt: str
    format: Format
    directory: str
    changes: tuple[HandedChange, ...]
    files: tuple[ReleaseFile, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=dict)
    contexts: str = ""
    labels: str = ""
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeError:
    """Why a change failed: the engine's message, its code (SQLSTATE if it has one), and the statement's location.

    The message is masked: an engine quotes the statement, which may have a password in it.
    """

    message: str
    code: str = ""
    path: str = ""
    line: int = 0
    column: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", masked(self.message))


@dataclass(frozen=True, slots=True)
class LockTaken:
    """A lock that was held on a table or another relation when the change was about to commit."""

    relation: str
    mode: str


@dataclass(frozen=True, slots=True)
class RowsTouched:
    """How many rows of a table a change wrote."""

    table: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class UndoRehearsed:
    """A forecast's result for a change's undo: whether it restored the structure, and how long it took."""

    restored: bool
    seconds: float | None = None
    error: ChangeError | None = None


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """The result of a change, by its id. A forecast gives the fields from ``seconds`` on if the engine shows them.

    ``rewritten`` are tables that were rewritten; ``locks`` is None if they could not be read.
    """

    id: str
    digest: str
    outcome: ChangeOutcome
    started: str = ""
    ended: str = ""
    error: ChangeError | None = None
    seconds: float | None = None
    locks: tuple[LockTaken, ...] | None = None
    rewritten: tuple[str, ...] = ()
    rows: tuple[RowsTouched, ...] = ()
    undo: UndoRehearsed | None = None


@dataclass(frozen=True, slots=True)
class QueryPlanned:
    """A query of the running version, planned before and after the changes; with an error if it breaks.

    Costs are the planner's, in its own unit.
    """

    query: str
    cost_before: float | None = None
    cost_after: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change in the database's own record.

    ``digest`` is empty if the recording tool keeps none, and ``application`` if it knows none.
    """

    id: str
    author: str
    path: str
    position: int
    digest: str
    release: str
    attempt: str
    started: str
    ended: str
    outcome: ChangeOutcome
    application: str = ""


@dataclass(frozen=True, slots=True)
class TableSize:
    """How many rows the engine estimates a table to have, and its bytes with indexes."""

    table: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class QuerySeen:
    """A query that ran on the database, normalized: it contains no literals."""

    query: str
    calls: int
    mean_milliseconds: float


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of a database: ``model`` is a ``belay.sql.model.Model`` as JSON, None if the executor reads none.

    ``recorded`` is what was applied, in order.
    """

    version: str
    recorded: tuple[RecordedChange, ...]
    model: Document | None = None
    sizes: tuple[TableSize, ...] = ()
    queries: tuple[QuerySeen, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationAnswer:
    """An operation's progress. ``reason`` says why it failed, or why nothing was started; it is masked as errors are.

    ``changes`` are in the order of the document; a profile has ``profile``, a forecast may have ``queries``.
    """

    operation: str
    state: OperationState
    reason: str = ""
    changes: tuple[ChangeResult, ...] = ()
    profile: Profile | None = None
    queries: tuple[QueryPlanned, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", masked(self.reason))


def written(value: Dataclass) -> dict[str, Any]:
    """Return the JSON form of a request, response or change document."""
    if isinstance(value, Look):
        return {"schema": SCHEMA, "request": STATUS, **plain(value)}
    return {"schema": SCHEMA, **plain(value)}


def encoded(changes: ChangeDocument) -> bytes:
    """Return the bytes of a change document, deterministic."""
    return json.dumps(written(changes), sort_keys=True).encode()


def read_request(document: object) -> Begin | Look:
    """Read a request. Raises ``UnreadableRecord`` or ``UnknownSchema`` with what was expected and found."""
    if isinstance(document, Mapping) and document.get("request") == STATUS:
        return _read(Look, document, "request")
    begin = _read(Begin, document, "request")
    if not 0 < len(begin.token) <= MOST_TOKEN:
        raise UnreadableRecord(f"request: token: expected 1 to {MOST_TOKEN} characters, found {len(begin.token)}")
    if (begin.changes is None) is not (begin.request is Ask.PROFILE):
        expected = "none" if begin.request is Ask.PROFILE else "a stored document"
        raise UnreadableRecord(f"request: changes: expected {expected} with {begin.request}")
    return begin


def read_answer(document: object) -> OperationAnswer:
    """Read an executor's response. Raises ``UnreadableRecord`` or ``UnknownSchema`` with what was expected and
    found.
    """
    return _read(OperationAnswer, document, "answer")


def read_changes(data: bytes, stored: StoredDocument) -> ChangeDocument:
    """Read a change document whose bytes are those that the request names.

    Raises ``UnreadableRecord`` if they are not, or are no such document, and ``UnknownSchema``.
    """
    where, found = f"s3://{stored.bucket}/{stored.key}", hashlib.sha256(data).hexdigest()
    if found != stored.sha256:
        raise UnreadableRecord(f"{where}: expected the SHA-256 {stored.sha256}, found {found}")
    changes = _read(ChangeDocument, parsed(data, where), where)
    seen: set[str] = set()
    for change in changes.changes:
        if change.id in seen:
            raise UnreadableRecord(f"{where}: expected each change once, found {change.id} twice")
        seen.add(change.id)
    return changes


def _read(kind: type[Kept], document: object, name: str) -> Kept:
    if not isinstance(document, Mapping):
        raise UnreadableRecord(f"{name}: expected an object, found {type(document).__name__}")
    schema = document.get("schema")
    if type(schema) is not int or schema < SCHEMA:
        raise UnreadableRecord(f"{name}: schema: expected {SCHEMA}, found {schema!r}")
    if schema > SCHEMA:
        raise UnknownSchema(name, schema, SCHEMA)
    return read(kind, document, name)

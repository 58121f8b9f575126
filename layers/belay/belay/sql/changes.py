"""Database changes: what is applied, recorded and undone as one."""

from dataclasses import dataclass
from enum import StrEnum

from belay.sql.operations import Operation


class Engine(StrEnum):
    """The database engines whose SQL is read."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    MARIADB = "mariadb"
    ORACLE = "oracle"
    SQLSERVER = "sqlserver"
    DB2 = "db2"


MYSQL = (Engine.MYSQL, Engine.MARIADB)
"""Those that read MySQL's SQL."""
DEFAULT_SCHEMAS = {Engine.POSTGRESQL: "public", Engine.SQLSERVER: "dbo"}
"""The default schema, so that ``public.orders`` and ``orders`` are one table."""


class Format(StrEnum):
    """How a directory of changes is organised."""

    PLAIN = "plain"
    FLYWAY = "flyway"
    LIQUIBASE = "liquibase"


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """A source location: the file's path in the release, and its line and column, which start at 1."""

    path: str
    line: int
    column: int = 1


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """One statement as the database gets it, without its terminator.

    ``operations`` are given if a changelog names an action instead of SQL; ``text`` is the change type then.
    """

    text: str
    place: SourcePlace
    operations: tuple[Operation, ...] | None = None


@dataclass(frozen=True, slots=True)
class DatabaseChange:
    """What is applied, recorded and undone as one: a file, or a change set of a changelog.

    ``id`` is unique in a release: ``0001-create-orders``, a Flyway version such as ``1.0.1``, or Liquibase's
    ``path::id::author``. ``digest`` is the SHA-256, in lower-case hex, of everything that determines what is run when
    it is applied; its undo is not part of it. ``undo`` is None if no undo is given, and empty if there is nothing to
    undo. A ``repeatable`` change is applied again when its digest differs. ``contexts`` and ``labels`` are Liquibase's,
    as written. ``place`` is where it begins.
    """

    id: str
    author: str
    place: SourcePlace
    digest: str
    statements: tuple[SqlStatement, ...]
    undo: tuple[SqlStatement, ...] | None = None
    repeatable: bool = False
    transactional: bool = True
    contexts: str = ""
    labels: str = ""

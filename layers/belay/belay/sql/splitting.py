"""Splits SQL into statements where the engine's own client would, and refuses what a client would run itself."""

from typing import Final

from belay.sql.changes import Engine, SqlStatement
from belay.sql.located import LocatedText
from belay.sql.operations import NotUnderstood
from belay.sql.splitters.base import Piece, Splitter
from belay.sql.splitters.db2 import Db2Splitter
from belay.sql.splitters.mysql import MySqlSplitter
from belay.sql.splitters.oracle import OracleSplitter
from belay.sql.splitters.postgresql import PostgreSqlSplitter
from belay.sql.splitters.sqlserver import SqlServerSplitter

SPLITTERS: Final[dict[Engine, type[Splitter]]] = {
    Engine.POSTGRESQL: PostgreSqlSplitter,
    Engine.MYSQL: MySqlSplitter,
    Engine.MARIADB: MySqlSplitter,
    Engine.ORACLE: OracleSplitter,
    Engine.SQLSERVER: SqlServerSplitter,
    Engine.DB2: Db2Splitter,
}


def split(source: LocatedText, engine: Engine, terminator: str = ";") -> tuple[SqlStatement, ...]:
    """Split a text into its statements; blanks and comments alone are none.

    Raises :class:`UnreadableChanges` with every problem found.
    """
    return tuple(_statement(source, each) for each in pieces(source, engine, terminator))


def pieces(source: LocatedText, engine: Engine, terminator: str = ";") -> list[Piece]:
    """Return the positions of a text's statements. Raises :class:`UnreadableChanges` with every problem found."""
    return SPLITTERS[engine](source, engine, terminator).pieces()


def _statement(source: LocatedText, piece: Piece) -> SqlStatement:
    doubt = (NotUnderstood(piece.doubt, everything=True),) if piece.doubt else None
    return SqlStatement(source.text[piece.start : piece.end], source.place(piece.start), doubt)

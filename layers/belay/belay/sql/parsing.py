"""What a statement does: its text parsed into operations, completely or not at all.

Structure is read by Belay's own small grammars (a file each), which consume every word or refuse the statement; rows
and queries by sqlglot, which is imported only when needed, in :mod:`belay.sql.queries`.
"""

from collections.abc import Callable
from itertools import pairwise

from belay.sql import alter_db2, alter_mysql, alter_oracle, alter_postgresql, alter_sqlserver, blocks_sqlserver
from belay.sql.changes import MYSQL, Engine, SqlStatement
from belay.sql.cursor import Cursor
from belay.sql.indexes import alter_index, create_index, drop_index
from belay.sql.objects import ROLES, alter_object, create_object, drop_object
from belay.sql.operations import DropTable, Harmless, Name, NotUnderstood, Operation, Setting, Truncate
from belay.sql.rows import copy, write_or_query
from belay.sql.sessions import HARMLESS, grant, harmless, lock, rewrite, setting, transaction, vacuum
from belay.sql.tables import create_table
from belay.sql.tokens import NotReadable, TokenForm

MAXIMUM = 4_000_000
"""Characters of a statement that are examined; a longer one is not understood."""

_KEYWORDS = frozenset(
    "ADD ALTER AND AS BEGIN BY CALL CASCADE CASE COLUMN CONSTRAINT CREATE DEFAULT DELETE DO DROP ELSE END EXEC EXECUTE "
    "EXISTS FOREIGN FROM GROUP IF IN INDEX INNER INSERT INTO IS JOIN KEY LEFT LIKE MODIFY NOT NULL ON OR ORDER PRIMARY "
    "REFERENCES RENAME REPLACE SELECT SET TABLE THEN TO UNION UNIQUE UPDATE USING VALUES VIEW WHEN WHERE WITH".split()
)
"""Reserved words, which are names only if quoted."""
_PROCEDURAL = frozenset("DO EXECUTE EXEC CALL BEGIN DECLARE IF WHILE PREPARE LOAD".split())
"""Statements that run code that is not read here; SQL Server allows more of it anywhere in a batch."""
_BATCHED = frozenset("EXEC EXECUTE WHILE CURSOR GOTO".split())


def operations(statement: SqlStatement, engine: Engine) -> tuple[Operation, ...]:
    """What the statement does to the database; :class:`NotUnderstood` if any of it is not known. Never raises."""
    if statement.operations is not None:
        return statement.operations
    if len(statement.text) > MAXIMUM:
        return (NotUnderstood("it is too long", everything=True),)
    try:
        cursor = Cursor(statement.text, engine)
    except NotReadable as reason:
        return (NotUnderstood(str(reason), everything=True),)
    try:
        return _statements(cursor)
    except NotReadable as reason:
        return (_not_understood(cursor, reason),)
    except RecursionError:
        return (_not_understood(cursor, NotReadable("too much of it is within other parts", everything=True)),)


def _statements(cursor: Cursor) -> tuple[Operation, ...]:
    found: list[Operation] = []
    while cursor.take(";"):
        pass
    while not cursor.done:
        found += _statement(cursor)
        semicolon = False
        while cursor.take(";"):
            semicolon = True
        if not semicolon and cursor.engine is not Engine.SQLSERVER:
            cursor.end()
    return tuple(found) or (Harmless("nothing"),)


def _statement(cursor: Cursor) -> tuple[Operation, ...]:
    word, engine = cursor.token.word, cursor.engine
    if engine is Engine.SQLSERVER and cursor.take("UPDATE", "STATISTICS"):
        return harmless(cursor, word)
    if word in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "MERGE", "VALUES", "TABLE", "("):
        return write_or_query(cursor)
    cursor.at += 1
    if word == "CREATE":
        return _create(cursor)
    if word == "ALTER":
        return _alter(cursor)
    if word == "DROP":
        return _drop(cursor)
    if word == "TRUNCATE":
        return _truncate(cursor)
    if engine is Engine.SQLSERVER and (read := _scripted(cursor, word)) is not None:
        return read
    if word == "SET":
        return setting(cursor)
    if word in ("BEGIN", "START", "COMMIT", "ROLLBACK", "END"):
        return transaction(cursor, word)
    if word in ("GRANT", "REVOKE", "DENY", "REASSIGN"):
        return grant(cursor, word)
    if word == "VACUUM":
        return vacuum(cursor)
    if word == "EXPLAIN":
        return _explained(cursor)
    if word == "LOCK":
        return lock(cursor)
    if word in ("CLUSTER", "REINDEX"):
        return rewrite(cursor, word)
    if word == "COPY":
        return copy(cursor)
    if word == "RESET":
        return (Setting(cursor.part(), "default"),)
    if word == "USE":
        return (Setting("database", cursor.part()),)
    if word in HARMLESS:
        return harmless(cursor, word)
    return _of_engine(cursor, word)


def _scripted(cursor: Cursor, word: str) -> tuple[Operation, ...] | None:
    """SQL Server's script constructs other than statements; None if it is a statement."""
    if word == "IF":
        return blocks_sqlserver.guarded(cursor, _statement)
    if word == "DECLARE":
        return blocks_sqlserver.declare(cursor)
    if word == "BEGIN" and cursor.token.word not in ("TRAN", "TRANSACTION", "DISTRIBUTED"):
        return blocks_sqlserver.block(cursor, _statement)
    if word == "SET" and cursor.token.kind is TokenForm.VARIABLE:
        return blocks_sqlserver.assignment(cursor)
    return None


def _of_engine(cursor: Cursor, word: str) -> tuple[Operation, ...]:
    """A statement that only some engines have."""
    engine = cursor.engine
    if word == "RENAME" and engine in _RENAME:
        return _RENAME[engine](cursor)
    if word == "OPTIMIZE" and engine in MYSQL:
        return alter_mysql.optimize(cursor)
    if word == "CALL" and engine is Engine.DB2:
        return alter_db2.call(cursor)
    if word == "REORG" and engine is Engine.DB2:
        return alter_db2.reorganise(cursor)
    if word in ("EXEC", "EXECUTE") and engine is Engine.SQLSERVER:
        done = alter_sqlserver.execute(cursor)
        return _statements(Cursor(done, engine)) if isinstance(done, str) else done
    if word == "PURGE" and engine is Engine.ORACLE:
        return harmless(cursor, word)
    cursor.at -= 1
    raise cursor.unexpected("a statement that is known")


_RENAME: dict[Engine, Callable[[Cursor], tuple[Operation, ...]]] = {
    Engine.MYSQL: alter_mysql.rename_table,
    Engine.MARIADB: alter_mysql.rename_table,
    Engine.ORACLE: alter_oracle.rename,
    Engine.DB2: alter_db2.rename,
}


def _explained(cursor: Cursor) -> tuple[Operation, ...]:
    """``EXPLAIN``, which with ``ANALYZE`` executes what it explains."""
    options = cursor.group().upper() if cursor.next_is("(") else ""
    if cursor.take("ANALYZE") or "ANALYZE" in options:
        cursor.take("VERBOSE")
        return _statement(cursor)
    cursor.rest()
    return (Harmless("explain"),)


def _create(cursor: Cursor) -> tuple[Operation, ...]:
    replace = cursor.take("OR", "REPLACE") or cursor.take("OR", "ALTER")
    at = cursor.at
    temporary = False
    while word := cursor.take_any("GLOBAL", "LOCAL", "PRIVATE", "TEMPORARY", "TEMP", "UNLOGGED"):
        temporary = temporary or word.startswith("TEMP")
    if cursor.take("TABLE"):
        return create_table(cursor, temporary=temporary, replace=replace)
    cursor.at = at
    if cursor.token.word in ROLES and not cursor.next_is("USER", "MAPPING"):
        return grant(cursor, "CREATE")
    if cursor.token.word in (
        *("INDEX", "UNIQUE", "BITMAP", "CLUSTERED", "NONCLUSTERED", "SPATIAL", "COLUMNSTORE", "FULLTEXT"),
    ) and not cursor.next_is("FULLTEXT", "CATALOG"):
        return create_index(cursor)
    return create_object(cursor, replace=replace)


def _alter(cursor: Cursor) -> tuple[Operation, ...]:
    if cursor.engine in MYSQL:
        cursor.take_any("ONLINE", "OFFLINE")
        cursor.take("IGNORE")
    if cursor.take("TABLE"):
        return _ALTER_TABLE[cursor.engine](cursor)
    if cursor.take("INDEX"):
        return alter_index(cursor)
    if cursor.engine is Engine.ORACLE and cursor.take("SESSION", "SET"):
        return setting(cursor)
    if cursor.take("DEFAULT", "PRIVILEGES"):
        return grant(cursor, "ALTER DEFAULT PRIVILEGES")
    if cursor.token.word in ROLES:
        return grant(cursor, "ALTER")
    if cursor.take("SYSTEM"):
        raise NotReadable("a setting of the whole server")
    return alter_object(cursor)


_ALTER_TABLE: dict[Engine, Callable[[Cursor], tuple[Operation, ...]]] = {
    Engine.POSTGRESQL: alter_postgresql.alter_table,
    Engine.MYSQL: alter_mysql.alter_table,
    Engine.MARIADB: alter_mysql.alter_table,
    Engine.ORACLE: alter_oracle.alter_table,
    Engine.SQLSERVER: alter_sqlserver.alter_table,
    Engine.DB2: alter_db2.alter_table,
}


def _drop(cursor: Cursor) -> tuple[Operation, ...]:
    if cursor.take("TEMPORARY", "TABLE") or cursor.take("TABLE") or cursor.take("FOREIGN", "TABLE"):
        if_exists = cursor.if_exists()
        names = cursor.names()
        cascade = cursor.take("CASCADE")
        if cascade and cursor.engine is Engine.ORACLE:
            cursor.expect("CONSTRAINTS")
        cursor.take_any("RESTRICT", "PURGE")
        return tuple(DropTable(name, if_exists, cascade) for name in names)
    if cursor.take("INDEX"):
        return drop_index(cursor)
    return drop_object(cursor)


def _truncate(cursor: Cursor) -> tuple[Operation, ...]:
    cursor.take("TABLE")
    names = cursor.listed(lambda: _truncated(cursor))
    cascade = False
    while word := cursor.take_any("RESTART", "CONTINUE", "CASCADE", "RESTRICT", "DROP", "REUSE", "IMMEDIATE"):
        if word in ("RESTART", "CONTINUE"):
            cursor.expect("IDENTITY")
        elif word in ("DROP", "REUSE"):
            cursor.expect("STORAGE")
        cascade = cascade or word == "CASCADE"
    return tuple(Truncate(name, cascade) for name in names)


def _truncated(cursor: Cursor) -> Name:
    cursor.take("ONLY")
    name = cursor.name()
    cursor.take("*")
    return name


def _not_understood(cursor: Cursor, reason: NotReadable) -> NotUnderstood:
    first = next((token.word for token in cursor.tokens if token.word not in (";", "(")), "")
    names = tuple(dict.fromkeys(_names(cursor)))
    if cursor.engine is Engine.SQLSERVER:
        procedural = any(token.word in _BATCHED for token in cursor.tokens)
    else:
        procedural = first in _PROCEDURAL
    everything = reason.everything or procedural or not names
    return NotUnderstood(str(reason), names, everything, _table(cursor))


def _names(cursor: Cursor) -> list[Name]:
    """Every name in the statement, with its schema; some keywords may be among them."""
    found: list[Name] = []
    cursor.at = 0
    while not cursor.done:
        if not cursor.next_is_name() or cursor.token.word in _KEYWORDS:
            cursor.at += 1
            continue
        parts = [cursor.part()]
        while cursor.next_is(".") and cursor.tokens[cursor.at + 1].kind in (TokenForm.QUOTED, TokenForm.WORD):
            cursor.at += 1
            parts.append(cursor.part())
        found += [Name(part) for part in parts]
        found += [Name(name, schema) for schema, name in pairwise(parts)]
    return found


def _table(cursor: Cursor) -> Name | None:
    """The table that the statement creates or alters, if it begins by saying so."""
    cursor.at = 0
    if not cursor.take_any("CREATE", "ALTER"):
        return None
    cursor.take("OR", "REPLACE")
    while cursor.take_any("GLOBAL", "LOCAL", "PRIVATE", "TEMPORARY", "TEMP", "UNLOGGED", "ONLINE", "IGNORE", "FOREIGN"):
        pass
    if not cursor.take("TABLE"):
        return None
    if not cursor.if_not_exists():
        cursor.if_exists()
    cursor.take("ONLY")
    try:
        return cursor.name()
    except NotReadable:
        return None

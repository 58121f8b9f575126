"""Reading statements that change only a session, or nothing: settings, transactions, locks, comments, statistics,
grants.
"""

from belay.sql.changes import MYSQL, Engine
from belay.sql.cursor import Cursor
from belay.sql.operations import ChangeTable, Grant, Harmless, LockTable, Operation, RewriteTable, Setting, Transaction
from belay.sql.tokens import NotReadable, TokenForm

HARMLESS = frozenset(
    "COMMENT ANALYZE NOTIFY LISTEN UNLISTEN DISCARD CHECKPOINT UNLOCK REFRESH SHOW DESCRIBE DESC PRINT "
    "RUNSTATS SAVEPOINT RELEASE FLUSH SECURITY DEALLOCATE CLOSE".split()
)
_MODES = frozenset(
    "ISOLATION LEVEL READ WRITE ONLY COMMITTED UNCOMMITTED REPEATABLE SERIALIZABLE DEFERRABLE NOT WITH CONSISTENT "
    "SNAPSHOT ,".split()
)
"""What may follow the beginning of a transaction."""
_LEVELS = ("SESSION", "LOCAL", "GLOBAL", "PERSIST", "PERSIST_ONLY")


def setting(cursor: Cursor) -> tuple[Operation, ...]:
    """``SET``, from after it. Raises NotReadable if a value is not a constant."""
    engine = cursor.engine
    if engine is Engine.SQLSERVER:
        return (_switch(cursor),)
    if cursor.take_any("TRANSACTION", "CONSTRAINTS") or cursor.take("SESSION", "CHARACTERISTICS"):
        cursor.rest()
        return (Setting("transaction", ""),)
    if engine is Engine.DB2 and cursor.next_is("INTEGRITY"):
        return _integrity(cursor)
    return tuple(cursor.listed(lambda: _assignment(cursor)))


def _integrity(cursor: Cursor) -> tuple[Operation, ...]:
    """DB2's ``SET INTEGRITY FOR t ...``, from ``INTEGRITY``. Raises NotReadable if rows may be moved."""
    cursor.expect("INTEGRITY", "FOR")
    names = cursor.names()
    if "EXCEPTION" in cursor.rest().upper():
        raise NotReadable("rows that are moved to a table of exceptions")
    return tuple(ChangeTable(name, "integrity") for name in names)


def _assignment(cursor: Cursor) -> Setting:
    cursor.take_any(*_LEVELS)
    if cursor.take("TIME", "ZONE"):
        name = "timezone"
    elif cursor.take("CHARACTER", "SET") or cursor.take("SESSION", "AUTHORIZATION"):
        name = cursor.tokens[cursor.at - 1].word.lower()
    elif cursor.token.kind is TokenForm.VARIABLE:
        cursor.at += 1
        name = cursor.tokens[cursor.at - 1].value.lower()
    else:
        cursor.take("CURRENT") if cursor.engine is Engine.DB2 else None
        name = str(cursor.name()).lower()
    if not (cursor.take("=") or cursor.take("TO") or cursor.take(":=")) and cursor.done:
        raise cursor.unexpected("a value")
    if cursor.engine in MYSQL and (cursor.next_is("(") or cursor.tokens[cursor.at + 1].word == "("):
        return Setting(name.removeprefix("@@"), _computed(cursor))
    start = cursor.at
    value = []
    while not cursor.done:
        token = cursor.token
        if token.word in ("(", "SELECT") or (
            token.kind is TokenForm.SIGN and token.word not in (",", "-", "+", ".", "=", "@")
        ):
            raise cursor.unexpected("a constant")
        if token.word == "," and (cursor.engine in MYSQL or cursor.at == start):
            break
        value.append(token.value if token.kind is TokenForm.STRING else cursor.text[token.start : token.end])
        cursor.at += 1
    return Setting(name.removeprefix("@@"), " ".join(value).replace(" ,", ",").lower())


def _computed(cursor: Cursor) -> str:
    """A value that a query or function returns without side effects. Raises NotReadable."""
    start = cursor.at
    cursor.skip_to(",")
    value = cursor.since(start)
    from belay.sql import queries  # noqa: PLC0415 - as in belay.sql.rows

    if queries.operations(f"SELECT {value}", cursor.engine) != (Harmless("select"),):
        raise NotReadable("a value that is more than read")
    return value.lower()


def _switch(cursor: Cursor) -> Operation:
    """SQL Server's ``SET option ON``."""
    if cursor.take("TRANSACTION", "ISOLATION", "LEVEL"):
        cursor.take_any("READ", "REPEATABLE", "SNAPSHOT", "SERIALIZABLE")
        cursor.take_any("COMMITTED", "UNCOMMITTED", "READ")
        return Setting("transaction", "")
    name = cursor.part()
    if name == "identity_insert":
        cursor.name()
    elif cursor.take(","):
        cursor.listed(cursor.part)
    cursor.take("-")
    token = cursor.token
    if token.kind not in (TokenForm.WORD, TokenForm.NUMBER):
        raise cursor.unexpected("ON or OFF")
    cursor.at += 1
    return Setting(name, token.value.lower())


def transaction(cursor: Cursor, verb: str) -> tuple[Operation, ...]:
    """``BEGIN``, ``START TRANSACTION``, ``COMMIT``, ``ROLLBACK``, from after the first word. Raises NotReadable."""
    if verb == "START":
        cursor.expect("TRANSACTION")
        verb = "BEGIN"
    if cursor.engine is Engine.SQLSERVER:
        if cursor.take_any("TRAN", "TRANSACTION", "WORK"):
            if cursor.next_is_name() and cursor.token.word not in STARTERS:
                cursor.part()
        elif verb == "BEGIN":
            raise NotReadable("a block")
        return (Transaction(verb.lower()),)
    cursor.take_any("WORK", "TRANSACTION", "TRAN")
    if verb == "BEGIN":
        while cursor.next_in(_MODES):
            cursor.at += 1
        if not cursor.done:
            raise NotReadable("a block")
    elif not cursor.done and not (cursor.take("AND", "NO", "CHAIN")):
        raise NotReadable("a rollback to a savepoint" if verb == "ROLLBACK" else "an end of more than a transaction")
    return (Transaction("commit" if verb == "END" else verb.lower()),)


STARTERS = frozenset(
    "ALTER BEGIN COMMIT CREATE DELETE DENY DROP EXEC EXECUTE GRANT IF INSERT MERGE PRINT REVOKE ROLLBACK SELECT SET "
    "TRUNCATE UPDATE USE WITH DECLARE WHILE GO ELSE END RETURN RAISERROR THROW".split()
)
"""Words that begin a statement in SQL Server, which needs no separator between two."""

CHANGING = STARTERS - frozenset("SELECT WITH SET ELSE END BEGIN IF USE".split())
"""Those that occur nowhere else in SQL Server's definitions and permissions."""


def grant(cursor: Cursor, verb: str) -> tuple[Operation, ...]:
    """``GRANT``, ``REVOKE`` and ``DENY``, as written."""
    if cursor.engine is not Engine.SQLSERVER:
        return (_granted(verb, cursor.rest()),)
    start = cursor.at
    cursor.skip_to("ON", "TO", "FROM", "WITH", "ADD", "DROP")
    cursor.at += not cursor.done
    cursor.skip_to(*CHANGING)
    if cursor.tokens[cursor.at - 1].word == "WITH" and cursor.take("GRANT", "OPTION"):
        cursor.skip_to(*CHANGING)
    return (_granted(verb, cursor.since(start)),)


def _granted(verb: str, rest: str) -> Grant:
    """Only these revoke; creating or changing a user grants."""
    defaults = verb == "ALTER DEFAULT PRIVILEGES" and "REVOKE" in rest.upper().split()
    return Grant(f"{verb} {rest}", revoke=verb in ("REVOKE", "DENY") or defaults)


def harmless(cursor: Cursor, verb: str) -> tuple[Operation, ...]:
    """A statement that changes nothing the model holds, to its end."""
    if cursor.engine is Engine.SQLSERVER:
        cursor.skip_to(*STARTERS)
    else:
        cursor.rest()
    return (Harmless(verb.lower()),)


def vacuum(cursor: Cursor) -> tuple[Operation, ...]:
    """PostgreSQL's ``VACUUM``, which with ``FULL`` rewrites every row."""
    options = cursor.group().upper() if cursor.next_is("(") else ""
    full = "FULL" in options.strip("()").replace(",", " ").split() or cursor.take("FULL")
    while cursor.take_any("FREEZE", "VERBOSE", "ANALYZE"):
        pass
    if full and not cursor.done:
        return tuple(RewriteTable(name, "vacuum full") for name in cursor.names())
    if full:
        raise NotReadable("every table is rewritten", everything=True)
    cursor.rest()
    return (Harmless("vacuum"),)


def lock(cursor: Cursor) -> tuple[Operation, ...]:
    """``LOCK TABLE``, from after ``LOCK``."""
    cursor.take_any("TABLE", "TABLES")
    if cursor.engine in MYSQL:
        return tuple(cursor.listed(lambda: _mysql_lock(cursor)))
    cursor.take("ONLY")
    names = cursor.names()
    mode = ""
    if cursor.take("IN"):
        mode = cursor.skip_to("MODE", ";").lower()
        cursor.expect("MODE")
    cursor.take("NOWAIT")
    return tuple(LockTable(name, mode or "access exclusive") for name in names)


def _mysql_lock(cursor: Cursor) -> LockTable:
    name = cursor.name()
    if cursor.take("AS") or cursor.token.word not in ("READ", "WRITE", "LOW_PRIORITY"):
        cursor.part()
    cursor.take("LOW_PRIORITY")
    mode = cursor.take_any("READ", "WRITE").lower()
    cursor.take("LOCAL")
    return LockTable(name, mode)


def rewrite(cursor: Cursor, verb: str) -> tuple[Operation, ...]:
    """PostgreSQL's ``CLUSTER`` and ``REINDEX``, from after the verb. Raises NotReadable if it names no table."""
    options = cursor.group().upper() if cursor.next_is("(") else ""
    if verb == "REINDEX" and "CONCURRENTLY" in options:
        return (Harmless("reindex concurrently"),) if cursor.rest() else ()
    if verb == "REINDEX":
        if cursor.take_any("INDEX", "SCHEMA", "DATABASE", "SYSTEM"):
            online = cursor.take("CONCURRENTLY")
            return (Harmless("reindex concurrently" if online else "reindex"),) if cursor.rest() else ()
        cursor.expect("TABLE")
        if cursor.take("CONCURRENTLY"):
            cursor.name()
            return (Harmless("reindex concurrently"),)
    cursor.take("VERBOSE")
    table = cursor.name()
    if cursor.take("USING"):
        cursor.part()
    return (RewriteTable(table, verb.lower()),)

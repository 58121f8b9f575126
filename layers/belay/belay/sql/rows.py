"""Reading what writes or reads rows: rows of constants here, everything else with :mod:`belay.sql.queries`."""

from __future__ import annotations

from belay.sql.changes import Engine
from belay.sql.constraints import MYSQL
from belay.sql.cursor import Cursor
from belay.sql.operations import Operation, WriteRows
from belay.sql.sessions import STARTERS
from belay.sql.tokens import NotReadable, TokenForm

_CONSTANTS = frozenset(["NULL", "TRUE", "FALSE", "DEFAULT", "CURRENT_TIMESTAMP", "CURRENT_DATE", "SYSDATE", "-", "+"])


def write_or_query(cursor: Cursor) -> tuple[Operation, ...]:
    """``INSERT``, ``UPDATE``, ``DELETE``, ``MERGE`` or a query, from its first word. Raises NotReadable."""
    start = cursor.at
    if (inserted := _constants(cursor)) is not None:
        return (inserted,)
    cursor.at = start
    if cursor.engine is Engine.SQLSERVER:
        _to_next(cursor)
    else:
        cursor.skip_to(";")
        if not cursor.done and not cursor.next_is(";"):
            raise cursor.unexpected()
    from belay.sql import queries  # noqa: PLC0415 - sqlglot takes a quarter of a second to import, which most statements do not need

    begin, end = cursor.tokens[start].start, cursor.tokens[cursor.at - 1].end
    return queries.operations(cursor.text[begin:end], cursor.engine)


def _constants(cursor: Cursor) -> WriteRows | None:
    """Rows of constants that are inserted, the commonest and longest of all statements; None if it is another."""
    if not cursor.take("INSERT"):
        return None
    if not cursor.take("INTO") and cursor.engine not in (*MYSQL, Engine.SQLSERVER):
        return None
    if not cursor.next_is_name() or cursor.token.word in STARTERS:
        return None
    table = cursor.name()
    columns = cursor.columns() if cursor.next_is("(") else ()
    if not cursor.take("VALUES"):
        return None
    while _row(cursor):
        if not cursor.take(","):
            if cursor.done or cursor.next_is(";") or (cursor.engine is Engine.SQLSERVER and cursor.next_in(STARTERS)):
                return WriteRows(table, "insert", filtered=False, columns=columns, literal=True)
            return None
    return None


def _row(cursor: Cursor) -> bool:
    if not cursor.take("("):
        return False
    ahead = cursor.tokens
    while True:
        token = ahead[cursor.at]
        cursor.at += 1
        if token.word == ")":
            return True
        constant = token.kind in (TokenForm.STRING, TokenForm.NUMBER) or token.word == ","
        if not constant and token.word not in _CONSTANTS:
            return False


def _to_next(cursor: Cursor) -> None:
    """Goes to where SQL Server would begin the next statement."""
    first = cursor.token.word
    cursor.at += 1
    query = first in ("SELECT", "WITH", "(", "MERGE")
    while not cursor.done and not cursor.next_is(";"):
        word, before = cursor.token.word, cursor.tokens[cursor.at - 1].word
        if cursor.token.kind is TokenForm.SIGN and word in ("(", "["):
            cursor.group()
            continue
        if word in STARTERS and not _continues(word, before, first, query):
            return
        if word in ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"):
            query = True
        cursor.at += 1


def _continues(word: str, before: str, first: str, query: bool) -> bool:
    """Whether a word that begins statements is a part of this one."""
    if word == "SELECT":
        return before in ("UNION", "ALL", "EXCEPT", "INTERSECT") or (not query and first == "INSERT") or before == ")"
    if word == "WITH":
        return True
    if word in ("INSERT", "UPDATE", "DELETE", "MERGE"):
        return before == "THEN" or (first == "WITH" and before == ")")
    if word == "SET":
        return first in ("UPDATE", "MERGE", "WITH")
    if word in ("ELSE", "END", "IF"):
        return word != "IF"
    return word in ("EXEC", "EXECUTE") and first == "INSERT"


def copy(cursor: Cursor) -> tuple[Operation, ...]:
    """PostgreSQL's ``COPY table FROM STDIN``, from after ``COPY``. Raises NotReadable for any other source."""
    table = cursor.name()
    if cursor.next_is("("):
        cursor.columns()
    cursor.expect("FROM", "STDIN")
    if ";" in cursor.rest():
        raise NotReadable("COPY with something after it")
    return (WriteRows(table, "copy", filtered=False),)

"""Reading statements that write or read rows: rows of constants here, everything else with :mod:`belay.sql.queries`."""

from contextlib import suppress
from dataclasses import replace

from belay.sql.changes import MYSQL, Engine
from belay.sql.cursor import Cursor
from belay.sql.defaults import REGISTERS
from belay.sql.operations import Harmless, Operation, WriteRows
from belay.sql.sessions import STARTERS
from belay.sql.tokens import NotReadable, Token, TokenForm

_CONSTANTS = frozenset(["NULL", "TRUE", "FALSE", "DEFAULT", "CURRENT_TIMESTAMP", "CURRENT_DATE", "SYSDATE", "-", "+"])
_WITH_TOP = 6
"""Tokens of the shortest statement with ``TOP (n)``."""


def write_or_query(cursor: Cursor) -> tuple[Operation, ...]:
    """``INSERT``, ``UPDATE``, ``DELETE``, ``MERGE`` or a query, from its first word. Raises NotReadable."""
    start = cursor.at
    if cursor.done:
        raise cursor.unexpected("a query")
    with suppress(NotReadable):
        if inserted := _constants(cursor):
            return (inserted,)
    cursor.at = start
    if cursor.engine is Engine.SQLSERVER:
        _to_next(cursor)
    else:
        cursor.rest()
    from belay.sql import queries  # noqa: PLC0415 - sqlglot takes a quarter of a second to import: only where needed

    return queries.operations(_plain(cursor, start), cursor.engine)


def _plain(cursor: Cursor, start: int) -> str:
    """The tokens from number ``start`` to here in portable form: no comments, and strings without escapes.

    One engine's own syntax is rewritten as others have it: ``REPLACE INTO``, ``DELETE t``, ``TOP (1)``,
    ``CURRENT DATE``, ``WITH UR``.
    """
    parts: list[str] = []
    end = -1
    for token in _common(cursor, start):
        if end not in (-1, token.start):
            parts.append(" ")
        end = token.end
        if token.kind is TokenForm.STRING:
            parts.append("'" + token.value.replace("\\", "/").replace("'", "''") + "'")
        elif token.kind is TokenForm.QUOTED:
            quote = "`" if cursor.engine in MYSQL else '"'
            parts.append(quote + token.value.replace(quote, quote * 2) + quote)
        else:
            parts.append(token.value)
    return "".join(parts)


def _common(cursor: Cursor, start: int) -> list[Token]:
    found = cursor.tokens[start : cursor.at]
    first = found[0]
    if first.word == "REPLACE":
        found[0] = replace(first, value="INSERT")
    if cursor.engine is Engine.SQLSERVER and first.word in ("DELETE", "UPDATE"):
        found = _without_top(found)
    if first.word == "DELETE" and cursor.engine in (Engine.SQLSERVER, Engine.ORACLE):
        found = _with_from(found)
    if [token.word for token in found[-3:]] == ["WITH", "NO", "DATA"]:
        return found[:-3]
    if [token.word for token in found[-2:]] == ["WITH", "DATA"]:
        return found[:-2]
    return _db2(found) if cursor.engine is Engine.DB2 else found


def _without_top(found: list[Token]) -> list[Token]:
    """``DELETE TOP (10) FROM t`` is ``DELETE FROM t``: a row limit is not a condition."""
    if len(found) < _WITH_TOP or found[1].word != "TOP" or found[2].word != "(" or found[4].word != ")":
        return found
    return [found[0], *found[6 if found[5].word == "PERCENT" else 5 :]]


def _with_from(found: list[Token]) -> list[Token]:
    """``DELETE t WHERE ...`` is ``DELETE FROM t WHERE ...``; not if SQL Server has another FROM after it."""
    at = 2
    while at + 1 < len(found) and found[at].word == ".":
        at += 2
    if "FROM" in (token.word for token in (*found[1:2], *found[at : at + 1])):
        return found
    word = replace(found[0], word="FROM", value="FROM", start=-2, end=-3)
    return [found[0], word, *found[1:]]


def _db2(found: list[Token]) -> list[Token]:
    """DB2's special registers, sequences and isolation clause, as PostgreSQL's dialect has them."""
    made: list[Token] = []
    at = 0
    while at < len(found):
        token, after = found[at], found[at + 1].word if at + 1 < len(found) else ""
        if token.word == "CURRENT" and after in REGISTERS:
            made.append(replace(token, value="CURRENT_USER", end=found[at + 1].end))
            at += 2
        elif token.word in ("NEXT", "PREVIOUS") and after == "VALUE" and at + 2 < len(found):
            made.append(replace(token, value="CURRENT_USER +", end=found[at + 2].end))
            at += 3
        elif token.word == "WITH" and after in ("UR", "CS", "RS", "RR") and at + 2 == len(found):
            break
        else:
            made.append(token)
            at += 1
    return made


def _constants(cursor: Cursor) -> WriteRows | None:
    """Inserted rows of constants, the most common and longest of all statements; None if it is another."""
    if not cursor.take("INSERT") and not (cursor.engine in MYSQL and cursor.take("REPLACE")):
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
    """Advances to where SQL Server would begin the next statement."""
    first = cursor.token.word
    cursor.at += 1
    query, cases = first in ("SELECT", "WITH", "(", "MERGE"), 0
    while not cursor.done and not cursor.next_is(";"):
        word, before = cursor.token.word, cursor.tokens[cursor.at - 1].word
        if cursor.token.kind is TokenForm.SIGN and word in ("(", "["):
            cursor.group()
            continue
        cases += word == "CASE"
        if word in ("ELSE", "END") and cases:
            cases -= word == "END"
        elif word in STARTERS and not _continues(word, before, first, query):
            return
        if word in ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"):
            query = True
        cursor.at += 1


def _continues(word: str, before: str, first: str, query: bool) -> bool:
    """Whether a word that begins statements continues this one."""
    if word == "SELECT":
        return before in ("UNION", "ALL", "EXCEPT", "INTERSECT") or (not query and first == "INSERT") or before == ")"
    if word == "WITH":
        return True
    if word in ("INSERT", "UPDATE", "DELETE", "MERGE"):
        return before == "THEN" or (first == "WITH" and before == ")")
    if word == "SET":
        return first in ("UPDATE", "MERGE", "WITH")
    return word in ("EXEC", "EXECUTE") and first == "INSERT"


def copy(cursor: Cursor) -> tuple[Operation, ...]:
    """PostgreSQL's ``COPY table FROM STDIN``, from after ``COPY``. Raises NotReadable for other places."""
    table = cursor.name()
    if cursor.next_is("("):
        cursor.columns()
    if cursor.take("TO", "STDOUT"):
        cursor.rest()
        return (Harmless("copy"),)
    cursor.expect("FROM", "STDIN")
    cursor.rest()
    return (WriteRows(table, "copy", filtered=False),)

"""Reading a column's default: its extent, and whether one value serves every row."""

from belay.sql.changes import Engine
from belay.sql.column_types import column_type
from belay.sql.cursor import Cursor
from belay.sql.functions import VOLATILE, is_stable
from belay.sql.operations import Default, DefaultKind
from belay.sql.tokens import TokenForm

_BARE = frozenset(
    "NULL TRUE FALSE CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME LOCALTIME LOCALTIMESTAMP CURRENT_USER SESSION_USER "
    "USER CURRENT_ROLE CURRENT_CATALOG CURRENT_SCHEMA SYSDATE SYSTIMESTAMP UTC_TIMESTAMP UTC_DATE SYSTEM_USER "
    "CURRENT_SERVER SYSUUID".split()
)
REGISTERS = frozenset("TIMESTAMP DATE TIME SCHEMA SERVER PATH SQLID USER TIMEZONE ISOLATION DEGREE".split())
"""What follows ``CURRENT`` in DB2."""
_OPERATORS = frozenset({"+", "-", "*", "/", "||", "%"})


def default(cursor: Cursor) -> Default:
    """The default that comes next. Raises NotReadable if its end cannot be determined."""
    start = cursor.at
    if cursor.engine is Engine.DB2 and (cursor.done or cursor.token.word in (",", ")", "NOT", "PRIMARY", "CONSTRAINT")):
        return Default(DefaultKind.CONSTANT)
    kind = _operand(cursor)
    while cursor.next_in(_OPERATORS) or cursor.next_is("|", "|"):
        cursor.take("|")
        cursor.at += 1
        kind = _worse(kind, _operand(cursor))
    text = cursor.since(start)
    return Default() if text.upper() == "NULL" else Default(kind, text)


def expression_kind(cursor: Cursor, start: int, end: int) -> DefaultKind:
    """The kind of the expression in these tokens: the worst of the functions it calls."""
    kind = DefaultKind.CONSTANT
    for number in range(start, end):
        token = cursor.tokens[number]
        if token.kind in (TokenForm.WORD, TokenForm.QUOTED) and cursor.tokens[number + 1].word == "(":
            kind = _worse(kind, _function(token.value))
        elif token.word in ("NEXTVAL", "SYSUUID") or (
            token.word == "NEXT" and cursor.tokens[number + 1].word == "VALUE"
        ):
            kind = _worse(kind, DefaultKind.VOLATILE)
        elif token.word in ("SELECT", "FOR"):
            kind = _worse(kind, DefaultKind.UNKNOWN)
    return kind


def _operand(cursor: Cursor) -> DefaultKind:
    while cursor.take_any("+", "-"):
        pass
    token, start = cursor.token, cursor.at
    if cursor.next_is("("):
        cursor.group()
        kind = expression_kind(cursor, start, cursor.at)
    elif token.kind in (TokenForm.STRING, TokenForm.NUMBER):
        cursor.at += 1
        while cursor.token.kind is TokenForm.STRING:
            cursor.at += 1
        kind = DefaultKind.CONSTANT
    elif token.word == "ARRAY" and cursor.tokens[cursor.at + 1].word == "[":
        cursor.at += 1
        cursor.group()
        kind = expression_kind(cursor, start, cursor.at)
    elif cursor.engine is Engine.DB2 and token.word == "CURRENT" and cursor.tokens[start + 1].word in REGISTERS:
        cursor.at += 2
        kind = DefaultKind.CONSTANT
    elif cursor.take("NEXT", "VALUE", "FOR"):
        cursor.name()
        kind = DefaultKind.VOLATILE
    elif cursor.next_is_name():
        kind = _named(cursor)
    else:
        raise cursor.unexpected("a default")
    while cursor.take("::") or (cursor.engine is Engine.POSTGRESQL and cursor.next_is("[")):
        if cursor.next_is("["):
            cursor.group()
        else:
            column_type(cursor)
    return kind


def _named(cursor: Cursor) -> DefaultKind:
    """A function, a keyword that is one, or a string after its type, as ``DATE '2020-01-01'``."""
    start = cursor.at
    name = cursor.name().name
    if cursor.next_is("("):
        cursor.group()
        return expression_kind(cursor, start, cursor.at)
    if cursor.token.kind is TokenForm.STRING:
        cursor.at += 1
        if name.upper() == "INTERVAL":
            cursor.take_any("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
        return DefaultKind.CONSTANT
    word = cursor.tokens[cursor.at - 1].word
    if word == "NEXTVAL" and cursor.at - start > 1:
        return DefaultKind.VOLATILE
    if cursor.at - start == 1 and word in _BARE:
        return DefaultKind.VOLATILE if word == "SYSUUID" else DefaultKind.CONSTANT
    cursor.at = start
    raise cursor.unexpected("a default")


def _function(name: str) -> DefaultKind:
    if name.lower() in VOLATILE:
        return DefaultKind.VOLATILE
    return DefaultKind.CONSTANT if is_stable(name) else DefaultKind.UNKNOWN


_RANK = [DefaultKind.NONE, DefaultKind.CONSTANT, DefaultKind.UNKNOWN, DefaultKind.VOLATILE]


def _worse(one: DefaultKind, other: DefaultKind) -> DefaultKind:
    return max(one, other, key=_RANK.index)

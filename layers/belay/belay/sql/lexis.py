"""What the engines' lexers recognize in SQL, as far as it determines where a statement ends: strings, names, comments,
marks.

Sources: https://www.postgresql.org/docs/current/sql-syntax-lexical.html,
https://dev.mysql.com/doc/refman/8.4/en/language-structure.html,
https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/Literals.html,
https://learn.microsoft.com/sql/t-sql/language-elements/slash-star-comment-transact-sql,
https://www.ibm.com/docs/en/db2/11.5?topic=elements-tokens
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from belay.sql.changes import Engine


class TokenKind(StrEnum):
    """What a token is; the names of the groups in a pattern."""

    COMMENT = "comment"
    NESTED = "nested"
    """The beginning of a comment that may be nested."""
    OPAQUE = "opaque"
    """A string or a quoted name."""
    DELIMITED = "delimited"
    """The beginning of a string that defines its own end: ``$tag$``, ``q'[``."""
    EXECUTED = "executed"
    """The beginning or end of code that MySQL executes although it looks like a comment."""
    LINE = "line"
    """A whole line that is for the engine's client: ``GO``, ``/``, a command of ``sqlcmd``."""
    END = "end"
    """A terminator."""
    BROKEN = "broken"
    """The beginning of an unclosed string, name or comment."""
    WORD = "word"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Lexis:
    """An engine's tokens as regular expressions; no repetition backtracks, so reading is linear."""

    comment: str
    nested: bool
    opaque: str
    head: str
    tail: str
    """Characters that begin and continue a word, as members of a character class."""
    marks: str
    """Characters that are tokens themselves, and those that begin one of the others; for a character class."""
    line: str = ""
    delimited: str = ""
    guard: str = ""
    """Characters that must not continue a word."""
    broken: str = ""
    """What begins a string, other than a lone quote."""
    executed: str = ""


def _quoted(quote: str, escape: str = "") -> str:
    inside = f"[^{quote}{escape * 2}]*+"
    again = rf"(?:{quote}{quote}|\\.)" if escape else quote * 2
    return f"{quote}{inside}(?:{again}{inside})*+{quote}"


_LETTERS: Final = r"A-Za-z_\x80-\U0010ffff"
_LINE_COMMENT: Final = r"--[^\n]*+"
_COMMENT_BODY: Final = r"(?:[^*]++|\*(?!/))*+\*/"
_ONLY: Final = r"[ \t]*+(?=\r?\n|\Z)"
"""Nothing else on the line."""

_CONTINUED: Final = r"[ \t\f\v]*+[\r\n](?:[ \t\r\n\f\v]++|--[^\r\n]*+[\r\n])*+"
"""Two SQL strings separated by a line break are one, and the second is read as the first is."""
_ESCAPED: Final = _quoted("'", "\\")
_POSTGRESQL: Final = Lexis(
    comment=_LINE_COMMENT,
    nested=True,
    opaque=rf"""[eE]{_ESCAPED}(?>{_CONTINUED}{_ESCAPED})*+|{_quoted("'")}|{_quoted('"')}""",
    head=_LETTERS,
    tail=r"\w$\x80-\U0010ffff",
    marks=r"'\"$()\\",
    delimited=r"\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*+)?+\$",
    broken="[eE]'|",
)
_MYSQL: Final = Lexis(
    comment=rf"--(?=[\x00-\x20]|\Z)[^\n]*+|\#[^\n]*+|/\*(?!M?!){_COMMENT_BODY}",
    nested=False,
    opaque=f"""{_ESCAPED}|{_quoted('"', chr(92))}|{_quoted("`")}""",
    head=r"\w$\x80-\uffff",
    tail=r"\w$\x80-\uffff",
    marks=r"'\"`\#*()\\",
    executed=r"/\*M?!\d*+|\*/",
)
_ORACLE: Final = Lexis(
    comment=f"{_LINE_COMMENT}|/\\*{_COMMENT_BODY}",
    nested=False,
    opaque=f"""{_quoted("'")}|{_quoted('"')}""",
    delimited=r"[nN]?+[qQ]'[^ \t\r\n]",
    head=_LETTERS,
    tail=r"\w$\#\x80-\U0010ffff",
    marks=r"'\"()@!&",
    line=f"[ \\t]*+/{_ONLY}",
)
_SQLSERVER: Final = Lexis(
    comment=_LINE_COMMENT,
    nested=True,
    opaque=f"""{_quoted("'")}|{_quoted('"')}|\\[[^\\]]*+(?:\\]\\][^\\]]*+)*+\\]""",
    head=rf"@\#{_LETTERS}",
    tail=r"\w@\#$\x80-\U0010ffff",
    marks=r"'\"\[(),@\#",
    line=r"[ \t]*+(?:[gG][oO](?:[ \t]++\d++)?+[ \t;]*+(?:--[^\n]*+)?+(?=\r?\n|\Z)|:(?=[A-Za-z])[^\n]*+|!![^\n]*+)",
)
_DB2: Final = Lexis(
    comment=_LINE_COMMENT,
    nested=True,
    opaque=f"""{_quoted("'")}|{_quoted('"')}""",
    head=_LETTERS,
    tail=r"\w$\#@\x80-\U0010ffff",
    guard=rf"(?!@{_ONLY})",
    marks=r"'\"()!@",
)
LEXES: Final = {
    Engine.POSTGRESQL: _POSTGRESQL,
    Engine.MYSQL: _MYSQL,
    Engine.MARIADB: _MYSQL,
    Engine.ORACLE: _ORACLE,
    Engine.SQLSERVER: _SQLSERVER,
    Engine.DB2: _DB2,
}

_OPENING: Final = ("'", '\\"', "`", "\\[")
"""What opens a string or a quoted name in any engine, as members of a character class."""


@lru_cache(maxsize=256)
def pattern(engine: Engine, terminator: str) -> re.Pattern[str]:
    """Return the pattern of one token and of what is skipped before it; it matches at every position of any text.

    ``terminator`` is text, in any case, and ends a statement anywhere outside strings and comments.
    """
    lexis = LEXES[engine]
    guard = lexis.guard + (f"(?!{_terminator(terminator)})" if terminator[0] in "$@#" else "")
    groups = {
        TokenKind.LINE: rf"(?:(?<=\n)|\A)(?:{lexis.line})" if lexis.line else "",
        TokenKind.END: _terminator(terminator),
        TokenKind.EXECUTED: lexis.executed,
        TokenKind.COMMENT: lexis.comment,
        TokenKind.NESTED: r"/\*" if lexis.nested else "",
        TokenKind.DELIMITED: lexis.delimited,
        TokenKind.OPAQUE: lexis.opaque,
        TokenKind.BROKEN: rf"{lexis.broken}/\*|[{''.join(each for each in _OPENING if each in lexis.marks)}]",
        TokenKind.WORD: rf"[{lexis.head}](?:{guard}[{lexis.tail}])*+|\$?\d[\w.]*+",
        TokenKind.MARK: ".",
    }
    plain = rf"[^\w\x80-\U0010ffff\n;/\-{lexis.marks}{re.escape(terminator[0])}]"
    newline = rf"\n(?!{lexis.line})" if lexis.line else r"\n"
    skipped = rf"(?:{plain}++|{newline})*+\n?+"
    if lexis.line:
        skipped = rf"(?:(?!\A(?:{lexis.line})){skipped})?+"
    alternatives = "|".join(f"(?P<{kind}>{each})" for kind, each in groups.items() if each)
    return re.compile(f"{skipped}(?:{alternatives})?+", re.DOTALL | re.ASCII)


def _terminator(text: str) -> str:
    literal = "".join(
        f"[{each.lower()}{each.upper()}]" if each.isascii() and each.isalpha() else re.escape(each) for each in text
    )
    before = r"(?<![\w$])" if text[0].isalnum() else ""
    after = r"(?![\w$])" if text[-1].isalnum() else ""
    return f"{before}{literal}{after}"

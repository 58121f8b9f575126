"""Splitting a statement into tokens, as each engine does: names, strings, numbers and signs, without comments.

Every engine has its own quotes and comments; reading them by another engine's rules misreads statements.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from belay.sql.changes import MYSQL, Engine

POSTGRESQL_LENGTH = 63
"""Bytes of a name that PostgreSQL keeps."""
MYSQL_VERSION = 80499
"""Comments such as ``/*!80000 ... */`` up to this version are run."""


class NotReadable(Exception):  # noqa: N818 - a statement's, as errors.py has an undertaking's
    """A statement violates its engine's grammar, as far as it is known here. Becomes ``NotUnderstood``.

    ``everything`` is true if what it changes cannot be determined.
    """

    def __init__(self, reason: str, *, everything: bool = False) -> None:
        super().__init__(reason)
        self.everything = everything


class TokenForm(Enum):
    """The form of a token. A ``WORD`` is a keyword or an unquoted name, a ``QUOTED`` only ever a name."""

    WORD = "word"
    QUOTED = "quoted name"
    STRING = "string"
    NUMBER = "number"
    VARIABLE = "variable"
    SIGN = "sign"


@dataclass(slots=True)
class Token:
    """A token: ``word`` is its text in upper case if it is a word, its text if it is a sign, else empty.

    ``value`` is a name's or string's content without quotes; ``start`` and ``end`` are offsets in the statement.
    """

    kind: TokenForm
    word: str
    value: str
    start: int
    end: int


_WORD = r"[^\W\d]|[_\x80-\U0010ffff]"
_PATTERNS = {
    "space": r"\s+",
    "line": r"--[^\n]*",
    "block": r"/\*",
    "dollar": r"\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$",
    "escaped": r"[eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'",
    "unicode_name": r'[uU]&"(?=[^"]|"")[^"]*+(?:""[^"]*+)*+"',
    "alternative": r"[nN]?[qQ]'",
    "string": r"(?:[nNbBxX]|[uU]&|_\w++\s*+)?'[^']*+(?:''[^']*+)*+'",
    "backslashed": r"(?:[nNbBxX]|_\w++\s*+)?'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'",
    "double_string": r'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"',
    "double": r'"(?=[^"]|"")[^"]*+(?:""[^"]*+)*+"',
    "backtick": r"`(?=[^`]|``)[^`]*+(?:``[^`]*+)*+`",
    "bracket": r"\[(?=[^\]]|\]\])[^\]]*+(?:\]\][^\]]*+)*+\]",
    "number": r"(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)",
    "variable": r"@{1,2}[\w$#.]*|:(?=[A-Za-z_])\w+|\?|\$\d+",
    "temporary": r"#{1,2}[\w$#@]+",
    "word": rf"(?:{_WORD})[\w$#\x80-\U0010ffff]*",
    "sign": r"::|:=|<=|>=|<>|!=|\|\||->>|->|=>|[-+*/%<>=~!@#^&|?:;,.()\[\]{}\\$`]",
}
_COMMON = ("space", "line", "block")
_ORDER = {
    Engine.POSTGRESQL: (
        *_COMMON, "dollar", "escaped", "unicode_name", "string", "double", "number", "word", "parameter", "sign",
    ),
    Engine.MYSQL: (
        "space", "mysql_line", "block", "backslashed", "double_string", "backtick", "mysql_number", "word",
        "variable", "sign",
    ),
    Engine.ORACLE: (*_COMMON, "alternative", "string", "double", "number", "word", "variable", "sign"),
    Engine.SQLSERVER: (
        *_COMMON, "string", "double", "bracket", "number", "temporary", "word", "variable", "sign",
    ),
    Engine.DB2: (*_COMMON, "string", "double", "number", "word", "variable", "sign"),
}  # fmt: skip
_PATTERNS["parameter"] = r"\$\d+"
_PATTERNS["mysql_line"] = r"--(?=\s|$)[^\n]*|\#[^\n]*"
_PATTERNS["mysql_number"] = _PATTERNS["number"] + r"(?![\w$])"
_ORDER[Engine.MARIADB] = _ORDER[Engine.MYSQL]
_NESTED = {Engine.POSTGRESQL, Engine.SQLSERVER, Engine.DB2}
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_EXECUTED = re.compile(r"/\*(M?)!(\d{5,6})?")
_CLOSING = {"[": "]", "{": "}", "<": ">", "(": ")"}
_UNICODE = re.compile(r"\\(?:\\|\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))")


@cache
def _pattern(engine: Engine) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{_PATTERNS[name]})" for name in _ORDER[engine]), re.DOTALL)


def tokens(text: str, engine: Engine) -> list[Token]:
    """The statement's tokens in order. Raises NotReadable if a quote or comment is not closed, or a sign unknown."""
    found: list[Token] = []
    match = _pattern(engine).match
    position, length = 0, len(text)
    executed_until = -1
    while position < length:
        if position == executed_until:
            position, executed_until = position + 2, -1
            continue
        if 0 <= executed_until < position:
            raise NotReadable("an executed comment that ends inside a string or name")
        matched = match(text, position)
        if matched is None:
            raise NotReadable(f"a character or quote that does not end: {text[position : position + 20]!r}")
        kind, end = matched.lastgroup, matched.end()
        if kind == "word":
            raw = matched.group()
            found.append(Token(TokenForm.WORD, raw.upper(), raw, position, end))
        elif kind == "sign":
            raw = matched.group()
            found.append(Token(TokenForm.SIGN, raw, raw, position, end))
        elif kind in ("number", "mysql_number"):
            found.append(Token(TokenForm.NUMBER, "", matched.group(), position, end))
        elif kind == "block":
            executed = _EXECUTED.match(text, position) if engine in MYSQL else None
            if executed:
                if executed_until >= 0:
                    raise NotReadable("an executed comment inside another")
                executed_until = _executed(text, executed, engine)
                end = executed.end()
            else:
                end = _block_end(text, position, engine)
        elif kind not in ("space", "line", "mysql_line"):
            found.append(_quoted(text, matched, engine))
            end = found[-1].end
        position = end
    return found


def _executed(text: str, opening: re.Match[str], engine: Engine) -> int:
    """Where the executed comment ends; raises NotReadable if whether it runs depends on the server."""
    if (opening[1] and engine is not Engine.MARIADB) or int(opening[2] or 0) > MYSQL_VERSION:
        raise NotReadable(f"whether {opening.group()} is run depends on the server")
    if (end := text.find("*/", opening.end())) < 0:
        raise NotReadable("a comment that does not end")
    return end


def _block_end(text: str, start: int, engine: Engine) -> int:
    depth = 0
    for edge in _BLOCK_EDGE.finditer(text, start):
        if edge.group() == "*/":
            depth -= 1
        elif depth == 0 or engine in _NESTED:
            depth += 1
        if depth == 0:
            return edge.end()
    raise NotReadable("a comment that does not end")


def _quoted(text: str, matched: re.Match[str], engine: Engine) -> Token:
    kind, raw, start, end = matched.lastgroup, matched.group(), matched.start(), matched.end()
    if kind in ("double", "backtick", "bracket"):
        closing = raw[-1]
        return Token(TokenForm.QUOTED, "", raw[1:-1].replace(closing * 2, closing), start, end)
    if kind == "unicode_name":
        decoded = _UNICODE.sub(lambda found: chr(int(found[1] or found[2] or "5c", 16)), raw[3:-1].replace('""', '"'))
        return Token(TokenForm.QUOTED, "", decoded, start, end)
    if kind in ("string", "escaped", "backslashed", "double_string"):
        quote = raw[-1]
        return Token(TokenForm.STRING, "", raw[raw.index(quote) + 1 : -1].replace(quote * 2, quote), start, end)
    if kind == "dollar":
        if (closed := text.find(raw, end)) < 0:
            raise NotReadable(f"a string in {raw} that does not end")
        return Token(TokenForm.STRING, "", text[end:closed], start, closed + len(raw))
    if kind == "alternative":
        opening = text[end : end + 1]
        closing = _CLOSING.get(opening, opening) + "'"
        if not opening or (closed := text.find(closing, end + 1)) < 0:
            raise NotReadable("a string in q'...' that does not end")
        return Token(TokenForm.STRING, "", text[end + 1 : closed], start, closed + 2)
    if kind == "temporary":
        return Token(TokenForm.WORD, raw.upper(), raw, start, end)
    return Token(TokenForm.VARIABLE, "", raw, start, end)


def folded(token: Token, engine: Engine) -> str:
    """A token as a name, as the engine compares names."""
    name = token.value
    if engine is Engine.POSTGRESQL:
        if token.kind is TokenForm.WORD:
            name = name.lower() if name.isascii() else re.sub(r"[A-Z]+", lambda upper: upper.group().lower(), name)
        return name if len(name) < POSTGRESQL_LENGTH // 4 else name.encode()[:POSTGRESQL_LENGTH].decode(errors="ignore")
    if engine in (Engine.ORACLE, Engine.DB2):
        return name.upper() if token.kind is TokenForm.WORD else name
    return name.lower()

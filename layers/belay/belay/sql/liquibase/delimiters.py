"""Liquibase's ``endDelimiter``, a regular expression that is never run as one here."""

import re
from typing import Final

from belay.sql.changes import Engine

_AROUND: Final = re.compile(r"\\r\??|\\n\??|\\s[*+]?|\\z|\\Z|\^|[\r\n \t]|(?<=[^$\\])\$\Z")
_LITERAL: Final = re.compile(r"\\([^\w\s])")
_SPECIAL: Final = re.compile(r"[\s\\()\[\]{}*+?]")
_LONGEST: Final = 10


def terminator(written: str, engine: Engine) -> str | None:
    """Return the text that ends statements; None if it cannot be determined.

    ``/`` in Oracle and ``GO`` in SQL Server are on lines of their own anyway, beside semicolons.
    """
    parts = written.split("|")
    alternatives = {_LITERAL.sub(r"\1", _AROUND.sub("", each)) for each in (parts if all(parts) else [written])}
    if len(alternatives) != 1:
        return None
    (literal,) = alternatives
    if not literal or len(literal) > _LONGEST or _SPECIAL.search(literal):
        return None
    own = {Engine.ORACLE: "/", Engine.SQLSERVER: "GO"}.get(engine)
    return ";" if literal.upper() == own else literal

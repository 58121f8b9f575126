"""Where Oracle's statements end: as SQL*Plus reads them, with PL/SQL up to a line of ``/``."""

import re
from typing import Final

from belay.sql.client_commands import ClientCommand
from belay.sql.splitters.base import Piece, Splitter

_CLOSING: Final = {"[": "]", "{": "}", "(": ")", "<": ">"}
_MODIFIERS: Final = frozenset({"OR", "REPLACE", "EDITIONABLE", "NONEDITIONABLE", "AND", "RESOLVE", "COMPILE"})
_PROCEDURAL: Final = frozenset({"FUNCTION", "PROCEDURE", "PACKAGE", "TRIGGER", "TYPE", "LIBRARY", "JAVA"})

_SQL_AFTER: Final = re.compile(
    r";(?:[ \t\r]*+(?:--[^\n]*+)?+\n)++(?P<sql>[ \t]*+(?:ALTER|CREATE|DROP|GRANT|REVOKE|TRUNCATE)[ \t\r\n])?+",
    re.IGNORECASE,
)
"""What cannot follow in PL/SQL, after comments and empty lines, which are read once."""

_VARIABLE: Final = re.compile(r"&&?\w")
_GIVES_A_VALUE: Final = re.compile(r"(?:ACC(?:EPT)?|DEF(?:INE)?|COL(?:UMN)?)\b", re.IGNORECASE)


class OracleSplitter(Splitter):
    """Handles PL/SQL and custom quotes."""

    def holds(self) -> bool:
        """Whether it is PL/SQL, whose statements end with semicolons too."""
        words = self.words
        if words[:1] == ["CREATE"]:
            kind = next((each for each in words[1:] if each not in _MODIFIERS), "")
            return self.terminator == ";" and kind in _PROCEDURAL
        with_routine = words[:1] == ["WITH"] and words[1:2] in (["FUNCTION"], ["PROCEDURE"])
        block = words[:1] in (["BEGIN"], ["DECLARE"]) or self.text.startswith("<<", self.start)
        return self.terminator == ";" and (block or with_routine)

    _substituting = False

    def for_client(self, command: ClientCommand, begin: int) -> Piece | None:
        """Take a line for SQL*Plus; setting a variable changes texts after it."""
        self._substituting |= bool(_GIVES_A_VALUE.match(self.text, begin))
        return super().for_client(command, begin)

    def doubted(self, start: int, end: int) -> str:
        """Return that SQL*Plus would run another text, or that SQL follows PL/SQL without a ``/`` line between."""
        if self._substituting and _VARIABLE.search(self.text, start, end):
            return "a substitution variable of SQL*Plus is in it"
        follows = self.holds() and any(each["sql"] for each in _SQL_AFTER.finditer(self.text, start, end))
        return "SQL follows PL/SQL without a line of / between" if follows else ""

    def closing(self, opening: str) -> str:
        """Return what closes ``q'[``."""
        return _CLOSING.get(opening[-1], opening[-1]) + "'"

    def mark(self, begin: int, end: int) -> Piece | None:
        """Take a character; SQL*Plus substitutes ``&name``."""
        if self.text[begin] == "&" and (self.text[end : end + 1].isalpha() or self.text[end : end + 1] == "&"):
            self.doubt = "a substitution variable of SQL*Plus is in it"
        return super().mark(begin, end)

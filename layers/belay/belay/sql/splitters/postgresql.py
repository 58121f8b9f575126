"""Where PostgreSQL's statements end: as ``psql`` reads them (https://www.postgresql.org/docs/current/app-psql.html)."""

import re
from typing import Final

from belay.sql.splitters.base import Piece, Splitter

_END_OF_ROWS: Final = re.compile(r"^\\\.\r?$", re.MULTILINE)
_ROUTINES: Final = frozenset({"FUNCTION", "PROCEDURE"})
_OTHER_STRINGS: Final = re.compile(
    r"standard_conforming_strings['\"]?\s*+(?!(?:=|,|to\b)\s*'?(?:on|true|default)\b)", re.IGNORECASE
)
_TOLD_BY: Final = 500
"""Characters of a statement within which a setting's name is found."""


class PostgreSqlSplitter(Splitter):
    """Handles ``BEGIN ATOMIC``, rules of several statements, and ``COPY`` with its rows."""

    parentheses_hold = True

    def begin(self) -> None:
        """Begin a statement."""
        super().begin()
        self._from_stdin = False

    def opens_block(self, following: str) -> bool:
        """Whether it is ``BEGIN ATOMIC`` of a routine: any other begins a transaction."""
        routine = self.words[:1] == ["CREATE"] and bool(_ROUTINES.intersection(self.words[1:5]))
        return routine and following == "ATOMIC"

    def opaque(self, begin: int, end: int) -> None:
        """Take a string; a file name for COPY is refused."""
        if self._copied():
            self.refuse(begin, "expected COPY with the rows in the file, found one that names a file of the server")
        super().opaque(begin, end)

    def word(self, begin: int, end: int) -> Piece | None:
        """Take a word; COPY from or to a program is refused."""
        if self._copied():
            word = self.text[begin:end].upper()
            self._from_stdin |= word == "STDIN"
            if word == "PROGRAM":
                self.refuse(begin, "expected COPY with the rows in the file, found a program for the server to run")
        return super().word(begin, end)

    def end(self, begin: int, end: int) -> Piece | None:
        """Take a terminator; the rows that follow COPY are part of it."""
        if not self._from_stdin:
            return super().end(begin, end)
        rows = _END_OF_ROWS.search(self.text, end)
        if rows is None:
            self.stop(end, "expected rows for COPY and a line of \\. after them, found no such line")
        self.at = rows.end()
        return self.piece(rows.start(), rows.end())

    def doubted(self, start: int, end: int) -> str:
        """Refuse changes to how strings are read."""
        setting = _OTHER_STRINGS.search(self.text, start, min(end, start + _TOLD_BY))
        if setting and self.words[:1] in (["SET"], ["SELECT"]):
            self.refuse(setting.start(), "expected standard_conforming_strings on, found another value")
        return ""

    def _copied(self) -> bool:
        return self.before in {"FROM", "TO"} and self.words[:1] == ["COPY"] and not self.parens

"""Where MySQL's and MariaDB's statements end: as ``mysql`` reads them, and without ``DELIMITER`` as Flyway does."""

import re
from typing import Final

from belay.sql.splitters.base import Piece, Splitter

_STORED: Final = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT"})
_OTHER_QUOTES: Final = re.compile(
    r"ANSI_QUOTES|NO_BACKSLASH_ESCAPES|sql_mode\s*(?:=|:=)\s*(?:\d|['\"][^'\"]*\b(?:ANSI|DB2|MAXDB|MSSQL|ORACLE|POSTGRESQL)\b)",
    re.IGNORECASE,
)
_TOLD_BY: Final = 500
"""Characters of a statement within which a setting is found."""


class MySqlSplitter(Splitter):
    """Handles stored programs, and code that is executed although it looks like a comment."""

    def begin(self) -> None:
        """Begin a statement."""
        super().begin()
        self._executed: int | None = None

    def opens_block(self, following: str) -> bool:
        """Whether it is in a stored program, or MariaDB's ``BEGIN NOT ATOMIC``: any other begins a transaction."""
        stored = self.words[:1] == ["CREATE"] and bool(_STORED.intersection(self.words))
        return stored or (self.words == ["BEGIN"] and following == "NOT")

    def executed(self, begin: int, end: int) -> None:
        """Take the beginning or end of a comment that is executed."""
        if self.text[begin] == "/":
            self.enter(begin)
            self._executed = begin
        elif self._executed is None:
            self.at = begin + 1
            self.mark(begin, self.at)
        else:
            self._executed = None

    def piece(self, end: int, stop: int) -> Piece:
        """End a statement."""
        if self._executed is not None:
            self.stop(self._executed, "expected an end of this comment within the statement, found none")
        return super().piece(end, stop)

    def doubted(self, start: int, end: int) -> str:
        """Refuse changes to how strings are read."""
        setting = _OTHER_QUOTES.search(self.text, start, min(end, start + _TOLD_BY))
        if setting and "SET" in self.words[:1]:
            self.refuse(setting.start(), "expected an SQL mode that leaves quotes as they are, found another")
        return ""

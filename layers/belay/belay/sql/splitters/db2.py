"""Where DB2's statements end: as its command line processor reads them, with terminators that the text declares."""

import re
from typing import Final

from belay.sql.splitters.base import Piece, Splitter

_DECLARED: Final = re.compile(r"--#SET\s+TERMINATOR\s+(\S{1,2})", re.IGNORECASE)
_AT_END_OF_LINE: Final = re.compile(r"@[ \t]*+(?:\r?\n|\Z)")


class Db2Splitter(Splitter):
    """Handles compound statements, and ``@`` at a line's end, as in files for ``db2 -td@``."""

    def comment(self, begin: int, end: int) -> None:
        """Skip a comment, or let it declare a terminator."""
        super().comment(begin, end)
        declared = _DECLARED.match(self.text, begin, end)
        if declared:
            self.end_with(declared[1])

    def opens_block(self, following: str) -> bool:
        """Every one does: DB2 has no statement that begins a transaction."""
        return True

    def mark(self, begin: int, end: int) -> Piece | None:
        """Take a character; ``@`` at the end of a line is a terminator."""
        if self.text[begin] == "@" and _AT_END_OF_LINE.match(self.text, begin):
            return None if self.start is None else self.piece(begin, end)
        return super().mark(begin, end)

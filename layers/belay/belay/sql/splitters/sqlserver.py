"""Where SQL Server's statements end: batches as ``sqlcmd`` reads them, and the statements in them.

T-SQL needs no semicolons: a statement also ends before a line that starts with a word that only begins one.
"""

import re
from typing import Final

from belay.sql.client_commands import ClientCommand
from belay.sql.splitters.base import Piece, Splitter


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MODULES: Final = frozenset({"PROC", "PROCEDURE", "FUNCTION", "TRIGGER"})
"""Modules, which take the rest of their batch."""

_NO_BLOCK: Final = frozenset({"TRAN", "TRANSACTION", "DISTRIBUTED", "DIALOG", "CONVERSATION"})
_BEGINNING: Final = _words(
    "ALTER BEGIN COMMIT CREATE DECLARE DELETE DENY DROP EXEC EXECUTE GRANT IF INSERT MERGE PRINT RAISERROR REVOKE "
    "ROLLBACK SELECT SET THROW TRUNCATE UPDATE USE WHILE WITH"
)
_OBJECTS: Final = _words(
    "APPLICATION CERTIFICATE CLUSTERED COLUMNSTORE CREDENTIAL DATABASE EXTERNAL FULLTEXT FUNCTION INDEX LOGIN "
    "MASTER NONCLUSTERED OR PARTITION PROC PROCEDURE QUEUE ROLE RULE SCHEMA SECURITY SEQUENCE SERVER SERVICE "
    "STATISTICS SYNONYM TABLE TRIGGER TYPE UNIQUE USER VIEW XML"
)
"""What follows CREATE, ALTER or DROP at the beginning of a statement, and not within ALTER TABLE."""

_LEADING: Final = _OBJECTS | _words(
    "ADD AFTER ALL AND AS BEGIN BY COLUMN CONSTRAINT DENY ELSE EXCEPT FOR FROM GRANT IN INSTEAD INTERSECT INTO "
    "NOT OF ON REVOKE THEN TO UNION"
)
"""Words after which no statement begins."""

_CONTINUING: Final = {
    "ALTER": frozenset({"WITH"}),
    "CREATE": frozenset({"WITH"}),
    "DELETE": frozenset({"WITH"}),
    "DENY": frozenset({"WITH"}),
    "EXEC": frozenset({"WITH"}),
    "EXECUTE": frozenset({"WITH"}),
    "GRANT": frozenset({"WITH"}),
    "INSERT": frozenset({"EXEC", "EXECUTE", "SELECT", "WITH"}),
    "REVOKE": frozenset({"WITH"}),
    "SELECT": frozenset({"WITH"}),
    "UPDATE": frozenset({"SET", "WITH"}),
    "WITH": frozenset({"DELETE", "INSERT", "MERGE", "SELECT", "SET", "UPDATE"}),
}
"""Words that continue a statement, by its first word."""

_ENDED: Final = {"INSERT": "VALUES", "UPDATE": "SET"}
"""The word of a statement after which those words no longer continue it."""

_HELD: Final = frozenset({"IF", "MERGE", "WHILE"})
"""Statements that only a semicolon, an END or their batch's end terminates."""

_NEXT: Final = re.compile(r"[ \t\r\n]*+(\w++|\()")
_VARIABLE: Final = re.compile(r"\$\(\w")


class SqlServerSplitter(Splitter):
    """Handles batches and blocks, and statements without semicolons."""

    statements_with_end = frozenset()

    def begin(self) -> None:
        """Begin a statement."""
        super().begin()
        self._comma = False

    def opens_block(self, following: str) -> bool:
        """Whether it begins no transaction and no conversation."""
        return following not in _NO_BLOCK

    def holds(self) -> bool:
        """Whether it is in a block, or in a module, which takes the rest of its batch."""
        return super().holds() or self._is_module()

    def line(self, begin: int, end: int) -> Piece | None:
        """Take ``GO``, which ends a batch, or refuse a command of ``sqlcmd``."""
        command, *arguments = self.text[begin:end].split()
        if command[0] in ":!":
            return self.for_client(ClientCommand.REFUSED, begin)
        if arguments and arguments[0].isdigit() and int(arguments[0][:9]) != 1:
            self.doubt = f"GO {arguments[0][:9]} repeats its batch"
            self.start = begin if self.start is None else self.start
            return self.piece(end, end)
        return super().line(begin, end)

    def word(self, begin: int, end: int) -> Piece | None:
        """Take a word, which may end the statement before it."""
        piece = self.piece(begin, begin) if self._begins_another(self.text[begin:end].upper(), begin, end) else None
        super().word(begin, end)
        self._comma = False
        return piece

    def mark(self, begin: int, end: int) -> Piece | None:
        """Take a character."""
        self._comma = self.text[begin] == ","
        return super().mark(begin, end)

    def opaque(self, begin: int, end: int) -> None:
        """Take a string or a quoted name."""
        super().opaque(begin, end)
        self._comma = False

    def doubted(self, start: int, end: int) -> str:
        """Return that it contains a variable of ``sqlcmd``, anywhere."""
        return "a variable of sqlcmd is in it" if _VARIABLE.search(self.text, start, end) else ""

    def _begins_another(self, word: str, begin: int, end: int) -> bool:
        if word not in _BEGINNING or self.start is None or self.parens or self._comma or self.before in _LEADING:
            return False
        in_block = len(self.blocks) > (self.before == "END")
        if in_block or self._is_module() or not self._first_of_line(begin):
            return False
        first = self.words[0] if self.words else ""
        if first in _HELD:
            return self.before == "END"
        return not self._continues(first, word, end)

    def _continues(self, first: str, word: str, end: int) -> bool:
        found = _NEXT.match(self.text, end)
        following = found[1].upper() if found else ""
        if word in {"ALTER", "CREATE", "DROP"}:
            return following not in _OBJECTS
        if word == "SET" and first == "ALTER":
            return following == "(" or self.words[1:2] == ["DATABASE"]
        if "VIEW" in self.words[:4] or "SCHEMA" in self.words[:2]:
            return True
        return word in _CONTINUING.get(first, ()) and _ENDED.get(first) not in self.words

    def _is_module(self) -> bool:
        return self.words[:1] in (["CREATE"], ["ALTER"]) and bool(_MODULES.intersection(self.words[1:4]))

    def _first_of_line(self, begin: int) -> bool:
        while begin and self.text[begin - 1] in " \t":
            begin -= 1
        return not begin or self.text[begin - 1] == "\n"

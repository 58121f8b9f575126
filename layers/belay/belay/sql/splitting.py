"""Splits SQL into statements where the engine's own client would, and refuses what a client would run itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine, SqlStatement
from belay.sql.client_commands import FILE_ACCESS
from belay.sql.lexis import TokenKind, pattern
from belay.sql.limits import MAX_PROBLEMS, MAX_STATEMENTS
from belay.sql.located import LocatedText
from belay.sql.problems import problem_at, shown

_NESTED: Final = re.compile(r"[^/*]*+(?:/(?!\*)[^/*]*+|\*(?!/)[^/*]*+)*+(?P<mark>/\*|\*/)")
_NONBLANK: Final = re.compile(r"[^ \t\r\n\f\v]")
_BLANKS: Final = " \t\r\n\f\v"
_END_OF_ROWS: Final = re.compile(r"^\\\.\r?$", re.MULTILINE)
_ROUTINES: Final = frozenset({"FUNCTION", "PROCEDURE"})
_ENDED_OTHERWISE: Final = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})
"""``END IF`` ends no block."""

_WORDS_KEPT: Final = 12
"""As many words of a statement's beginning tell what it is."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement in a text: where it begins, where it ends, and where its terminator does."""

    start: int
    end: int
    stop: int


def split(source: LocatedText, engine: Engine, terminator: str = ";") -> tuple[SqlStatement, ...]:
    """Split a text into its statements; what holds only blanks and comments is none.

    Raises :class:`UnreadableChanges` with every problem found.
    """
    text = source.text
    pieces = Splitter(source, engine, terminator).pieces()
    return tuple(SqlStatement(text[each.start : each.end], source.place(each.start)) for each in pieces)


class Splitter:
    """Reads a text once, from its beginning to its end."""

    def __init__(self, source: LocatedText, engine: Engine, terminator: str) -> None:
        self._source = source
        self._text = source.text
        self._engine = engine
        self._pattern = pattern(engine, terminator)
        self._at = 0
        self._problems: list[str] = []
        self._handlers: dict[str, Callable[[int, int], Piece | None]] = {
            TokenKind.COMMENT: self._comment,
            TokenKind.NESTED: self._nested,
            TokenKind.OPAQUE: self._opaque,
            TokenKind.DOLLAR: self._dollar,
            TokenKind.END: self._end,
            TokenKind.BROKEN: self._broken,
            TokenKind.WORD: self._word,
            TokenKind.MARK: self._mark,
        }
        self._begin()

    def _begin(self) -> None:
        self._start: int | None = None
        self._words: list[str] = []
        self._before = ""
        self._parens: list[int] = []
        self._blocks: list[int] = []
        self._begun = 0
        self._from_stdin = False

    def pieces(self) -> list[Piece]:
        """Return the statements. Raises :class:`UnreadableChanges`."""
        found = []
        for piece in self._read():
            found.append(piece)
            if len(found) > MAX_STATEMENTS:
                self._stop(piece.start, f"expected at most {MAX_STATEMENTS:,} statements, found more")
        if self._problems:
            raise UnreadableChanges(self._problems)
        return found

    def _read(self) -> Iterator[Piece]:
        text = self._text
        match = self._pattern.match
        while self._at < len(text):
            token = match(text, self._at)
            if token is None:  # it matches anything; a type checker cannot know
                raise AssertionError
            kind = token.lastgroup
            begin = token.start(kind) if kind else token.end()
            if self._start is None and (blank := _NONBLANK.search(text, self._at, begin)):
                self._start = blank.start()
            self._at = token.end()
            if kind and (piece := self._handlers[kind](begin, self._at)):
                yield piece
        if self._start is not None:
            self._settle("", len(text))
            if self._blocks:
                self._stop(self._blocks[-1], "expected an END for this BEGIN or CASE, found none up to the end")
            if self._parens and self._engine is Engine.POSTGRESQL:
                self._stop(self._parens[-1], "expected a closing parenthesis for this one, found none up to the end")
            yield self._piece(len(text), len(text))

    def _piece(self, end: int, stop: int) -> Piece:
        start = end if self._start is None else self._start
        self._begin()
        while end > start and self._text[end - 1] in _BLANKS:
            end -= 1
        return Piece(start, end, stop)

    def _comment(self, begin: int, end: int) -> None:
        if self._text.find("\r", begin, end - 1) >= 0 and self._text[begin] != "/":
            self._refuse(
                begin,
                "expected a comment that ends with its line, found a carriage return in it, which ends it for some "
                "engines and not for others; write line feeds",
            )

    def _nested(self, begin: int, end: int) -> None:
        depth = 1
        while depth:
            mark = _NESTED.match(self._text, end)
            if mark is None:
                self._stop(begin, "expected an end of this comment, found none; comments nest: each /* needs its */")
            depth += 1 if mark["mark"] == "/*" else -1
            end = mark.end()
        self._at = end

    def _opaque(self, begin: int, end: int) -> None:
        self._enter(begin, "")
        if self._text[begin] == '"':
            self._check_access(begin, self._text[begin + 1 : end - 1].upper())
        else:
            self._check_copied(begin)
        self._before = ""

    def _dollar(self, begin: int, end: int) -> None:
        self._enter(begin, "")
        quote = self._text[begin:end]
        close = self._text.find(quote, end)
        if close < 0:
            self._stop(begin, f"expected a closing {shown(quote)}, found none")
        self._check_copied(begin)
        self._before = ""
        self._at = close + len(quote)

    def _broken(self, begin: int, end: int) -> NoReturn:
        opened = self._text[begin:end]
        closing = {"/*": "*/", "[": "]"}.get(opened, opened)
        self._stop(begin, f"expected a closing {closing} for this {opened}, found none")

    def _end(self, begin: int, end: int) -> Piece | None:
        self._settle("", begin)
        self._before = ""
        if self._start is None or self._blocks or (self._parens and self._engine is Engine.POSTGRESQL):
            return None
        if self._from_stdin:
            begin, self._at = self._copied_rows(end)
        return self._piece(begin, self._at)

    def _word(self, begin: int, end: int) -> None:
        word = self._text[begin:end].upper()
        self._enter(begin, word)
        if len(self._words) < _WORDS_KEPT and not self._parens:
            self._words.append(word)
        self._check_access(begin, word)
        if self._before in {"FROM", "TO"} and self._words[:1] == ["COPY"] and not self._parens:
            self._from_stdin |= word == "STDIN"
            if word == "PROGRAM":
                self._refuse(
                    begin, "expected COPY with the rows in the file, found a program that the server would run"
                )
        self._before = word
        self._begun = begin

    def _mark(self, begin: int, end: int) -> None:
        mark = self._text[begin]
        if mark == "\\":
            line = self._line(begin)
            self._refuse(begin, f"expected SQL, found {shown(line)}, a command of the client, which is not run here")
            self._at = begin + len(line)
            return
        self._enter(begin, "")
        self._before = ""
        if mark == "(":
            self._parens.append(begin)
        elif mark == ")" and self._parens:
            self._parens.pop()

    def _enter(self, begin: int, word: str) -> None:
        """A token that belongs to a statement: its first one begins it."""
        if self._start is None:
            self._start = begin
        self._settle(word, begin)

    def _settle(self, word: str, begin: int) -> None:
        """Open or close a block now that what follows BEGIN or END is known."""
        if self._before == "BEGIN" and not self._parens and self._opens_block(word):
            self._blocks.append(self._begun)
        elif self._before == "END" and self._blocks and word not in _ENDED_OTHERWISE:
            self._blocks.pop()
        if word == "CASE" and self._blocks and self._before != "END":
            self._blocks.append(begin)

    def _opens_block(self, following: str) -> bool:
        return (
            following == "ATOMIC" and self._words[:1] == ["CREATE"] and bool(_ROUTINES.intersection(self._words[1:5]))
        )

    def _check_access(self, begin: int, name: str) -> None:
        if name in FILE_ACCESS[self._engine]:
            self._refuse(begin, f"expected no access to the server's files or programs, found {name.lower()}")

    def _check_copied(self, begin: int) -> None:
        if self._before in {"FROM", "TO"} and self._words[:1] == ["COPY"] and not self._parens:
            self._refuse(begin, "expected COPY with the rows in the file, found one that names a file of the server")

    def _copied_rows(self, end: int) -> tuple[int, int]:
        """Find the end of the rows that follow COPY FROM STDIN, and the end of the line that says so."""
        rows = _END_OF_ROWS.search(self._text, end)
        if rows is None:
            self._stop(end, "expected rows for COPY and a line of \\. after them, found no such line")
        return rows.start(), rows.end()

    def _line(self, begin: int) -> str:
        end = self._text.find("\n", begin)
        return self._text[begin : len(self._text) if end < 0 else end]

    def _refuse(self, at: int, problem: str) -> None:
        self._problems.append(problem_at(self._source.place(at), problem))
        if len(self._problems) >= MAX_PROBLEMS:
            raise UnreadableChanges(self._problems)

    def _stop(self, at: int, problem: str) -> NoReturn:
        """Refuse what makes the rest of the text unreadable."""
        self._refuse(at, problem)
        raise UnreadableChanges(self._problems)

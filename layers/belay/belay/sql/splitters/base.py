"""What all engines have in common about where a statement ends; each has its own class for the rest."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, NoReturn

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine
from belay.sql.client_commands import FILE_ACCESS, ClientCommand, client_command
from belay.sql.lexis import TokenKind, pattern
from belay.sql.limits import MAX_PROBLEMS, MAX_STATEMENTS, MAX_TERMINATORS
from belay.sql.located import LocatedText
from belay.sql.problems import problem_at, shown

_NESTED: Final = re.compile(r"[^/*]*+(?:/(?!\*)[^/*]*+|\*(?!/)[^/*]*+)*+(?P<mark>/\*|\*/)")
_NONBLANK: Final = re.compile(r"[^ \t\r\n\f\v]")
_BLANKS: Final = " \t\r\n\f\v"
_NEXT: Final = re.compile(r"[ \t\r\n]*+(\S++)")
_NEXT_WORD: Final = re.compile(r"[ \t\r\n]*+(\w*+)")
_APART: Final = re.compile(r"(?:[ \t\r\n\f\v]++|--[^\n]*+|#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+")
"""The separators within a multi-word keyword."""

_WORDS_KEPT: Final = 12
"""The number of words at a statement's beginning that identify it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement in a text: its beginning, its end, and its terminator's end.

    ``doubt`` says why it may not run as written.
    """

    start: int
    end: int
    stop: int
    doubt: str = ""


class Splitter:
    """Reads a text once, from beginning to end."""

    statements_with_end: ClassVar[frozenset[str]] = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})
    """Words whose END is qualified: ``END IF`` ends no block."""
    parentheses_hold: ClassVar[bool] = False
    """Whether terminators within parentheses are ignored."""

    def __init__(self, source: LocatedText, engine: Engine, terminator: str) -> None:
        self.source = source
        self.text = source.text
        self.engine = engine
        self.at = 0
        self._problems: list[str] = []
        self._terminators: set[str] = set()
        self._handlers: dict[str, Callable[[int, int], Piece | None]] = {
            TokenKind.COMMENT: self.comment,
            TokenKind.NESTED: self._nested,
            TokenKind.OPAQUE: self.opaque,
            TokenKind.DELIMITED: self._delimited,
            TokenKind.END: self.end,
            TokenKind.LINE: self.line,
            TokenKind.EXECUTED: self.executed,
            TokenKind.BROKEN: self._broken,
            TokenKind.WORD: self.word,
            TokenKind.MARK: self.mark,
        }
        self.end_with(terminator)
        self.begin()

    def begin(self) -> None:
        """Begin a statement."""
        self.start: int | None = None
        self.words: list[str] = []
        self.before = ""
        self.parens: list[int] = []
        self.blocks: list[int] = []
        self.doubt = ""
        self._begun = 0
        self._ended = 0

    def end_with(self, terminator: str) -> None:
        """Change the terminator."""
        self.terminator = terminator
        self._terminators.add(terminator)
        if len(self._terminators) > MAX_TERMINATORS:
            self.stop(self.at, f"expected at most {MAX_TERMINATORS} different terminators, found more")
        self._pattern = pattern(self.engine, terminator)

    def pieces(self) -> list[Piece]:
        """Return the statements. Raises :class:`UnreadableChanges`."""
        found = []
        for piece in self._read():
            found.append(piece)
            if len(found) > MAX_STATEMENTS:
                self.stop(piece.start, f"expected at most {MAX_STATEMENTS:,} statements, found more")
        if self._problems:
            raise UnreadableChanges(self._problems)
        return found

    def _read(self) -> Iterator[Piece]:
        text = self.text
        while self.at < len(text):
            token = self._pattern.match(text, self.at)
            if token is None:  # it matches anything; a type checker cannot know
                raise AssertionError
            kind = token.lastgroup
            begin = token.start(kind) if kind else token.end()
            if self.start is None and (blank := _NONBLANK.search(text, self.at, begin)):
                self.start = blank.start()
            self.at = token.end()
            if kind and (piece := self._handlers[kind](begin, self.at)):
                yield piece
        if self.start is not None:
            self._settle("", len(text))
            if self.blocks:
                self.stop(self.blocks[-1], "expected an END for this BEGIN or CASE, found none up to the end")
            if self.parens and self.parentheses_hold:
                self.stop(self.parens[-1], "expected a closing parenthesis for this one, found none up to the end")
            yield self.piece(len(text), len(text))

    def piece(self, end: int, stop: int) -> Piece:
        """End a statement that has begun, and begin the next."""
        start = end if self.start is None else self.start
        while end > start and self.text[end - 1] in _BLANKS:
            end -= 1
        piece = Piece(start, end, stop, self.doubt or self.doubted(start, end))
        self.begin()
        return piece

    def doubted(self, start: int, end: int) -> str:
        """Return why a statement may not run as written, or an empty string; refuse one that changes the rules."""
        return ""

    def comment(self, begin: int, end: int) -> None:
        """Skip a comment."""
        if self.text.find("\r", begin, end - 1) >= 0 and self.text[begin] != "/":
            self.refuse(
                begin,
                "expected a comment that ends with its line, found a carriage return in it, which ends it for some "
                "engines and not for others; write line feeds",
            )

    def _nested(self, begin: int, end: int) -> None:
        depth = 1
        while depth:
            mark = _NESTED.match(self.text, end)
            if mark is None:
                self.stop(begin, "expected an end of this comment, found none; comments nest: each /* needs its */")
            depth += 1 if mark["mark"] == "/*" else -1
            end = mark.end()
        self.at = end

    def opaque(self, begin: int, end: int) -> None:
        """Take a string or a quoted name."""
        self.enter(begin)
        if self.text[begin] == '"':
            self.check_access(begin, self.text[begin + 1 : end - 1].upper())
        self.before = ""

    def _delimited(self, begin: int, end: int) -> None:
        closing = self.closing(self.text[begin:end])
        close = self.text.find(closing, end)
        if close < 0:
            self.stop(begin, f"expected a closing {shown(closing)}, found none")
        self.opaque(begin, close + len(closing))
        self.at = close + len(closing)

    def closing(self, opening: str) -> str:
        """Return the closing of a string that defines its own end."""
        return opening

    def _broken(self, begin: int, end: int) -> NoReturn:
        opened = self.text[begin:end]
        closing = {"/*": "*/", "[": "]"}.get(opened, opened[-1])
        self.stop(begin, f"expected a closing {closing} for this {opened}, found none")

    def end(self, begin: int, end: int) -> Piece | None:
        """Take a terminator."""
        self._settle("", begin)
        self.before = ""
        if self.start is None or self.holds():
            return None
        return self.piece(begin, end)

    def holds(self) -> bool:
        """Whether a terminator ends no statement here."""
        return self.terminator == ";" and bool(self.blocks or (self.parens and self.parentheses_hold))

    def line(self, begin: int, end: int) -> Piece | None:
        """Take a line for the client: it ends a statement."""
        return None if self.start is None else self.piece(begin, end)

    def executed(self, begin: int, end: int) -> None:
        """Take the beginning or end of what looks like a comment."""

    def word(self, begin: int, end: int) -> Piece | None:
        """Take a word."""
        word = self.text[begin:end].upper()
        if self.start is None and (command := self._command(word, end)):
            return self.for_client(command, begin)
        self.enter(begin, word)
        if len(self.words) < _WORDS_KEPT and not self.parens:
            self.words.append(word)
        self.check_access(begin, word)
        self.before = word
        self._begun = begin
        self._ended = end
        return None

    def mark(self, begin: int, end: int) -> Piece | None:
        """Take any other significant character."""
        mark = self.text[begin]
        if mark == "\\" or (mark in "@!" and self.start is None):
            return self.for_client(ClientCommand.REFUSED, begin)
        self.enter(begin)
        self.before = ""
        if mark == "(":
            self.parens.append(begin)
        elif mark == ")" and self.parens:
            self.parens.pop()
        return None

    def enter(self, begin: int, word: str = "") -> None:
        """Take a token of a statement: the first one begins it."""
        if self.start is None:
            self.start = begin
        self._settle(word, begin)

    def _settle(self, word: str, begin: int) -> None:
        """Open or close a block now that the word after BEGIN or END is known."""
        ended = self.before == "END"
        if (ended or self.before == "BEGIN") and not _APART.fullmatch(self.text, self._ended, begin):
            ended_case = False
            following = ""
        else:
            ended_case = ended and word == "CASE"
            following = word
        if self.before == "BEGIN" and not self.parens and self.opens_block(following):
            self.blocks.append(self._begun)
        elif ended and self.blocks and following not in self.statements_with_end:
            self.blocks.pop()
        if word == "CASE" and self.blocks and not ended_case:
            self.blocks.append(begin)

    def opens_block(self, following: str) -> bool:
        """Whether a BEGIN followed by this word has an END."""
        return False

    def _command(self, word: str, end: int) -> ClientCommand | None:
        following = _NEXT_WORD.match(self.text, end)
        return client_command(self.engine, word, following[1].upper() if following else "")

    def for_client(self, command: ClientCommand, begin: int) -> Piece | None:
        """Take a line for the client."""
        end = self.text.find("\n", begin)
        self.at = len(self.text) if end < 0 else end
        line = self.text[begin : self.at].rstrip()
        if command is ClientCommand.ONE_LINE:
            self.start = begin
            return self.piece(self.at, self.at)
        if command is ClientCommand.TERMINATOR:
            self._declare(line.split()[1:2])
        elif command is ClientCommand.REFUSED:
            self.refuse(begin, f"expected SQL, found {shown(line)}, a command of the client, which is not run here")
        return None

    def _declare(self, written: list[str]) -> None:
        """Take a terminator from its line, or from the next one."""
        if not written and (following := _NEXT.match(self.text, self.at)):
            self.at = following.end()
            written = [following[1]]
        self.end_with(written[0] if written else ";")

    def check_access(self, begin: int, name: str) -> None:
        """Refuse a name through which SQL reaches the server's files or programs."""
        if name in FILE_ACCESS[self.engine]:
            self.refuse(begin, f"expected no access to the server's files or programs, found {name.lower()}")

    def refuse(self, at: int, problem: str) -> None:
        """Record a problem, and continue."""
        self._problems.append(problem_at(self.source.place(at), problem))
        if len(self._problems) >= MAX_PROBLEMS:
            raise UnreadableChanges(self._problems)

    def stop(self, at: int, problem: str) -> NoReturn:
        """Refuse a text whose rest is unreadable."""
        self.refuse(at, problem)
        raise UnreadableChanges(self._problems)

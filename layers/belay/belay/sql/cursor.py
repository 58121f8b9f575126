"""A position in a statement's tokens, from which a grammar takes known tokens and refuses others."""

from collections.abc import Callable
from typing import TypeVar

from belay.sql.changes import DEFAULT_SCHEMAS, Engine
from belay.sql.operations import Name
from belay.sql.tokens import NotReadable, Token, TokenForm, folded, tokens

END = Token(TokenForm.SIGN, "", "", 0, 0)

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())

Read = TypeVar("Read")


class Cursor:
    """The tokens of one statement and the position reached."""

    def __init__(self, text: str, engine: Engine) -> None:
        self.text = text
        self.engine = engine
        self.tokens = tokens(text, engine)
        self.tokens += [END] * 4
        self.at = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    @property
    def done(self) -> bool:
        """Whether everything is read."""
        return self.tokens[self.at] is END

    def next_is(self, *words: str) -> bool:
        """Whether exactly these words and signs come next."""
        ahead, at = self.tokens, self.at
        if ahead[at].word != words[0]:
            return False
        return len(words) == 1 or tuple(token.word for token in ahead[at : at + len(words)]) == words

    def next_in(self, words: frozenset[str]) -> bool:
        """Whether one of these words comes next."""
        return self.tokens[self.at].word in words

    def take(self, *words: str) -> bool:
        """Takes exactly these words, if they come next."""
        if not self.next_is(*words):
            return False
        self.at += len(words)
        return True

    def take_any(self, *words: str) -> str:
        """Takes one of these words, if one comes next, and returns it."""
        word = self.tokens[self.at].word
        if not word or word not in words:
            return ""
        self.at += 1
        return word

    def expect(self, *words: str) -> None:
        """Takes these words. Raises NotReadable for others."""
        if not self.take(*words):
            raise self.unexpected(" ".join(words))

    def unexpected(self, expected: str = "") -> NotReadable:
        """Returns the error for an unknown next token, to be raised."""
        found = "its end" if self.done else repr(self.text[self.token.start : self.token.end][:40])
        return NotReadable(f"{found} is not understood here" + (f", {expected} was expected" if expected else ""))

    def end(self) -> None:
        """Raises NotReadable if anything is left."""
        if not self.done:
            raise self.unexpected()

    def next_is_name(self) -> bool:
        """Whether a name could come next: a quoted one, or a word."""
        token = self.token
        return token.kind is TokenForm.QUOTED or (token.kind is TokenForm.WORD and bool(token.word))

    def part(self) -> str:
        """One name without dots, as the engine compares names."""
        if not self.next_is_name():
            raise self.unexpected("a name")
        self.at += 1
        return folded(self.tokens[self.at - 1], self.engine)

    def name(self) -> Name:
        """A name, with its schema if it has one other than the default."""
        parts = [self.part()]
        while self.take("."):
            if self.engine is Engine.SQLSERVER and self.next_is("."):
                parts.append("")
                continue
            parts.append(self.part())
        if len(parts) > (3 if self.engine is Engine.SQLSERVER else 2):
            raise NotReadable("a table of another server or database")
        schema = parts[-2] if len(parts) > 1 else ""
        if schema == DEFAULT_SCHEMAS.get(self.engine):
            schema = ""
        return Name(parts[-1], schema)

    def names(self) -> tuple[Name, ...]:
        """One or more names separated by commas."""
        return tuple(self.listed(self.name))

    def columns(self) -> tuple[str, ...]:
        """Names of columns separated by commas, in parentheses."""
        return tuple(self.within(self.part))

    def listed(self, read: Callable[[], Read]) -> list[Read]:
        """What ``read`` takes, once or more, separated by commas."""
        found = [read()]
        while self.take(","):
            found.append(read())
        return found

    def within(self, read: Callable[[], Read]) -> list[Read]:
        """The same in parentheses."""
        self.expect("(")
        found = self.listed(read)
        self.expect(")")
        return found

    def renamed(self) -> tuple[str, str]:
        """Two names separated by ``TO``."""
        old = self.part()
        self.expect("TO")
        return old, self.part()

    def string(self) -> str:
        """A string's content."""
        if self.token.kind is not TokenForm.STRING:
            raise self.unexpected("a string")
        self.at += 1
        return self.tokens[self.at - 1].value

    def number(self) -> str:
        """A number, as written."""
        if self.token.kind is not TokenForm.NUMBER:
            raise self.unexpected("a number")
        self.at += 1
        return self.tokens[self.at - 1].value

    def since(self, start: int) -> str:
        """The text of the tokens from number ``start`` to here, as written."""
        return self.text[self.tokens[start].start : self.tokens[self.at - 1].end] if self.at > start else ""

    def group(self) -> str:
        """The content of the parentheses or brackets that come next, as text."""
        if self.token.word not in _OPENING:
            raise self.unexpected("(")
        start = self.at
        awaited: list[str] = []
        while True:
            word = self.token.word
            if self.done:
                raise NotReadable("parentheses that do not close")
            if word in _OPENING:
                awaited.append(_OPENING[word])
            elif word in _CLOSING and awaited.pop() != word:
                raise NotReadable("parentheses that do not match")
            self.at += 1
            if not awaited:
                return self.text[self.tokens[start].end : self.tokens[self.at - 1].start].strip()

    def take_group(self) -> None:
        """Takes parentheses and their content, if they come next."""
        if self.next_is("("):
            self.group()

    def rest(self) -> str:
        """The rest of the statement, as text, for the caller to interpret."""
        text = self.skip_to(";")
        if not self.done and not self.next_is(";"):
            raise self.unexpected()
        return text

    def body(self) -> None:
        """Takes the rest, including semicolons: code that is defined and not run."""
        self.at = len(self.tokens) - 4

    def skip_to(self, *words: str) -> str:
        """What comes before one of these words outside parentheses, or before the statement's end, as text."""
        start = self.at
        while not self.done and self.token.word != ";" and self.token.word not in words:
            if self.token.word in _OPENING:
                self.group()
            elif self.token.word in _CLOSING:
                break
            else:
                self.at += 1
        return self.since(start)

    def if_exists(self) -> bool:
        """Takes ``IF EXISTS``."""
        return self.take("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        """Takes ``IF NOT EXISTS``."""
        return self.take("IF", "NOT", "EXISTS")

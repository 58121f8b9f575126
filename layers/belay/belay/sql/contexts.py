"""Liquibase's context expressions: whether a change is for a stage.

A stage is the one context that is active there, by its name. Operators are ``and``, ``or``, ``!`` and ``not``,
parentheses, and the comma, which is an ``or``; names ignore case, and their ``@`` is ignored
(https://docs.liquibase.com/concepts/changelogs/attributes/contexts.html).
"""

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(r"\s*(?:(?P<mark>[(),!])|(?P<word>@?[^\s(),!]+))")
_DEEPEST: Final = 50


def applies(contexts: str, stage: str) -> bool:
    """Return whether a change with these contexts is for a stage. Raises ``ValueError`` if they cannot be read."""
    if not contexts.strip():
        return True
    expression = _Expression(contexts, stage.lower())
    found = expression.either(0)
    expression.end()
    return found


class _Expression:
    """An expression that is read from left to right, with the next token at hand."""

    def __init__(self, text: str, stage: str) -> None:
        self._text = text
        self._stage = stage
        self._tokens = self._read()
        self._next = next(self._tokens, "")

    def _read(self) -> Iterator[str]:
        place = 0
        while found := _TOKEN.match(self._text, place):
            place = found.end()
            yield found.group("mark") or found.group("word").lower()

    def _taken(self, *words: str) -> bool:
        if self._next not in words:
            return False
        self._next = next(self._tokens, "")
        return True

    def either(self, depth: int) -> bool:
        """Read terms with ``or`` between them."""
        found = self._both(depth)
        while self._taken("or", ","):
            found = self._both(depth) or found
        return found

    def _both(self, depth: int) -> bool:
        found = self._one(depth)
        while self._taken("and"):
            found = self._one(depth) and found
        return found

    def _one(self, depth: int) -> bool:
        if depth > _DEEPEST:
            raise ValueError(f"expected at most {_DEEPEST} levels of parentheses and negations")
        if self._taken("!", "not"):
            return not self._one(depth + 1)
        if self._taken("("):
            found = self.either(depth + 1)
            if not self._taken(")"):
                raise self._unexpected("a closing parenthesis")
            return found
        name = self._next
        if name in ("", ")", ",", "and", "or") or not self._taken(name):
            raise self._unexpected("the name of a context")
        return name.removeprefix("@") == self._stage

    def end(self) -> None:
        """Raise ``ValueError`` if anything is left."""
        if self._next:
            raise self._unexpected("the end")

    def _unexpected(self, expected: str) -> ValueError:
        found = repr(self._next) if self._next else "the end"
        return ValueError(f"the contexts {self._text[:100]!r}: expected {expected}, found {found}")

"""Values put in for ``${name}``: Flyway's placeholders and Liquibase's properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from belay.sql.changes import SqlStatement
from belay.sql.located import LocatedText, Part
from belay.sql.operations import NotUnderstood

PLACEHOLDER: Final = re.compile(r"\$\{([^{}$\r\n]{1,200})\}")


@dataclass(frozen=True, slots=True)
class Substituted:
    """A text with values put in, and what was used of them."""

    source: LocatedText
    used: Mapping[str, str]


def substituted(source: LocatedText, values: Mapping[str, str]) -> Substituted:
    """Put values in, by their names in any case; a name without a value stays as it is."""
    known = {name.lower(): value for name, value in values.items()}
    used: dict[str, str] = {}

    def parts() -> Iterator[Part]:
        last = 0
        for found in PLACEHOLDER.finditer(source.text):
            name = found[1].lower()
            if name in known:
                used[name] = known[name]
                yield source.text[last : found.start()], last, True
                yield known[name], found.start(), False
                last = found.end()
        yield source.text[last:], last, True

    if not known or not PLACEHOLDER.search(source.text):
        return Substituted(source, used)
    return Substituted(source.joined(parts()), used)


def doubted(statements: Iterable[SqlStatement]) -> tuple[SqlStatement, ...]:
    """Return the statements, those in which a name without a value is left as not understood."""
    return tuple(_doubted(each) for each in statements)


def _doubted(statement: SqlStatement) -> SqlStatement:
    left = PLACEHOLDER.search(statement.text)
    if left is None:
        return statement
    return replace(statement, operations=(NotUnderstood(f"{left[0]} has no value", everything=True),))

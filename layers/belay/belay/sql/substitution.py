"""Values substituted for ``${name}``: Flyway's placeholders and Liquibase's properties."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import SqlStatement
from belay.sql.limits import MAX_FILE_BYTES
from belay.sql.located import LocatedText, Part
from belay.sql.operations import NotUnderstood
from belay.sql.problems import problem_at

PLACEHOLDER: Final = re.compile(r"\$\{([^{}$\r\n]{1,200})\}")


@dataclass(frozen=True, slots=True)
class Substituted:
    """A text with values substituted, and those that were used."""

    source: LocatedText
    used: Mapping[str, str]


def substituted(source: LocatedText, values: Mapping[str, str]) -> Substituted:
    """Substitute values by name, in lower case here and in any case there; a name without a value is kept."""
    used: dict[str, str] = {}

    def parts() -> Iterator[Part]:
        last = length = 0
        for found in PLACEHOLDER.finditer(source.text):
            name = found[1].lower()
            if name in values:
                used[name] = values[name]
                length += len(values[name])
                if length > MAX_FILE_BYTES:
                    place = source.place(found.start())
                    raise UnreadableChanges(
                        [problem_at(place, f"expected values of at most {MAX_FILE_BYTES:,} characters, found more")]
                    )
                yield source.text[last : found.start()], last, True
                yield values[name], found.start(), False
                last = found.end()
        yield source.text[last:], last, True

    if not values or not PLACEHOLDER.search(source.text):
        return Substituted(source, used)
    return Substituted(source.joined(parts()), used)


def doubted(statements: Iterable[SqlStatement]) -> tuple[SqlStatement, ...]:
    """Return the statements, with those that contain a name without a value marked as not understood."""
    return tuple(_doubted(each) for each in statements)


def _doubted(statement: SqlStatement) -> SqlStatement:
    left = PLACEHOLDER.search(statement.text)
    if left is None:
        return statement
    return replace(statement, operations=(NotUnderstood(f"{left[0]} has no value", everything=True),))

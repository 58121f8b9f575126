"""A changelog's properties, which replace ``${name}`` in everything read after them.

Source: https://docs.liquibase.com/concepts/changelogs/property-substitution.html
"""

from collections.abc import Mapping
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine, SourcePlace
from belay.sql.liquibase.attributes import for_engine
from belay.sql.located import LocatedText, of_file
from belay.sql.problems import problem_at
from belay.sql.substitution import substituted

_LONGEST: Final = 10_000
_LONGEST_TOGETHER: Final = 1_000_000


class Properties:
    """Properties by name; the first definition wins, and the release's own values come first."""

    def __init__(self, given: Mapping[str, str], engine: Engine) -> None:
        self._values = {name.lower(): value for name, value in given.items()}
        self._unknown: set[str] = set()
        self._engine = engine
        self._length = 0

    def define(self, attributes: Mapping[str, str], place: SourcePlace) -> None:
        """Add a definition. One that holds only in some contexts, or is in a file, leaves the name without a value."""
        name = attributes.get("name", "").lower()
        if not name or not for_engine(attributes.get("dbms", ""), self._engine):
            return
        if {"context", "contextfilter", "contexts", "labels"} & attributes.keys() or "value" not in attributes:
            self._unknown.add(name)
        elif name not in self._unknown:
            value = self.put_in(attributes["value"])
            self._length += len(value)
            if len(value) > _LONGEST or self._length > _LONGEST_TOGETHER:
                problem = f"expected properties of at most {_LONGEST:,} characters, {_LONGEST_TOGETHER:,} together"
                raise UnreadableChanges([problem_at(place, problem)])
            self._values.setdefault(name, value)

    def put_into(self, text: LocatedText) -> LocatedText:
        """Return a text with the values substituted."""
        return substituted(text, self._values).source

    def put_in(self, text: str) -> str:
        """Return an attribute's value with the values substituted."""
        return self.put_into(of_file("", text)).text if "${" in text else text

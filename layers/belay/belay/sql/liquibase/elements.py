"""A changelog's elements, the same for XML, YAML and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from belay.sql.changes import SourcePlace
from belay.sql.located import LocatedText


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its attributes, its child elements in order, and its text.

    ``texts`` are attributes' values with their locations, if known.
    """

    name: str
    place: SourcePlace
    attributes: Mapping[str, str]
    children: tuple[Element, ...]
    text: LocatedText
    texts: Mapping[str, LocatedText] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return an attribute, or the text of an element of that name in this one; empty if there is neither."""
        if name in self.attributes:
            return self.attributes[name]
        return next((each.text.text.strip() for each in self.children if each.name == name), "")

    def named(self, *names: str) -> Iterator[Element]:
        """Return the elements of these names in this one."""
        return (each for each in self.children if each.name in names)

    def canonical(self) -> str:
        """Return a text that distinguishes this element from any other, regardless of its location."""
        inside = "".join(each.canonical() for each in self.children)
        return f"{self.name!r}{sorted(self.attributes.items())!r}{self.text.text.strip()!r}({inside})"

"""The nodes of a template, each with its line and column.

Plain classes with slots, not dataclasses: a template of 1 MB has 100,000 nodes, and reading it is mostly building them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
NONE_AMBIGUOUS: Final[dict[str, tuple[str, ...]]] = {}
"""Shared by all mappings whose keys have one reading each, as nearly all do."""


class ScalarNode:
    """A text, number, boolean or null, kept as the author wrote it.

    ``plain`` is true if it has no quotes, so that ``true`` and ``22`` may be read as a boolean or a number.
    """

    __slots__ = ("column", "line", "plain", "text")

    def __init__(self, text: str, line: int, column: int, plain: bool) -> None:
        self.text = text
        self.line = line
        self.column = column
        self.plain = plain


class MappingNode:
    """A mapping with unique keys, in the author's order.

    ``ambiguous`` has the unquoted keys with several readings, with these.
    """

    __slots__ = ("_literal_keys", "_written", "ambiguous", "column", "entries", "line")

    def __init__(self, entries: dict[str, Node], line: int, column: int) -> None:
        self.entries = entries
        self.line = line
        self.column = column
        self.ambiguous = NONE_AMBIGUOUS
        self._literal_keys: bool | None = None
        self._written: Mapping[str, Sequence[str]] | None = None

    @property
    def has_literal_keys(self) -> bool:
        """Whether no key contains the start of a function's name, such as ``Fn::If`` or ``Fn::ForEach::Loop``."""
        if self._literal_keys is None:
            self._literal_keys = "Fn::" not in " ".join(self.entries)
        return self._literal_keys

    @property
    def written(self) -> Mapping[str, Sequence[str]]:
        """The keys as written, by each of their readings."""
        if self._written is None:
            self._written = by_reading(self.entries, self.ambiguous)
        return self._written


def by_reading(names: Iterable[str], ambiguous: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Return names by each of their readings."""
    found: dict[str, list[str]] = {}
    for name in names:
        for reading in ambiguous.get(name, (name,)):
            found.setdefault(reading, []).append(name)
    return found


class SequenceNode:
    """A list."""

    __slots__ = ("column", "items", "line")

    def __init__(self, items: list[Node], line: int, column: int) -> None:
        self.items = items
        self.line = line
        self.column = column


Node = ScalarNode | MappingNode | SequenceNode


class Document:
    """One template: its source and its root mapping.

    ``declared`` caches its parsed parameters, for the module ``parameters``.
    """

    __slots__ = ("declared", "path", "root")

    def __init__(self, path: str, root: MappingNode) -> None:
        self.path = path
        self.root = root
        self.declared: dict[str, Any] = {}

    def section(self, name: str) -> MappingNode:
        """Return a top-level section such as ``Resources``, or an empty mapping if the template has none."""
        node = self.root.entries.get(name)
        return node if isinstance(node, MappingNode) else MappingNode({}, self.root.line, self.root.column)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, parents first."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if isinstance(current, MappingNode):
            pending.extend(reversed(current.entries.values()))
        elif isinstance(current, SequenceNode):
            pending.extend(reversed(current.items))

"""The nodes of a template, each with its line and column.

Plain classes with slots, not dataclasses: a template of 1 MB has 100,000 nodes, and reading it is mostly building them.
"""

from __future__ import annotations

from collections.abc import Iterator

NULLS = frozenset({"", "~", "null", "Null", "NULL"})


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

    @property
    def is_null(self) -> bool:
        """Whether this is YAML's or JSON's null."""
        return self.plain and self.text in NULLS


class MappingNode:
    """A mapping with unique keys, in the author's order.

    ``ambiguous`` are the keys without quotes that may be read as something else than what is written.
    """

    __slots__ = ("_literal_keys", "ambiguous", "column", "entries", "line")

    def __init__(self, entries: dict[str, Node], line: int, column: int) -> None:
        self.entries = entries
        self.line = line
        self.column = column
        self.ambiguous: frozenset[str] = frozenset()
        self._literal_keys: bool | None = None

    @property
    def has_literal_keys(self) -> bool:
        """Whether no key is a function such as ``Fn::If`` or ``Fn::ForEach::Loop``."""
        if self._literal_keys is None:
            self._literal_keys = not any(key.startswith("Fn::") for key in self.entries)
        return self._literal_keys


class SequenceNode:
    """A list."""

    __slots__ = ("column", "items", "line")

    def __init__(self, items: list[Node], line: int, column: int) -> None:
        self.items = items
        self.line = line
        self.column = column


Node = ScalarNode | MappingNode | SequenceNode


class Document:
    """One template: where it came from and its root mapping."""

    __slots__ = ("path", "root")

    def __init__(self, path: str, root: MappingNode) -> None:
        self.path = path
        self.root = root

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

"""Reads YAML and JSON changelogs into the elements that XML ones have."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from belay.errors import UnreadableChanges, UnreadableTemplate
from belay.sql.changes import SourcePlace
from belay.sql.limits import MAX_ELEMENTS
from belay.sql.liquibase.elements import Element
from belay.sql.located import LocatedText, of_file
from belay.sql.problems import problem_at
from belay.template.json_reader import read_json
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode
from belay.template.yaml_reader import read_yaml

_SQL: Final = frozenset({"procedureBody", "procedureText", "rollback", "sql"})
"""Attributes that hold SQL, whose statements have their own locations."""

_NONE: Final = frozenset({"", "~", "null", "Null", "NULL"})


def read_mappings(path: str, text: str) -> Element:
    """Return the root element, whose children are the document's entries. Raises :class:`UnreadableChanges`.

    Aliases are expanded within the limits of :mod:`belay.template.yaml_reader`.
    """
    try:
        node = read_json(text, path) if text.lstrip()[:1] in {"{", "["} else None
        root = read_yaml(text.encode(), path) if node is None else node
    except UnreadableTemplate as error:
        raise UnreadableChanges([str(error)]) from error
    return _Converter(path, text.split("\n")).element("", root)


class _Converter:
    def __init__(self, path: str, lines: Sequence[str]) -> None:
        self._path = path
        self._lines = lines
        self._count = 0

    def element(self, name: str, node: Node) -> Element:
        place = SourcePlace(self._path, node.line, node.column)
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise UnreadableChanges([problem_at(place, f"expected at most {MAX_ELEMENTS:,} elements, found more")])
        attributes: dict[str, str] = {}
        texts: dict[str, LocatedText] = {}
        children: list[Element] = []
        text = LocatedText("", lambda _: place)
        if isinstance(node, ScalarNode):
            text = text if _is_none(node) else self._text(node)
        for key, value in _entries(node):
            if not isinstance(value, ScalarNode):
                children.append(self.element(key, value))
            elif key == "":
                children.append(self.element(name, value))
            elif not _is_none(value):
                attributes[key] = value.text
                if key in _SQL:
                    texts[key] = self._text(value)
        return Element(name, place, attributes, tuple(children), text, texts)

    def _text(self, node: ScalarNode) -> LocatedText:
        line = self._lines[node.line - 1] if node.line <= len(self._lines) else ""
        mark = line[node.column - 1 : node.column]
        if mark == "|":
            return self._block(node)
        if "\n" not in node.text and mark not in {">", "&", "*", "!"}:
            return of_file(self._path, node.text, node.line, node.column + (mark in {"'", '"'}))
        return LocatedText(node.text, lambda _: SourcePlace(self._path, node.line, node.column))

    def _block(self, node: ScalarNode) -> LocatedText:
        first = next((each for each in islice(self._lines, node.line, None) if each.strip()), "")
        indentation = len(first) - len(first.lstrip(" "))
        inner = of_file(self._path, node.text, node.line + 1)

        def place(offset: int) -> SourcePlace:
            found = inner.place(offset)
            return SourcePlace(found.path, found.line, found.column + indentation)

        return LocatedText(node.text, place)


def _is_none(node: ScalarNode) -> bool:
    return node.plain and node.text in _NONE


def _entries(node: Node) -> list[tuple[str, Node]]:
    """The entries of a mapping, or of the mappings in a list; a list's scalars and lists have no name."""
    if isinstance(node, MappingNode):
        return list(node.entries.items())
    if isinstance(node, SequenceNode):
        inner = (_entries(item) if isinstance(item, MappingNode) else [("", item)] for item in node.items)
        return [entry for entries in inner for entry in entries]
    return []

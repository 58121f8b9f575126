"""Reads JSON into nodes with line and column, which the standard library's reader does not keep."""

import re
from json import loads
from typing import NoReturn

from belay.errors import UnreadableTemplate
from belay.template.limits import MAX_DEPTH, MAX_NODES
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode

# RFC 8259, sections 2 to 7. Every repetition is possessive, so no input makes matching slow.
SYMBOL = re.compile(
    r"""[ \t\n\r]*+(?:
    (?P<text>"[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+")
    |(?P<mark>[{}\[\]:,])
    |(?P<word>-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?+[0-9]++)?+|true|false|null)
    )[ \t\n\r]*+""",
    re.VERBOSE,
)


class _NotJson(Exception):  # noqa: N818 - never leaves this module
    """The text is not JSON; it may still be YAML."""


def read_json(text: str, path: str) -> Node | None:
    """Read a JSON text; ``None`` if it is not JSON, because it may then be YAML's flow style.

    Raises :class:`UnreadableTemplate` for a repeated key, too deep nesting or too many nodes.
    """
    try:
        return _JsonReader(text, path).read()
    except _NotJson:
        return None


class _JsonReader:
    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._path = path
        self._end = 0
        self._line = 1
        self._line_start = 0
        self._counted = 0
        self._nodes = 0

    def read(self) -> Node:
        node = self._value(*self._symbol(), 0)
        if self._end != len(self._text):
            raise _NotJson
        return node

    def _symbol(self) -> tuple[str, str, int]:
        symbol = SYMBOL.match(self._text, self._end)
        if symbol is None:
            raise _NotJson
        self._end = symbol.end()
        kind = symbol.lastgroup or ""
        return kind, symbol[kind], symbol.start(kind)

    def _value(self, kind: str, symbol: str, start: int, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(start, f"expected at most {MAX_NODES:,} nodes, found more")
        if kind == "text":
            return ScalarNode(self._decoded(symbol), *self._place(start), plain=False)
        if kind == "word":
            return ScalarNode(symbol, *self._place(start), plain=True)
        if depth == MAX_DEPTH:
            self._refuse(start, f"expected at most {MAX_DEPTH} levels of nesting, found more")
        if symbol == "{":
            return self._mapping(MappingNode({}, *self._place(start)), depth + 1)
        if symbol == "[":
            return self._sequence(SequenceNode([], *self._place(start)), depth + 1)
        raise _NotJson

    def _mapping(self, node: MappingNode, depth: int) -> MappingNode:
        entries = node.entries
        kind, symbol, start = self._symbol()
        if symbol == "}" and kind == "mark":
            return node
        while True:
            if kind != "text":
                raise _NotJson
            key = self._decoded(symbol)
            if key in entries:
                self._refuse(start, f"expected each key once, found {key!r} again")
            if self._symbol()[1] != ":":
                raise _NotJson
            entries[key] = self._value(*self._symbol(), depth)
            if not self._continues("}"):
                return node
            kind, symbol, start = self._symbol()

    def _sequence(self, node: SequenceNode, depth: int) -> SequenceNode:
        kind, symbol, start = self._symbol()
        if symbol == "]" and kind == "mark":
            return node
        while True:
            node.items.append(self._value(kind, symbol, start, depth))
            if not self._continues("]"):
                return node
            kind, symbol, start = self._symbol()

    def _continues(self, end: str) -> bool:
        kind, symbol, _ = self._symbol()
        if kind != "mark" or symbol not in (",", end):
            raise _NotJson
        return symbol == ","

    def _decoded(self, symbol: str) -> str:
        if "\\" not in symbol:
            return symbol[1:-1]
        try:
            return str(loads(symbol))
        except ValueError as error:
            raise _NotJson from error

    def _place(self, start: int) -> tuple[int, int]:
        newlines = self._text.count("\n", self._counted, start)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rindex("\n", 0, start) + 1
        self._counted = start
        return self._line, start - self._line_start + 1

    def _refuse(self, start: int, problem: str) -> NoReturn:
        line, column = self._place(start)
        raise UnreadableTemplate(f"{self._path}:{line}:{column}: {problem}.")

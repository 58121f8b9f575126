"""YAML to nodes, straight from libyaml's events.

PyYAML's constructors are three times slower, keep no places, accept duplicate keys and follow alias bombs.
"""

from __future__ import annotations

from typing import Any, NoReturn

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from belay.errors import UnreadableTemplate
from belay.template.limits import MAX_DEPTH, MAX_NODES
from belay.template.nodes import Mapping, Node, Scalar, Sequence

MERGE = "<<"
STANDARD_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "map", "null", "seq", "str"))
TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


class _Open:
    """A mapping or list whose end has not come yet."""

    __slots__ = ("anchor", "height", "items", "key", "node", "size", "start", "tag")

    def __init__(self, node: Mapping | Sequence, tag: str | None, anchor: str | None, start: int) -> None:
        self.node = node
        self.items: list[Node] | None = node.items if isinstance(node, Sequence) else None
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.height = 1
        self.key: str | None = None


class _Anchor:
    """What an alias brings along: the node, how many nodes that is, and how deep."""

    __slots__ = ("height", "node", "size")

    def __init__(self, node: Node, size: int, height: int) -> None:
        self.node = node
        self.size = size
        self.height = height


def read_yaml(data: bytes, path: str) -> Node:
    """Read the one document in ``data``; raises :class:`UnreadableTemplate` as :func:`belay.template.loader.load` says."""
    try:
        # libyaml has no type stubs.
        parser: Any = CParser(data)
        return _Reader(parser.get_event, path).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise UnreadableTemplate(f"{place}: expected YAML: {error.problem or error.context}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableTemplate(f"{path}: expected YAML in UTF-8: {str(error).splitlines()[0]}.") from error


class _Reader:
    def __init__(self, next_event: Any, path: str) -> None:
        self._next_event = next_event
        self._path = path
        self._anchors: dict[str, _Anchor | None] = {}
        self._count = 0

    def read(self) -> Node:
        self._next_event()  # the stream's start
        event = self._next_event()
        if not isinstance(event, DocumentStartEvent):
            raise UnreadableTemplate(f"{self._path}: expected a template, found an empty file.")
        root = self._document()
        self._next_event()  # the document's end
        event = self._next_event()
        if isinstance(event, DocumentStartEvent):
            self._refuse(event, "expected one YAML document, found a second one")
        return root

    def _document(self) -> Node:  # noqa: C901 - the one hot loop: calls would double its time
        next_event = self._next_event
        opened: list[_Open] = []
        top: _Open | None = None
        key: str | None
        while True:
            event = next_event()
            kind = event.__class__
            if kind is ScalarEvent:
                node: Node
                if top is not None and top.items is None and top.key is None:
                    self._take_key(top, event)
                    continue
                self._count += 1
                mark = event.start_mark
                node = Scalar(event.value, mark.line + 1, mark.column + 1, not event.style)
                if event.tag is not None:
                    node = self._tagged(node, event.tag, event)
                if event.anchor is not None:
                    self._anchors[event.anchor] = _Anchor(node, 2, 2)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                top = self._open(event, opened)
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                closed = opened.pop()
                top = opened[-1] if opened else None
                node = self._close(closed, top, event)
            else:
                node = self._alias(event, opened)
            if top is None:
                return node
            if top.items is not None:
                top.items.append(node)
            else:
                key = top.key
                if key is None:
                    self._refuse(event, "expected a text as key, found a mapping, a list or an alias")
                top.node.entries[key] = node  # type: ignore[union-attr] - no items, so it is a mapping
                top.key = None

    def _take_key(self, top: _Open, event: Any) -> None:
        if event.tag is not None:
            self._refuse(event, f"expected a plain key, found the tag {event.tag}")
        if event.anchor is not None:
            mark = event.start_mark
            key = Scalar(event.value, mark.line + 1, mark.column + 1, not event.style)
            self._anchors[event.anchor] = _Anchor(key, 1, 1)
        if event.value in top.node.entries:  # type: ignore[union-attr] - only mappings take keys
            self._refuse(event, f"expected each key once, found {event.value!r} again")
        top.key = event.value

    def _open(self, event: Any, opened: list[_Open]) -> _Open:
        mark = event.start_mark
        if len(opened) >= MAX_DEPTH:
            self._refuse(event, f"expected at most {MAX_DEPTH} levels of nesting, found more")
        if opened and opened[-1].items is None and opened[-1].key is None:
            self._refuse(event, "expected a text as key, found a mapping or a list")
        self._count += 1
        node: Mapping | Sequence
        if event.__class__ is MappingStartEvent:
            node = Mapping({}, mark.line + 1, mark.column + 1)
        else:
            node = Sequence([], mark.line + 1, mark.column + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # known, but not complete: an alias to it now would be a circle
        top = _Open(node, event.tag, event.anchor, self._count)
        opened.append(top)
        return top

    def _close(self, closed: _Open, top: _Open | None, event: Any) -> Node:
        node: Node = closed.node
        if isinstance(node, Mapping) and MERGE in node.entries:
            self._merge(node, event)
        if closed.tag is not None:
            node = self._tagged(node, closed.tag, event)
            closed.height += 1
        if closed.anchor is not None:
            self._anchors[closed.anchor] = _Anchor(node, self._count - closed.start + 2, closed.height)
        if top is not None and closed.height >= top.height:
            top.height = closed.height + 1
        return node

    def _alias(self, event: Any, opened: list[_Open]) -> Node:
        if not isinstance(event, AliasEvent):
            self._refuse(event, "expected a value")
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            circle = "itself" if event.anchor in self._anchors else "nothing"
            self._refuse(event, f"expected an alias to something above, found *{event.anchor}, which names {circle}")
        self._count += anchor.size
        if self._count > MAX_NODES:
            self._refuse(event, f"expected at most {MAX_NODES:,} nodes after aliases are followed, found more")
        if opened:
            if len(opened) + anchor.height > MAX_DEPTH:
                self._refuse(event, f"expected at most {MAX_DEPTH} levels of nesting after aliases, found more")
            opened[-1].height = max(opened[-1].height, anchor.height + 1)
        return anchor.node

    def _merge(self, node: Mapping, event: Any) -> None:
        """Follow ``<<``; CloudFormation itself refuses it, but ``aws cloudformation package`` follows it first."""
        merged = node.entries.pop(MERGE)
        sources = merged.items if isinstance(merged, Sequence) else [merged]
        for source in sources:
            if not isinstance(source, Mapping):
                self._refuse(event, "expected << to merge a mapping or a list of mappings")
            self._count += len(source.entries)
            for key, value in source.entries.items():
                node.entries.setdefault(key, value)

    def _tagged(self, node: Node, tag: str, event: Any) -> Node:
        if tag in STANDARD_TAGS or tag == "!":
            if tag in TEXT_TAGS and isinstance(node, Scalar):
                node.plain = False
            return node
        if not tag.startswith("!"):
            self._refuse(event, f"expected a tag that CloudFormation knows, found {tag}")
        name = tag[1:]
        function = name if name in {"Ref", "Condition"} else f"Fn::{name}"
        self._count += 1
        return Mapping({function: node}, node.line, node.column)

    def _refuse(self, event: Any, problem: str) -> NoReturn:
        mark = event.start_mark
        raise UnreadableTemplate(f"{self._path}:{mark.line + 1}:{mark.column + 1}: {problem}.")

"""Reads YAML into nodes, directly from libyaml's events.

PyYAML's constructors are three times slower, drop line and column, accept duplicate keys and expand alias bombs.
"""

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
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode
from belay.template.words import readings

MERGE = "<<"
STANDARD_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "map", "null", "seq", "str"))
FLOAT_TAG = "tag:yaml.org,2002:float"
TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


class _OpenNode:
    """A mapping or list that is still being read; ``key`` is the one whose value comes next."""

    __slots__ = ("anchor", "height", "key", "node", "start", "tag")

    def __init__(self, node: MappingNode | SequenceNode, tag: str | None, anchor: str | None, start: int) -> None:
        self.node = node
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.height = 1
        self.key: str | None = None


class _Anchor:
    """What an alias refers to: the node, its number of nodes, and its depth."""

    __slots__ = ("height", "node", "size")

    def __init__(self, node: Node, size: int, height: int) -> None:
        self.node = node
        self.size = size
        self.height = height


def read_yaml(data: bytes, path: str) -> Node:
    """Read the one document in ``data``; raises :class:`UnreadableTemplate` as ``loader.load`` does."""
    try:
        # libyaml has no type stubs.
        parser: Any = CParser(data)
        return _YamlReader(parser.get_event, path).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise UnreadableTemplate(f"{place}: expected YAML: {error.problem or error.context}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableTemplate(f"{path}: expected YAML in UTF-8: {str(error).splitlines()[0]}.") from error


class _YamlReader:
    def __init__(self, next_event: Any, path: str) -> None:
        self._next_event = next_event
        self._path = path
        self._anchors: dict[str, _Anchor | None] = {}
        self._count = 0
        self._unambiguous: set[str] = set()

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

    def _document(self) -> Node:  # noqa: C901, PLR0912 - the one hot loop: calls would double its time
        next_event = self._next_event
        unambiguous = self._unambiguous
        opened: list[_OpenNode] = []
        entries: dict[str, Node] | None = None
        items: list[Node] | None = None
        key: str | None = None
        node: Node
        while True:
            event = next_event()
            kind = event.__class__
            if kind is ScalarEvent:
                if key is None and entries is not None:
                    key = event.value
                    if key not in unambiguous:
                        self._check_reading(event, opened[-1].node)
                    if key in entries or event.tag is not None or event.anchor is not None:
                        self._check_key(event, entries)
                    continue
                mark = event.start_mark
                node = ScalarNode(event.value, mark.line + 1, mark.column + 1, not event.style)
                if event.tag is not None or event.anchor is not None:
                    node = self._marked(node, event)
                if key is not None and entries is not None:
                    entries[key] = node
                    key = None
                    continue
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if opened:
                    opened[-1].key = key
                top = self._open(event, opened)
                entries, items, key = _inside(top.node)
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                node = self._close(opened, event)
                if opened:
                    entries, items, _ = _inside(opened[-1].node)
                    key = opened[-1].key
            else:
                node = self._alias(event, opened)
            if items is not None and opened:
                items.append(node)
            elif opened and entries is not None:
                if key is None:
                    self._refuse(event, "expected a text as key, found an alias")
                entries[key] = node
                key = None
            else:
                return node

    def _check_reading(self, event: Any, node: MappingNode | SequenceNode) -> None:
        found = readings(event.value)
        if found == (event.value,):
            self._unambiguous.add(event.value)
        elif not event.style and isinstance(node, MappingNode):
            node.ambiguous = node.ambiguous or {}
            node.ambiguous[event.value] = found

    def _check_key(self, event: Any, entries: dict[str, Node]) -> None:
        if event.tag is not None:
            self._refuse(event, f"expected a plain key, found the tag {event.tag}")
        if event.value in entries:
            self._refuse(event, f"expected each key once, found {event.value!r} again")
        mark = event.start_mark
        self._anchors[event.anchor] = _Anchor(
            ScalarNode(event.value, mark.line + 1, mark.column + 1, not event.style), 1, 1
        )

    def _marked(self, node: Node, event: Any) -> Node:
        """Apply a scalar's tag and record its anchor."""
        if event.tag is not None:
            node = self._tagged(node, event.tag, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(node, 2, 2)
        return node

    def _open(self, event: Any, opened: list[_OpenNode]) -> _OpenNode:
        mark = event.start_mark
        if len(opened) >= MAX_DEPTH:
            self._refuse(event, f"expected at most {MAX_DEPTH} levels of nesting, found more")
        if opened and isinstance(opened[-1].node, MappingNode) and opened[-1].key is None:
            self._refuse(event, "expected a text as key, found a mapping or a list")
        self._count += 1
        node: MappingNode | SequenceNode
        if event.__class__ is MappingStartEvent:
            node = MappingNode({}, mark.line + 1, mark.column + 1)
        else:
            node = SequenceNode([], mark.line + 1, mark.column + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # known but incomplete: an alias to it now would be circular
        top = _OpenNode(node, event.tag, event.anchor, self._count)
        opened.append(top)
        return top

    def _close(self, opened: list[_OpenNode], event: Any) -> Node:
        closed = opened.pop()
        node: Node = closed.node
        if isinstance(node, MappingNode):
            self._count += len(node.entries)
            if MERGE in node.entries:
                self._merge(node, event)
        elif isinstance(node, SequenceNode):
            self._count += len(node.items)
        self._check_count(event)
        if closed.tag is not None:
            node = self._tagged(node, closed.tag, event)
            closed.height += 1
        if closed.anchor is not None:
            self._anchors[closed.anchor] = _Anchor(node, self._count - closed.start + 2, closed.height)
        if opened and closed.height >= opened[-1].height:
            opened[-1].height = closed.height + 1
        return node

    def _alias(self, event: Any, opened: list[_OpenNode]) -> Node:
        if not isinstance(event, AliasEvent):
            self._refuse(event, "expected a value")
        anchor = self._anchors.get(event.anchor or "")
        if anchor is None:
            circle = "itself" if event.anchor in self._anchors else "nothing"
            self._refuse(event, f"expected an alias to something above, found *{event.anchor}, which names {circle}")
        self._count += anchor.size
        self._check_count(event)
        if opened:
            if len(opened) + anchor.height > MAX_DEPTH:
                self._refuse(event, f"expected at most {MAX_DEPTH} levels of nesting with aliases expanded, found more")
            opened[-1].height = max(opened[-1].height, anchor.height + 1)
        return anchor.node

    def _check_count(self, event: Any) -> None:
        if self._count > MAX_NODES:
            self._refuse(event, f"expected at most {MAX_NODES:,} nodes with aliases expanded, found more")

    def _merge(self, node: MappingNode, event: Any) -> None:
        """Apply ``<<``; CloudFormation itself refuses it, but ``aws cloudformation package`` resolves it first."""
        merged = node.entries.pop(MERGE)
        sources = merged.items if isinstance(merged, SequenceNode) else [merged]
        for source in sources:
            if not isinstance(source, MappingNode):
                self._refuse(event, "expected << to merge a mapping or a list of mappings")
            self._count += len(source.entries)
            node.ambiguous = {
                **{key: found for key, found in source.ambiguous.items() if key not in node.entries},
                **node.ambiguous,
            }
            for key, value in source.entries.items():
                node.entries.setdefault(key, value)

    def _tagged(self, node: Node, tag: str, event: Any) -> Node:
        if tag in STANDARD_TAGS or tag == "!":
            if isinstance(node, ScalarNode):
                node.plain = tag not in TEXT_TAGS
                if tag == FLOAT_TAG and node.text.isdecimal():
                    node.text += ".0"
            return node
        if not tag.startswith("!"):
            self._refuse(event, f"expected a tag that CloudFormation knows, found {tag}")
        name = tag[1:]
        function = name if name in {"Ref", "Condition"} else f"Fn::{name}"
        self._count += 1
        return MappingNode({function: node}, node.line, node.column)

    def _refuse(self, event: Any, problem: str) -> NoReturn:
        mark = event.start_mark
        raise UnreadableTemplate(f"{self._path}:{mark.line + 1}:{mark.column + 1}: {problem}.")


def _inside(node: MappingNode | SequenceNode) -> tuple[dict[str, Node] | None, list[Node] | None, None]:
    """Return where the next nodes go, a mapping's entries or a list's items, and no key yet."""
    if isinstance(node, MappingNode):
        return node.entries, None, None
    return None, node.items, None

"""What the nodes of a template say as they are written, without resolving anything."""

from __future__ import annotations

from collections.abc import Mapping

from belay.template.nodes import MappingNode, Node, ScalarNode


def entry(node: Node | None, *path: str) -> Node | None:
    """Return the node at a path of keys below another; None where there is none."""
    for key in path:
        node = node.entries.get(key) if isinstance(node, MappingNode) else None
    return node


def text(node: Node | None) -> str:
    """Return a scalar's text, and nothing for any other node."""
    return node.text if isinstance(node, ScalarNode) else ""


def kind_of(body: Node | None) -> str:
    """Return the type of a resource or a parameter, and nothing where it has none."""
    return text(entry(body, "Type"))


def properties(body: Node | None) -> Mapping[str, Node]:
    """Return the properties of a resource."""
    given = entry(body, "Properties")
    return given.entries if isinstance(given, MappingNode) else {}

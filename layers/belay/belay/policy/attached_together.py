"""Groups attached to one resource: EC2 allows what any of them allows, so their rules add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from belay.policy.model import SecurityGroup
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode, walk
from belay.template.stacks import Found

LARGE_V4 = 1 << 24
LARGE_V6 = 1 << 100
"""Groups that open to fewer addresses do not add up to the Internet with a few others."""


def attached_together(groups: Sequence[SecurityGroup], resources: Iterable[Found]) -> Iterator[SecurityGroup]:
    """Yield, for each list of groups attached to a resource, one group with the rules of all of them.

    Only groups that open to a large part of the Internet are considered: hardly any template has two.
    """
    large: dict[str, list[SecurityGroup]] = {}
    for group in groups:
        if group.declared and is_large(group):
            large.setdefault(group.place.resource, []).append(group)
    if len(large) < 2:  # noqa: PLR2004 - one group does not add up with others
        return
    seen: set[tuple[str, ...]] = set()
    for found in resources:
        for node in walk(found.body.node):
            if isinstance(node, SequenceNode):
                attached = [name for name in map(partial(_named, found), node.items) if name in large]
                names = tuple(dict.fromkeys(attached))
                if len(names) > 1 and names not in seen:
                    seen.add(names)
                    yield _one(names, [group for name in names for group in large[name]])


def is_large(group: SecurityGroup) -> bool:
    """Return whether a few groups like this one may add up to the Internet."""
    v4, v6 = group.most("ingress")
    return v4 >= LARGE_V4 or v6 >= LARGE_V6


def _named(found: Found, item: Node) -> str:
    """Return the first resource that an item of a list refers to, inside whatever functions."""
    for node in walk(item):
        if isinstance(node, MappingNode):
            name = _text(node.entries.get("Ref")) or _text(node.entries.get("Fn::GetAtt"))
            if name:
                return found.body.scope.key(name.partition(".")[0])
    return ""


def _text(node: Node | None) -> str:
    if isinstance(node, SequenceNode) and node.items:
        node = node.items[0]
    return node.text if isinstance(node, ScalarNode) else ""


def _one(names: tuple[str, ...], groups: Sequence[SecurityGroup]) -> SecurityGroup:
    entries = tuple([entry for group in groups for entry in group.ingress])
    return SecurityGroup(groups[0].place, ingress=entries, together=names, budget=groups[0].budget)

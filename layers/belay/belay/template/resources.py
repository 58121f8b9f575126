"""The bodies of a template's resources."""

from __future__ import annotations

from belay.template.nodes import MappingNode, ScalarNode
from belay.template.resolver import entries, get
from belay.template.scope import MapValue, Scope
from belay.template.texts import unknown_at, unroll
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import World


def resource(name: str, scope: Scope, world: World) -> MapValue | None:
    """Return the body of a resource; ``None`` if the template has none of this name, or its body is not a mapping."""
    node = scope.document.section("Resources").entries.get(name)
    if isinstance(node, MappingNode):
        return MapValue(node, scope)
    found = entries(MapValue(scope.document.section("Resources"), scope), world)
    if isinstance(found, Unknown) or name not in found:
        return None
    body = found[name]
    return MapValue(body.node, body.scope) if isinstance(body.node, MappingNode) else None


def resource_type(body: MapValue) -> str | None:
    """Return a resource's type, or ``None`` if it is not a literal text."""
    node = body.node.entries.get("Type")
    if not isinstance(node, ScalarNode):
        return None
    text = unroll(node.text, body.scope)
    return text if isinstance(text, str) else None


def properties(body: MapValue, world: World) -> MapValue | Unknown:
    """Return a resource's properties; empty if it has none."""
    value = get(body, "Properties", world)
    if isinstance(value, (MapValue, Unknown)):
        return value
    if value is NO_VALUE:
        return MapValue(MappingNode({}, body.node.line, body.node.column), body.scope)
    return unknown_at(body.node, body.scope, "its properties are not a mapping")

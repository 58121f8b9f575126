"""The bodies of a template's resources."""

from belay.template.nodes import MappingNode, ScalarNode
from belay.template.resolver import entry, get
from belay.template.scope import Lazy, MapValue, Scope
from belay.template.texts import unknown_at, unroll
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import World


def resource(name: str, scope: Scope, world: World) -> MapValue | None:
    """Return the body of a resource; ``None`` if the template has none of this name, or its body is not a mapping."""
    section = scope.document.section("Resources")
    node = section.entries.get(name)
    body = Lazy(node, scope) if isinstance(node, MappingNode) else entry(MapValue(section, scope), name, world)
    if not isinstance(body, Lazy) or not isinstance(body.node, MappingNode):
        return None
    return MapValue(body.node, body.scope)


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

"""Evaluates the expressions of a template in one possible world.

:func:`resolve` returns the value of an expression. It asks its :class:`~belay.template.world.World` about whatever the
template leaves open, so :func:`~belay.template.world.explore` finds every value with its conditions. The scope provides
the intrinsic functions, which evaluate their own arguments.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from collections.abc import Iterator

from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode
from belay.template.scope import Lazy, ListValue, MapValue, Scope, Value
from belay.template.texts import as_text, literal, unknown_at, unroll
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import World

LOOP = "Fn::ForEach::"
LOOP_ARGUMENTS = 3
TRANSFORM = "Fn::Transform"


def resolve(node: Node, scope: Scope, world: World) -> Value:
    """Return the value of an expression in this world."""
    if isinstance(node, ScalarNode):
        return literal(node, scope)
    if isinstance(node, SequenceNode):
        world.budget.spend(len(node.items))
        return ListValue(tuple([Lazy(item, scope) for item in node.items]))
    world.budget.spend()
    if len(node.entries) == 1:
        ((name, argument),) = node.entries.items()
        function = scope.functions.get(name)
        if function is not None:
            return function(argument, scope, world)
        if name.startswith("Fn::") and not name.startswith(LOOP):
            return unknown_at(node, scope, f"{name} is not evaluated")
    return MapValue(node, scope)


def force(value: Value | Lazy, world: World) -> Value:
    """Return a value, resolving it if necessary."""
    return resolve(value.node, value.scope, world) if isinstance(value, Lazy) else value


def settled(value: Value | Lazy, world: World) -> Value:
    """Return a value as it is compared and joined: for one with several readings, one of them."""
    value = force(value, world)
    if isinstance(value, Unknown) and value.readings:
        return world.choose(("reading", value.key), value.readings)
    return value


def entries(table: MapValue, world: World) -> dict[str, Lazy] | Unknown:
    """Return a mapping's entries with its loops expanded, or unknown if a macro may add more."""
    raw = table.node.entries
    if table.node.has_literal_keys:
        return {name: Lazy(node, table.scope) for name, node in raw.items()}
    made: list[tuple[str, Lazy]] = []
    for name, node in raw.items():
        if name.startswith(LOOP):
            rounds = _rounds(node, table.scope, world)
            if rounds is None:
                return unknown_at(table.node, table.scope, f"{name} is not an identifier, a collection and a mapping")
            made += rounds
        elif name.startswith("Fn::"):
            return unknown_at(table.node, table.scope, f"{name} may add anything at deployment")
        else:
            made.append((name, Lazy(node, table.scope)))
    found: dict[str, Lazy] = {}
    for name, lazy in made:
        if name in found:
            return unknown_at(table.node, table.scope, f"its loops make the key {name} more than once")
        found[name] = lazy
    return found


def read(table: MapValue, world: World) -> dict[str, Value] | Unknown:
    """Return the values of a mapping's entries, without those that are AWS::NoValue."""
    if table.node.has_literal_keys:
        scope = table.scope
        values = {
            name: literal(node, scope) if isinstance(node, ScalarNode) else resolve(node, scope, world)
            for name, node in table.node.entries.items()
        }
    else:
        found = entries(table, world)
        if isinstance(found, Unknown):
            return found
        values = {name: force(lazy, world) for name, lazy in found.items()}
    if NO_VALUE in values.values():
        return {name: value for name, value in values.items() if value is not NO_VALUE}
    return values


def entry(table: MapValue, name: str, world: World) -> Lazy | Unknown | None:
    """Return one entry of a mapping without resolving it; ``None`` if it has none of this name."""
    if table.node.has_literal_keys:
        node = table.node.entries.get(name)
        return None if node is None else Lazy(node, table.scope)
    found = entries(table, world)
    return found if isinstance(found, Unknown) else found.get(name)


def get(table: MapValue, name: str, world: World) -> Value:
    """Return one entry of a mapping, or :data:`NO_VALUE` if it has none of this name."""
    found = entry(table, name, world)
    return NO_VALUE if found is None else force(found, world)


def items(row: ListValue, world: World) -> Iterator[Value]:
    """Yield a list's values, without those that are AWS::NoValue."""
    for item in row.items:
        value = force(item, world)
        if value is not NO_VALUE:
            yield value


def _rounds(node: Node, scope: Scope, world: World) -> list[tuple[str, Lazy]] | None:
    """Expand one ``Fn::ForEach``: identifier, collection, and a mapping of keys to bodies; ``None`` if malformed.

    An unknown collection is one round with an unknown value that stands for many.
    """
    if not isinstance(node, SequenceNode) or len(node.items) != LOOP_ARGUMENTS:
        return None
    identifier, collection, body = node.items
    if not isinstance(identifier, ScalarNode) or not isinstance(body, MappingNode):
        return None
    made: list[tuple[str, Lazy]] = []
    for value in _collection(collection, scope, world):
        inner = scope.looping(identifier.text, value)
        for name, entry in body.entries.items():
            world.budget.spend()
            if name.startswith(LOOP):
                nested = _rounds(entry, inner, world)
                if nested is None:
                    return None
                made += nested
            else:
                made.append((as_text(unroll(name, inner)) or name, Lazy(entry, inner)))
    return made


def _collection(node: Node, scope: Scope, world: World) -> Iterator[str | Unknown]:
    values = settled(Lazy(node, scope), world)
    for item in items(values, world) if isinstance(values, ListValue) else (values,):
        value = settled(item, world)
        if isinstance(value, str):
            yield value
        else:
            reason = value.reason if isinstance(value, Unknown) else "the loop's collection is not a list of texts"
            yield unknown_at(node, scope, reason)._replace(many=not isinstance(values, ListValue))

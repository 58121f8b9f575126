"""Conditions and ``Fn::If``."""

from typing import Final

from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode
from belay.template.resolver import entry, resolve, settled
from belay.template.scope import Function, Lazy, MapValue, Scope, Value
from belay.template.texts import unknown_at, unroll
from belay.template.values import Unknown
from belay.template.world import World

IF_ARGUMENTS = 3
EQUALS_ARGUMENTS = 2


def holds(name: str, scope: Scope, world: World) -> bool:
    """Return whether a condition of the template holds in this world."""
    key = ("condition", scope.key(name))
    if key in world.memo:
        return bool(world.memo[key])
    found = entry(MapValue(scope.document.section("Conditions"), scope), name, world)
    if not isinstance(found, Lazy) or key in world.active:
        return world.choose(key, (True, False))
    world.active.add(key)
    answer = truth(found.node, found.scope, world)
    world.active.discard(key)
    world.memo[key] = answer
    return answer


def _if(argument: Node, scope: Scope, world: World) -> Value:
    if not isinstance(argument, SequenceNode) or len(argument.items) != IF_ARGUMENTS:
        return unknown_at(argument, scope, "Fn::If does not have a condition and two values")
    condition, yes, no = argument.items
    return resolve(yes if truth(condition, scope, world) else no, scope, world)


def truth(node: Node, scope: Scope, world: World) -> bool:  # noqa: PLR0911 - one for each kind of condition
    """Return whether a condition's expression is true in this world."""
    world.budget.spend()
    if isinstance(node, ScalarNode):
        name = unroll(node.text, scope)
        if isinstance(name, str):
            return holds(name, scope, world)
    if isinstance(node, MappingNode) and len(node.entries) == 1:
        ((function, argument),) = node.entries.items()
        operands = argument.items if isinstance(argument, SequenceNode) else [argument]
        if function == "Condition":
            return truth(argument, scope, world)
        if function == "Fn::And":
            return all(truth(operand, scope, world) for operand in operands)
        if function == "Fn::Or":
            return any(truth(operand, scope, world) for operand in operands)
        if function == "Fn::Not" and len(operands) == 1:
            return not truth(operands[0], scope, world)
        if function == "Fn::Equals" and len(operands) == EQUALS_ARGUMENTS:
            one, other = (settled(Lazy(operand, scope), world) for operand in operands)
            return _equal(one, other, node, scope, world)
    return world.choose(("truth", scope.stack, node.line, node.column), (True, False))


def _equal(one: Value, other: Value, node: Node, scope: Scope, world: World) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, str):
        one, other = other, one
    if isinstance(one, Unknown) and isinstance(other, str):
        return _may_be(one, other) and world.equals(one.key, other)
    if isinstance(one, Unknown) and isinstance(other, Unknown):
        return one.key == other.key or world.choose(("same", *sorted((one.key, other.key))), (True, False))
    return world.choose(("truth", scope.stack, node.line, node.column), (True, False))


def _may_be(value: Unknown, text: str) -> bool:
    """Whether the known beginning and end of an unknown text allow ``text``."""
    first, last = (value.parts[0], value.parts[-1]) if value.parts else (None, None)
    return (not isinstance(first, str) or text.startswith(first)) and (not isinstance(last, str) or text.endswith(last))


FUNCTIONS: Final[dict[str, Function]] = {"Fn::If": _if}

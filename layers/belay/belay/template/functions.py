"""Intrinsic functions on texts, lists and maps."""

from __future__ import annotations

from typing import Final

from belay.template.nodes import Node
from belay.template.resolver import entries, force, get, items, resolve
from belay.template.scope import Function, Lazy, ListValue, MapValue, Scope, Value
from belay.template.subnets import subnets
from belay.template.texts import as_text, concatenate, unknown_at
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import World

MAP_ARGUMENTS = 3
CIDR_ARGUMENTS = 2


def arguments(argument: Node, scope: Scope, world: World, count: int) -> list[Value | Lazy] | None:
    """Return a function's arguments, or ``None`` if there are fewer than ``count``."""
    value = resolve(argument, scope, world)
    if not isinstance(value, ListValue) or len(value.items) < count:
        return None
    return list(value.items)


def _join(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    if given is None:
        return unknown_at(argument, scope, "Fn::Join does not have a delimiter and a list")
    delimiter, listed = force(given[0], world), force(given[1], world)
    if isinstance(listed, Unknown):
        return listed._replace(key=f"joined {listed.key}", parts=(), prefix_bits=None)
    if not isinstance(listed, ListValue):
        return unknown_at(argument, scope, "Fn::Join does not have a list")
    pieces: list[Value] = []
    for value in items(listed, world):
        pieces += [delimiter, value]
    return concatenate(pieces[1:])


def _split(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    if given is None:
        return unknown_at(argument, scope, "Fn::Split does not have a delimiter and a text")
    delimiter, text = force(given[0], world), force(given[1], world)
    if isinstance(delimiter, str) and delimiter and isinstance(text, str):
        return ListValue(tuple(text.split(delimiter)))
    if isinstance(text, Unknown):
        return Unknown(f"{text.key} split at {as_text(delimiter)}", text.reason)
    return unknown_at(argument, scope, "Fn::Split does not have a delimiter and a text")


def _select(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    if given is None:
        return unknown_at(argument, scope, "Fn::Select does not have an index and a list")
    index, listed = force(given[0], world), force(given[1], world)
    if isinstance(listed, Unknown):
        return Unknown(f"{listed.key}[{as_text(index)}]", listed.reason, prefix_bits=listed.prefix_bits)
    choices = listed.items if isinstance(listed, ListValue) else ()
    if isinstance(index, Unknown):
        index = world.pick(index.key, [str(number) for number in range(len(choices))]) or index
    if isinstance(index, str) and index.isdecimal() and int(index) < len(choices):
        return force(choices[int(index)], world)
    return unknown_at(argument, scope, "Fn::Select's index is not in its list")


def _find_in_map(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, MAP_ARGUMENTS)
    if given is None:
        return unknown_at(argument, scope, "Fn::FindInMap does not have a map and two keys")
    found: Value = MapValue(scope.document.section("Mappings"), scope)
    last = force(given[MAP_ARGUMENTS], world) if len(given) > MAP_ARGUMENTS else NO_VALUE
    default = get(last, "DefaultValue", world) if isinstance(last, MapValue) else NO_VALUE
    for argument_ in given[:MAP_ARGUMENTS]:
        key = force(argument_, world)
        table = entries(found, world) if isinstance(found, MapValue) else {}
        if isinstance(table, Unknown):
            return table
        if isinstance(key, Unknown):
            # A key that is not in the map gives the default; without a default CloudFormation refuses the stack.
            listed = default is NO_VALUE or world.choose(("in a map", key.key), (True, False))
            key = (world.pick(key.key, list(table)) if listed else None) or key
        if not isinstance(key, str) or key not in table:
            return (
                unknown_at(argument, scope, "Fn::FindInMap's keys are not in Mappings")
                if default is NO_VALUE
                else default
            )
        found = force(table[key], world)
    return found


def _cidr(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    values = [force(value, world) for value in given or []]
    if len(values) < CIDR_ARGUMENTS:
        return unknown_at(argument, scope, "Fn::Cidr does not have a block and a count")
    block, count, bits = values[0], values[1], values[2] if len(values) > CIDR_ARGUMENTS else NO_VALUE
    size = int(bits) if isinstance(bits, str) and bits.isdecimal() else None
    if isinstance(block, str) and isinstance(count, str) and (size is not None or bits is NO_VALUE):
        found = subnets(block, count, size)
        if found is not None:
            return ListValue(tuple(found))
    whole = next((value for value in values if isinstance(value, Unknown)), None)
    reason = whole.reason if whole else "Fn::Cidr's count of subnets does not fit into its block"
    limit = size if size is not None else block.prefix_bits if isinstance(block, Unknown) else None
    return unknown_at(argument, scope, reason)._replace(prefix_bits=limit)


def _base64(argument: Node, scope: Scope, world: World) -> Value:
    value = resolve(argument, scope, world)
    if isinstance(value, str):
        import base64  # noqa: PLC0415 - security groups hardly ever need it

        return base64.b64encode(value.encode()).decode()
    return unknown_at(argument, scope, "Fn::Base64 encodes a value that is only known at deployment")


def _length(argument: Node, scope: Scope, world: World) -> Value:
    value = resolve(argument, scope, world)
    if isinstance(value, ListValue):
        return str(sum(1 for _ in items(value, world)))
    return unknown_at(argument, scope, "Fn::Length counts a list that is only known at deployment")


FUNCTIONS: Final[dict[str, Function]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
}

"""Intrinsic functions on texts, lists and maps."""

from collections.abc import Mapping, Sequence
from typing import Final

from belay.template.nodes import Node, by_reading
from belay.template.resolver import entries, force, get, items, resolve, settled
from belay.template.scope import Function, Lazy, ListValue, MapValue, Scope, Value
from belay.template.subnets import subnets
from belay.template.texts import as_text, concatenate, split, unknown_at
from belay.template.values import NO_VALUE, Unknown
from belay.template.words import unquoted
from belay.template.world import World

MAP_ARGUMENTS = 3
CIDR_ARGUMENTS = 2
LONGEST_INDEX = 9


def arguments(argument: Node, scope: Scope, world: World, count: int) -> list[Value | Lazy] | None:
    """Return a function's arguments, or ``None`` if there are fewer than ``count``."""
    value = resolve(argument, scope, world)
    if not isinstance(value, ListValue) or len(value.items) < count:
        return None
    return list(value.items)


def _number(value: Value) -> int | None:
    """Return a whole number that is small enough to be an index or a number of bits."""
    small = isinstance(value, str) and value.isdecimal() and len(value) <= LONGEST_INDEX
    return int(str(value)) if small else None


def _join(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    if given is None:
        return unknown_at(argument, scope, "Fn::Join does not have a delimiter and a list")
    delimiter, listed = settled(given[0], world), settled(given[1], world)
    if isinstance(listed, Unknown):
        return listed._replace(key=f"joined {listed.key}", parts=(), prefix_bits=None)
    if not isinstance(listed, ListValue):
        return unknown_at(argument, scope, "Fn::Join does not have a list")
    pieces: list[Value] = []
    for value in items(listed, world):
        pieces += [delimiter, settled(value, world)]
    return concatenate(pieces[1:])


def _split(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    if given is None:
        return unknown_at(argument, scope, "Fn::Split does not have a delimiter and a text")
    delimiter, text = settled(given[0], world), settled(given[1], world)
    if isinstance(delimiter, str) and delimiter and isinstance(text, (str, Unknown)):
        pieces = split(text, delimiter)
        if pieces is not None:
            return ListValue(tuple(pieces))
    if isinstance(text, Unknown):
        return Unknown(f"{text.key} split at {as_text(delimiter)}", text.reason, text.parts, many=True)
    return unknown_at(argument, scope, "Fn::Split does not have a delimiter and a text")


def _select(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    if given is None:
        return unknown_at(argument, scope, "Fn::Select does not have an index and a list")
    index, listed = settled(given[0], world), settled(given[1], world)
    if isinstance(listed, Unknown):
        return Unknown(f"{listed.key}[{as_text(index)}]", listed.reason, prefix_bits=listed.prefix_bits)
    choices = listed.items if isinstance(listed, ListValue) else ()
    if isinstance(index, Unknown):
        index = world.pick(index.key, [str(number) for number in range(len(choices))]) or index
    number = _number(index)
    if number is not None and number < len(choices):
        if any(force(choice, world) is NO_VALUE for choice in choices[: number + 1]):
            return unknown_at(argument, scope, "Fn::Select's list has AWS::NoValue before the item")
        return force(choices[number], world)
    return unknown_at(argument, scope, "Fn::Select's index is not in its list")


def _find_in_map(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, MAP_ARGUMENTS)
    if given is None:
        return unknown_at(argument, scope, "Fn::FindInMap does not have a map and two keys")
    found: Value = MapValue(scope.document.section("Mappings"), scope)
    last = force(given[MAP_ARGUMENTS], world) if len(given) > MAP_ARGUMENTS else NO_VALUE
    default = get(last, "DefaultValue", world) if isinstance(last, MapValue) else NO_VALUE
    for argument_ in given[:MAP_ARGUMENTS]:
        key = settled(argument_, world)
        names = _names(found, world) if isinstance(found, MapValue) else {}
        if isinstance(names, Unknown):
            return names
        if isinstance(key, Unknown):
            # A key that is not in the map gives the default; without a default CloudFormation refuses the stack.
            listed = default is NO_VALUE or world.choose(("in a map", key.key), (True, False))
            key = (world.pick(key.key, names) if listed else None) or key
        written = names.get(key, ()) if isinstance(key, str) else ()
        if len(written) > 1 or default is not NO_VALUE:
            written = [name for name in written if settled(_key(name, found), world) == key]
        if not written:
            missing = unknown_at(argument, scope, "Fn::FindInMap's keys are not in Mappings")
            return missing if default is NO_VALUE else default
        if len(written) > 1:
            return unknown_at(argument, scope, f"{' and '.join(written)} are one key of a map")
        found = get(found, written[0], world) if isinstance(found, MapValue) else found
    return found


def _names(table: MapValue, world: World) -> Mapping[str, Sequence[str]] | Unknown:
    """Return a map's keys as written, by each of their readings."""
    if table.node.has_literal_keys:
        return table.node.written
    found = entries(table, world)
    return found if isinstance(found, Unknown) else by_reading(found, table.node.ambiguous)


def _key(name: str, found: Value) -> Value:
    """Return a key of a map as a value."""
    unquoted_key = isinstance(found, MapValue) and name in found.node.ambiguous
    return unquoted(name) if unquoted_key else name


def _cidr(argument: Node, scope: Scope, world: World) -> Value:
    given = arguments(argument, scope, world, 2)
    values = [settled(value, world) for value in given or []]
    if len(values) < CIDR_ARGUMENTS:
        return unknown_at(argument, scope, "Fn::Cidr does not have a block and a count")
    block, count, bits = values[0], values[1], values[2] if len(values) > CIDR_ARGUMENTS else NO_VALUE
    size = _number(bits)
    if isinstance(block, str) and isinstance(count, str) and (size is not None or bits is NO_VALUE):
        found = subnets(block, count, size)
        if found is not None:
            return ListValue(tuple(found))
    whole = next((value for value in values if isinstance(value, Unknown)), None)
    reason = whole.reason if whole else "Fn::Cidr's count of subnets does not fit into its block"
    limit = size if size is not None else block.prefix_bits if isinstance(block, Unknown) else None
    return unknown_at(argument, scope, reason)._replace(prefix_bits=limit)


def _base64(argument: Node, scope: Scope, world: World) -> Value:
    value = settled(Lazy(argument, scope), world)
    if isinstance(value, str):
        import base64  # noqa: PLC0415 - security groups hardly ever need it

        return base64.b64encode(value.encode()).decode()
    return unknown_at(argument, scope, "Fn::Base64 encodes a value that is only known at deployment")


def _length(argument: Node, scope: Scope, world: World) -> Value:
    value = resolve(argument, scope, world)
    if isinstance(value, ListValue) and not any(force(item, world) is NO_VALUE for item in value.items):
        return str(len(value.items))
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

"""Evaluating the expressions of a template in one world.

:func:`resolve` gives the value of an expression. It asks its :class:`~belay.template.world.World` about what the
template leaves open, so :func:`~belay.template.world.explore` finds every value with its conditions. The intrinsic
functions stand in ``conditions``, ``references`` and ``functions``.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AbstractMapping
from functools import cache

from belay.template.nodes import Mapping, Node, Scalar, Sequence
from belay.template.scope import Lazy, Row, Scope, Table, Value
from belay.template.values import NO_VALUE, Unknown
from belay.template.words import READINGS
from belay.template.world import TooManyStepsError, World

Function = Callable[[Node, Scope, World], Value]
"""An intrinsic function: its argument as it stands, where it stands, and the world it is evaluated in."""

MAX_TEXT = 65_536
MAX_PARTS = 256
LOOP = "Fn::ForEach::"
LOOP_ARGUMENTS = 3
TRANSFORM = "Fn::Transform"
DYNAMIC_REFERENCE = "{{resolve:"
IDENTIFIER = re.compile(r"[$&]\{([^${}]*)\}")


@cache
def functions() -> AbstractMapping[str, Function]:
    """Return the intrinsic functions by name."""
    # They evaluate their arguments with this module.
    from belay.template import conditions, functions, references  # noqa: PLC0415

    return {**conditions.FUNCTIONS, **functions.FUNCTIONS, **references.FUNCTIONS}


def resolve(node: Node, scope: Scope, world: World) -> Value:
    """Return the value of an expression in this world."""
    if isinstance(node, Scalar):
        return literal(node, scope, world)
    if isinstance(node, Sequence):
        world.budget.spend(len(node.items))
        return Row(tuple([Lazy(item, scope) for item in node.items]))
    world.budget.spend()
    if len(node.entries) == 1:
        ((name, argument),) = node.entries.items()
        function = functions().get(name)
        if function is not None:
            return function(argument, scope, world)
        if name.startswith("Fn::") and not name.startswith(LOOP):
            return unknown_at(node, scope, f"{name} is not evaluated")
    return Table(node, scope)


def force(value: Value | Lazy, world: World) -> Value:
    """Return the value of what may still be unresolved."""
    return resolve(value.node, value.scope, world) if isinstance(value, Lazy) else value


def entries(table: Table, world: World) -> dict[str, Lazy] | Unknown:
    """Return a mapping's entries with its loops expanded; unknown where a macro may put in more."""
    raw = table.node.entries
    if table.node.has_literal_keys:
        return {name: Lazy(node, table.scope) for name, node in raw.items()}
    found: dict[str, Lazy] = {}
    for name, node in raw.items():
        if name.startswith(LOOP):
            rounds = _rounds(node, table.scope, world)
            if rounds is None:
                return unknown_at(table.node, table.scope, f"{name} is not an identifier, a collection and a mapping")
            found.update(rounds)
        elif name.startswith("Fn::"):
            return unknown_at(table.node, table.scope, f"{name} may put anything here when it is deployed")
        else:
            found[name] = Lazy(node, table.scope)
    return found


def read(table: Table, world: World) -> dict[str, Value] | Unknown:
    """Return the values of a mapping's entries, without those that are AWS::NoValue."""
    if table.node.has_literal_keys:
        scope = table.scope
        values = {
            name: literal(node, scope, world) if isinstance(node, Scalar) else resolve(node, scope, world)
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


def get(table: Table, name: str, world: World) -> Value:
    """Return one entry of a mapping; :data:`NO_VALUE` where it is not there."""
    if table.node.has_literal_keys:
        node = table.node.entries.get(name)
        return NO_VALUE if node is None else resolve(node, table.scope, world)
    found = entries(table, world)
    if isinstance(found, Unknown):
        return found
    return force(found[name], world) if name in found else NO_VALUE


def items(row: Row, world: World) -> Iterator[Value]:
    """Yield a list's values, without those that are AWS::NoValue."""
    for item in row.items:
        value = force(item, world)
        if value is not NO_VALUE:
            yield value


def as_text(value: Value) -> str | None:
    """Show a text, its unknown pieces as ``${name}``; ``None`` for what is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Unknown):
        return "".join([part if isinstance(part, str) else f"${{{part.key}}}" for part in value.parts or (value,)])
    return None


def concatenate(pieces: list[Value]) -> str | Unknown:
    """Join texts; with an unknown piece the result is unknown, but keeps the known pieces."""
    parts: list[str | Unknown] = []
    for piece in pieces:
        if not isinstance(piece, (str, Unknown)):
            return Unknown(f"text of {len(pieces)} pieces", "a list or a mapping stands where a text is expected")
        for part in piece.parts or (piece,) if isinstance(piece, Unknown) else (piece,):
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            elif part != "":
                parts.append(part)
    if sum(len(part) if isinstance(part, str) else 1 for part in parts) > MAX_TEXT or len(parts) > MAX_PARTS:
        raise TooManyStepsError
    if not parts:
        return ""
    if len(parts) == 1:
        return parts[0] if isinstance(parts[0], Unknown) else told(parts[0])
    shown = "".join([part if isinstance(part, str) else f"${{{part.key}}}" for part in parts])
    reason = next(part.reason for part in parts if isinstance(part, Unknown))
    return Unknown(shown, reason, tuple(parts))


def literal(node: Scalar, scope: Scope, world: World) -> Value:
    """Return what a text, number, boolean or null of the template is."""
    text = node.text
    if node.plain and text in READINGS:
        readings = READINGS[text]
        return readings[0] if len(readings) == 1 else world.choose(("YAML 1.1", text), readings)
    if "{" not in text:
        return text
    return unroll(text, scope) if scope.loops else told(text)


def told(text: str) -> str | Unknown:
    """Return a text, unless it is only looked up when it is deployed."""
    if "{{" in text and DYNAMIC_REFERENCE in text:
        return Unknown(f"dynamic {text}", f"the dynamic reference {text} is only looked up when it is deployed")
    return text


def unknown_at(node: Node, scope: Scope, reason: str) -> Unknown:
    """Return the unknown value of the expression at this place."""
    return Unknown(
        f"{scope.document.path}:{scope.stack}:{node.line}:{node.column}:{sorted(map(str, scope.loops.values()))}",
        reason,
    )


def unroll(text: str, scope: Scope) -> str | Unknown:
    """Put the identifiers of the loops around it into a text."""
    pieces: list[Value] = []
    end = 0
    for match in IDENTIFIER.finditer(text):
        if match[1] in scope.loops:
            pieces += [text[end : match.start()], scope.loops[match[1]]]
            end = match.end()
    return concatenate([*pieces, text[end:]])


def _rounds(node: Node, scope: Scope, world: World) -> dict[str, Lazy] | None:
    """Expand one ``Fn::ForEach``: identifier, collection, and a mapping of keys to bodies; ``None`` if it is no such.

    A collection that is not told is one round with an unknown value, which stands for many.
    """
    if not isinstance(node, Sequence) or len(node.items) != LOOP_ARGUMENTS:
        return None
    identifier, collection, body = node.items
    if not isinstance(identifier, Scalar) or not isinstance(body, Mapping):
        return None
    found: dict[str, Lazy] = {}
    for value in _collection(collection, scope, world):
        inner = scope.looping(identifier.text, value)
        for name, entry in body.entries.items():
            world.budget.spend()
            if name.startswith(LOOP):
                nested = _rounds(entry, inner, world)
                if nested is None:
                    return None
                found.update(nested)
            else:
                found[as_text(unroll(name, inner)) or name] = Lazy(entry, inner)
    return found


def _collection(node: Node, scope: Scope, world: World) -> Iterator[str | Unknown]:
    values = resolve(node, scope, world)
    for value in items(values, world) if isinstance(values, Row) else (values,):
        if isinstance(value, str):
            yield value
        else:
            reason = value.reason if isinstance(value, Unknown) else "the collection of the loop is no list of texts"
            yield unknown_at(node, scope, reason)._replace(many=not isinstance(values, Row))

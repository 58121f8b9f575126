"""The values that a template's parameters may have."""

from typing import NamedTuple

from belay.masking import MASK, sounds_secret
from belay.template.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode
from belay.template.resolver import force, settled
from belay.template.scope import ListValue, Scope, Value
from belay.template.texts import literal, split, unless_dynamic
from belay.template.values import NO_VALUE, READ_LATER, NoValue, Unknown
from belay.template.world import World

_FALSE = frozenset({"false", "no", "off", "n", "0", ""})


class Declared(NamedTuple):
    """What a template declares of a parameter.

    ``allowed`` are the values it may have, if they are listed and it is no list; ``bounds`` are those of a number.
    """

    kind: str
    is_list: bool
    is_no_echo: bool
    default: str | NoValue | Unknown
    allowed: tuple[str | Unknown, ...]
    bounds: tuple[int, int] | None


def parameter(name: str, scope: Scope, world: World) -> Value:
    """Return the value of a parameter: the value passed, its default, an allowed value, or unknown."""
    declared = _declared(name, scope.document)
    key = scope.key(name)
    bound = scope.parameters.get(name)
    value: Value = NO_VALUE
    if bound is not None:
        value = bound if isinstance(bound, str) else force(bound, world)
    if value is NO_VALUE and key in world.answers:
        value = str(world.answers[key])
    if declared.is_no_echo or value == MASK:
        return Unknown(key, f"the parameter {name} is secret (NoEcho, or by its name), so its value is not read")
    if value == READ_LATER:
        return Unknown(key, f"the parameter {name} is read from a table when the stage is planned")
    if declared.kind.startswith("AWS::SSM::Parameter::Value"):
        return Unknown(key, f"the parameter {name} is read from Parameter Store at deployment")
    if value is NO_VALUE:
        value = _open_parameter(name, key, declared, scope, world)
    if isinstance(value, str):
        value = unless_dynamic(value)
    if not declared.is_list:
        return value
    value = settled(value, world)
    pieces = split(value, ",") if isinstance(value, (str, Unknown)) else None
    if pieces is None:
        return value._replace(many=True) if isinstance(value, Unknown) and value.parts else value
    return ListValue(tuple([piece.strip() if isinstance(piece, str) else piece for piece in pieces]))


def is_secret(name: str, declared: Node) -> bool:
    """Whether a parameter's value is kept out of every document: NoEcho, or a name that sounds secret."""
    return is_no_echo(declared) or sounds_secret(name)


def is_no_echo(declared: Node) -> bool:
    """Whether a parameter is declared NoEcho; anything not clearly false counts."""
    node = declared.entries.get("NoEcho") if isinstance(declared, MappingNode) else None
    return node is not None and not (isinstance(node, ScalarNode) and node.text.lower() in _FALSE)


def _open_parameter(name: str, key: str, declared: Declared, scope: Scope, world: World) -> Value:
    """Return a value of a parameter that is not passed: its default, an allowed value, or unknown."""
    default = declared.default
    if scope.defaults_apply and default is not NO_VALUE:
        return default
    if declared.allowed:
        return world.choose(("allowed", key), declared.allowed)
    if isinstance(default, Unknown):
        if world.choose(("default", key), (True, False)):
            return default
    elif isinstance(default, str) and world.equals(key, default):
        return default
    reason = f"the parameter {name} may have any value"
    word = declared.kind.startswith("AWS::EC2::") and declared.kind.endswith("::Id")
    return Unknown(key, reason, bounds=declared.bounds, word=word)


def _declared(name: str, document: Document) -> Declared:
    """Return what a template declares of a parameter, read once."""
    if name not in document.declared:
        document.declared[name] = _read(document.section("Parameters").entries[name])
    declared: Declared = document.declared[name]
    return declared


def _read(node: Node) -> Declared:
    declared = node.entries if isinstance(node, MappingNode) else {}
    written = declared.get("Type")
    kind = (written.text if isinstance(written, ScalarNode) else "") or "String"
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    listed = declared.get("AllowedValues")
    values = [_literal(item) for item in listed.items] if isinstance(listed, SequenceNode) and not is_list else []
    allowed = tuple(dict.fromkeys([value for value in values if not isinstance(value, NoValue)]))
    bounds = _bounds(declared) if kind == "Number" else None
    return Declared(kind, is_list, is_no_echo(node), _literal(declared.get("Default")), allowed, bounds)


def _literal(node: Node | None) -> str | NoValue | Unknown:
    """Return a literal of a parameter's declaration."""
    return literal(node) if isinstance(node, ScalarNode) else NO_VALUE


def _texts(value: str | NoValue | Unknown) -> tuple[str, ...]:
    """Return a literal's readings."""
    return value.readings if isinstance(value, Unknown) else (value,) if isinstance(value, str) else ()


def _bounds(declared: dict[str, Node]) -> tuple[int, int] | None:
    """Return the smallest and the largest number that a parameter may be, under any reading of its limits."""
    try:
        low, high = [[int(text) for text in _texts(_literal(declared.get(name)))] for name in ("MinValue", "MaxValue")]
        return min(low), max(high)
    except ValueError:
        return None

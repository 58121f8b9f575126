"""The values that a template's parameters may have."""

from __future__ import annotations

from belay.masking import MASK, sounds_secret
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode
from belay.template.resolver import force, settled
from belay.template.scope import ListValue, Scope, Value
from belay.template.texts import literal, split, unless_dynamic
from belay.template.values import NO_VALUE, NoValue, Unknown
from belay.template.world import World

_FALSE = frozenset({"false", "no", "off", "n", "0", ""})


def parameter(name: str, scope: Scope, world: World) -> Value:
    """Return the value of a parameter: the value passed, its default, an allowed value, or unknown."""
    node = scope.document.section("Parameters").entries[name]
    declared = node.entries if isinstance(node, MappingNode) else {}
    kind = _text_of(declared.get("Type")) or "String"
    key = scope.key(name)
    bound = scope.parameters.get(name)
    value: Value = NO_VALUE
    if bound is not None:
        value = bound if isinstance(bound, str) else force(bound, world)
    if value is NO_VALUE and key in world.answers:
        value = str(world.answers[key])
    if is_no_echo(node) or value == MASK:
        return Unknown(key, f"the parameter {name} is secret (NoEcho, or by its name), so its value is not looked at")
    if kind.startswith("AWS::SSM::Parameter::Value"):
        return Unknown(key, f"the parameter {name} is read from Parameter Store at deployment")
    if value is NO_VALUE:
        value = _open_parameter(name, declared, scope, world)
    if isinstance(value, str):
        value = unless_dynamic(value)
    if not _is_list(kind):
        return value
    value = settled(value, world)
    pieces = split(value, ",") if isinstance(value, (str, Unknown)) else None
    if pieces is None:
        return value._replace(many=True) if isinstance(value, Unknown) and value.parts else value
    return ListValue(tuple([piece.strip() if isinstance(piece, str) else piece for piece in pieces]))


def is_secret(name: str, declared: Node) -> bool:
    """Return whether a parameter's value is kept out of every document: NoEcho, or a name that sounds secret."""
    return is_no_echo(declared) or sounds_secret(name)


def is_no_echo(declared: Node) -> bool:
    """Return whether a parameter is declared NoEcho; what is not clearly false counts."""
    node = declared.entries.get("NoEcho") if isinstance(declared, MappingNode) else None
    return node is not None and not (isinstance(node, ScalarNode) and node.text.lower() in _FALSE)


def _open_parameter(name: str, declared: dict[str, Node], scope: Scope, world: World) -> Value:
    """Return a value of a parameter that is not passed: its default, an allowed value, or unknown."""
    kind = _text_of(declared.get("Type")) or "String"
    default = _declared(declared.get("Default"), scope)
    if scope.defaults_apply and default is not NO_VALUE:
        return default
    key = scope.key(name)
    allowed = declared.get("AllowedValues")
    if isinstance(allowed, SequenceNode) and not _is_list(kind):
        values = [value for item in allowed.items if (value := _declared(item, scope)) is not NO_VALUE]
        if values:
            return world.choose(("allowed", key), list(dict.fromkeys(values)))
    elif isinstance(default, Unknown):
        if world.choose(("default", key), (True, False)):
            return default
    elif isinstance(default, str) and world.equals(key, default):
        return default
    reason = f"the parameter {name} may have any value"
    bounds = _bounds(declared, scope) if kind == "Number" else None
    return Unknown(key, reason, bounds=bounds, word=kind.startswith("AWS::EC2::") and kind.endswith("::Id"))


def _is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _declared(node: Node | None, scope: Scope) -> str | NoValue | Unknown:
    """Return a literal of a parameter's declaration."""
    return literal(node, scope) if isinstance(node, ScalarNode) else NO_VALUE


def _texts(value: str | NoValue | Unknown) -> tuple[str, ...]:
    """Return the texts that a literal may be read as."""
    return value.readings if isinstance(value, Unknown) else (value,) if isinstance(value, str) else ()


def _bounds(declared: dict[str, Node], scope: Scope) -> tuple[int, int] | None:
    """Return the smallest and the largest number that a parameter may be, however its limits are read."""
    try:
        low, high = [
            [int(text) for text in _texts(_declared(declared.get(name), scope))] for name in ("MinValue", "MaxValue")
        ]
        return min(low), max(high)
    except ValueError:
        return None


def _text_of(node: Node | None) -> str:
    return node.text if isinstance(node, ScalarNode) else ""

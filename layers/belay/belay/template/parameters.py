"""The values that a template's parameters may have."""

from __future__ import annotations

from belay.masking import sounds_secret
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode
from belay.template.resolver import force
from belay.template.scope import ListValue, Scope, Value
from belay.template.texts import as_text, literal, unless_dynamic
from belay.template.values import NO_VALUE, Unknown
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
    if is_secret(name, node):
        return Unknown(key, f"the parameter {name} is secret (NoEcho, or by its name), so its value is not looked at")
    if kind.startswith("AWS::SSM::Parameter::Value"):
        return Unknown(key, f"the parameter {name} is read from Parameter Store at deployment")
    if value is NO_VALUE:
        value = _open_parameter(name, declared, scope, world)
    if isinstance(value, str):
        value = unless_dynamic(value)
    if isinstance(value, str) and _is_list(kind):
        return ListValue(tuple([item.strip() for item in value.split(",")]))
    return value


def is_secret(name: str, declared: Node) -> bool:
    """Return whether a parameter's value is kept out of every document: NoEcho, or a name that sounds secret."""
    return is_no_echo(declared) or sounds_secret(name)


def is_no_echo(declared: Node) -> bool:
    """Return whether a parameter is declared NoEcho; what is not clearly false counts."""
    node = declared.entries.get("NoEcho") if isinstance(declared, MappingNode) else None
    return node is not None and not (isinstance(node, ScalarNode) and node.text.lower() in _FALSE)


def _open_parameter(name: str, declared: dict[str, Node], scope: Scope, world: World) -> str | Unknown:
    """Return a value of a parameter that is not passed: its default, an allowed value, or unknown."""
    kind = _text_of(declared.get("Type")) or "String"
    default = _declared(declared.get("Default"), scope, world)
    if scope.defaults_apply and default is not None:
        return default
    key = scope.key(name)
    allowed = declared.get("AllowedValues")
    if isinstance(allowed, SequenceNode) and not _is_list(kind):
        texts = [text for item in allowed.items if (text := _declared(item, scope, world)) is not None]
        picked = world.pick(key, list(dict.fromkeys(texts)))
        if picked is not None:
            return picked
    elif default is not None and world.equals(key, default):
        return default
    reason = f"the parameter {name} may have any value"
    return Unknown(key, reason, bounds=_bounds(declared) if kind == "Number" else None)


def _is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _declared(node: Node | None, scope: Scope, world: World) -> str | None:
    """Return the text of a literal in a parameter's declaration."""
    value = literal(node, scope, world) if isinstance(node, ScalarNode) else NO_VALUE
    return as_text(value)


def _bounds(declared: dict[str, Node]) -> tuple[int, int] | None:
    try:
        return int(_text_of(declared.get("MinValue"))), int(_text_of(declared.get("MaxValue")))
    except ValueError:
        return None


def _text_of(node: Node | None) -> str:
    return node.text if isinstance(node, ScalarNode) else ""

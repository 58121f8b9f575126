"""A template's parameters, transforms, and resources with the conditions they are created under."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from belay.template.conditions import holds
from belay.template.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode, walk
from belay.template.references import export_name
from belay.template.resolver import TRANSFORM, entries, get, settled
from belay.template.resources import resource_type
from belay.template.scope import Export, ExportName, Lazy, MapValue, Scope
from belay.template.values import NO_VALUE, Guard, Unknown
from belay.template.world import World, explore

KNOWN_TRANSFORMS = frozenset(
    {
        "AWS::CodeDeployBlueGreen",
        "AWS::LanguageExtensions",
        "AWS::SecretsManager-2020-07-23",
        "AWS::SecretsManager-2024-09-16",
        "AWS::Serverless-2016-10-31",
    }
)
"""AWS's transforms that do not change security groups.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-reference.html
"""


class Resource(NamedTuple):
    """A resource and the conditions it is created under: its logical id, and its body or why it cannot be read."""

    name: str
    guard: Guard
    body: MapValue | Unknown


def parameters(document: Document) -> dict[str, bool]:
    """Return the names of a template's parameters, each with whether it has a default."""
    declared = document.section("Parameters").entries
    return {name: isinstance(node, MappingNode) and "Default" in node.entries for name, node in declared.items()}


def parameter_defaults(document: Document) -> dict[str, str]:
    """Return the default of each of a template's parameters that has one."""
    declared = document.section("Parameters").entries
    defaults = {name: each.entries.get("Default") for name, each in declared.items() if isinstance(each, MappingNode)}
    return {name: default.text for name, default in defaults.items() if isinstance(default, ScalarNode)}


def transforms(document: Document) -> tuple[str, ...]:
    """Return the name of every transform and macro in a template, at the top and inside, without duplicates.

    A name that is not a literal text is shown as ``?``.
    """
    named = [_names(document.root.entries.get("Transform"))]
    for node in walk(document.root):
        if isinstance(node, MappingNode) and TRANSFORM in node.entries:
            named.append(_names(node.entries[TRANSFORM]))
    return tuple(dict.fromkeys(name for names in named for name in names))


def macros(document: Document) -> tuple[str, ...]:
    """Return the transforms at the top of a template that may rewrite it."""
    return tuple(name for name in _names(document.root.entries.get("Transform")) if name not in KNOWN_TRANSFORMS)


def resources(scope: Scope, given: Guard) -> Iterator[Resource]:
    """Yield a stack's resources in every branch compatible with ``given``, with loops and conditions evaluated."""
    section = scope.document.section("Resources")
    if section.has_literal_keys:
        for name, node in section.entries.items():
            yield from _under_conditions(name, Lazy(node, scope), given)
        return
    for branch in explore(lambda world: entries(MapValue(section, scope), world), given, scope.budget):
        if isinstance(branch.outcome, dict):
            for name, body in branch.outcome.items():
                yield from _under_conditions(name, body, branch.guard)
        else:
            yield Resource("Resources", branch.guard, Unknown("Resources", branch.reason))


def exports(scope: Scope, given: Guard) -> Iterator[tuple[ExportName, Export]]:
    """Yield a stack's exported outputs, each with its name, value and conditions."""
    for node in scope.document.section("Outputs").entries.values():
        if isinstance(node, MappingNode) and {"Export", "Value"} <= node.entries.keys():
            table = MapValue(node, scope)
            for branch in explore(partial(_exported, table), given, scope.budget):
                if branch.outcome is not None:
                    yield branch.outcome, Export(branch.guard, Lazy(node.entries["Value"], scope))


def _exported(table: MapValue, world: World) -> ExportName | None:
    """Return the name of an output's export; ``None`` if the output does not exist."""
    export = get(table, "Export", world)
    name = settled(get(export, "Name", world), world) if isinstance(export, MapValue) else NO_VALUE
    return export_name(name) if isinstance(name, (str, Unknown)) and _exists(table, world) else None


def _under_conditions(name: str, body: Lazy, given: Guard) -> Iterator[Resource]:
    node = body.node
    if not isinstance(node, MappingNode):
        yield Resource(name, given, Unknown(name, "it is not a mapping"))
        return
    table = MapValue(node, body.scope)
    hidden = next((key for key in node.entries if key.startswith("Fn::")), None)
    if hidden or resource_type(table) is None:
        reason = f"{hidden} may add anything at deployment" if hidden else "its Type is not known"
        yield Resource(name, given, Unknown(name, reason))
        return
    if "Condition" not in node.entries:
        yield Resource(name, given, table)
        return
    for branch in explore(lambda world: _exists(table, world), given, body.scope.budget):
        if branch.given_up:
            yield Resource(name, branch.guard, Unknown(name, branch.reason))
        elif branch.outcome:
            yield Resource(name, branch.guard, table)


def _exists(body: MapValue, world: World) -> bool:
    condition = body.node.entries.get("Condition")
    name = condition.text if isinstance(condition, ScalarNode) else None
    return name is None or holds(name, body.scope, world)


def _names(node: Node | None) -> list[str]:
    if isinstance(node, ScalarNode):
        return [node.text]
    if isinstance(node, SequenceNode):
        return [name for item in node.items for name in _names(item)]
    if isinstance(node, MappingNode):
        name = node.entries.get("Name")
        return [name.text if isinstance(name, ScalarNode) else "?"]
    return []

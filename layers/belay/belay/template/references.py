"""``Ref``, ``Fn::GetAtt`` and ``Fn::Sub``."""

import re
from typing import Final

from belay.template.nested import STACK_TYPES, child_stack
from belay.template.nodes import MappingNode, Node, ScalarNode, SequenceNode
from belay.template.parameters import parameter
from belay.template.resolver import entries, entry, force, get, items, resolve, settled
from belay.template.resources import properties, resource, resource_type
from belay.template.scope import ExportName, Function, Lazy, ListValue, MapValue, Scope, Value
from belay.template.texts import as_text, concatenate, unknown_at, unless_dynamic, unroll
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import World, agree

PLACEHOLDER = re.compile(r"\$\{([^${}]*)\}")
SUB_ARGUMENTS = 2
WORDS = frozenset({"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName"})
WORD_TYPES = frozenset({"AWS::EC2::PrefixList", "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::EC2::VPC"})
"""Pseudo parameters and types of resources whose reference is letters, digits and dashes."""
VPC_BITS = 16
"""A VPC's IPv4 block is a /16 or smaller. Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""
VPC_BITS_V6 = 84
"""A VPC's IPv6 block is a /44 or smaller. Source: the same page."""


def _ref(argument: Node, scope: Scope, world: World) -> Value:
    # A name is read as the key that it names is read: the author's spelling is compared.
    name = unroll(argument.text, scope) if isinstance(argument, ScalarNode) else resolve(argument, scope, world)
    return (
        refer(name, scope, world) if isinstance(name, str) else unknown_at(argument, scope, "Ref's argument is unknown")
    )


def refer(name: str, scope: Scope, world: World) -> Value:
    """Return what ``Ref`` gives for a loop's identifier, a parameter, a pseudo parameter or a resource."""
    if name in scope.loops:
        return scope.loops[name]
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in scope.document.section("Parameters").entries:
        return parameter(name, scope, world)
    key = scope.key(name)
    if key in world.answers:
        return str(world.answers[key])
    if name.startswith("AWS::"):
        bound = scope.parameters.get(name)
        word = name in WORDS
        return bound if isinstance(bound, str) else Unknown(key, f"{name} is only known at deployment", word=word)
    node = scope.document.section("Resources").entries.get(name)
    word = isinstance(node, MappingNode) and resource_type(MapValue(node, scope)) in WORD_TYPES
    return Unknown(key, f"{name} is only known at deployment", word=word)


def _get_att(argument: Node, scope: Scope, world: World) -> Value:
    value = settled(Lazy(argument, scope), world)
    if isinstance(value, ListValue):
        parts = [as_text(settled(item, world)) for item in items(value, world)]
        path = None if None in parts else ".".join([part for part in parts if part is not None])
    else:
        path = as_text(value)
    if path is None or "." not in path:
        return unknown_at(argument, scope, "Fn::GetAtt's arguments are unknown")
    name, _, attribute = path.partition(".")
    return attribute_of(name, attribute, scope, world)


def attribute_of(name: str, attribute: str, scope: Scope, world: World) -> Value:
    """Return what ``Fn::GetAtt`` gives, as far as the template determines it."""
    key = scope.key(f"{name}.{attribute}")
    if key in scope.attributes:
        return unless_dynamic(scope.attributes[key])
    if key in world.active:
        return Unknown(key, f"{name}.{attribute} refers to itself")
    if key not in world.memo:
        world.active.add(key)
        world.memo[key] = _attribute(name, attribute, scope, world)
        world.active.discard(key)
    value: Value = world.memo[key]
    return value


def _attribute(name: str, attribute: str, scope: Scope, world: World) -> Value:
    unknown = Unknown(scope.key(f"{name}.{attribute}"), f"{name}.{attribute} is only known at deployment")
    body = resource(name, scope, world)
    kind = resource_type(body) if body else None
    if body is None or kind is None:
        return unknown
    match kind, attribute:
        case ("AWS::EC2::SecurityGroup", "GroupId" | "Id") | ("AWS::EC2::PrefixList", "PrefixListId"):
            return Unknown(scope.key(name), unknown.reason, word=True)
        case ("AWS::EC2::VPC" | "AWS::EC2::Subnet", "CidrBlock"):
            given = properties(body, world)
            block = get(given, "CidrBlock", world) if isinstance(given, MapValue) else given
            return (
                (block if isinstance(block, Unknown) else unknown)._replace(prefix_bits=VPC_BITS)
                if not isinstance(block, str)
                else block
            )
        case ("AWS::EC2::VPC" | "AWS::EC2::Subnet", "Ipv6CidrBlocks"):
            return unknown._replace(prefix_bits=VPC_BITS_V6)
    if kind in STACK_TYPES and attribute.startswith("Outputs."):
        child = child_stack(name, body, world)
        # One output has the same value wherever it is named; another output may have another.
        return (
            unknown._replace(reason=child.reason)
            if isinstance(child, Unknown)
            else _output(attribute.removeprefix("Outputs."), child, unknown, world)
        )
    return unknown


def _output(name: str, child: Scope, unknown: Unknown, world: World) -> Value:
    found = entry(MapValue(child.document.section("Outputs"), child), name, world)
    if not isinstance(found, Lazy) or not isinstance(found.node, MappingNode):
        return unknown
    value = get(MapValue(found.node, found.scope), "Value", world)
    return unknown if value is NO_VALUE else value


def _sub(argument: Node, scope: Scope, world: World) -> Value:
    template: Value
    variables: dict[str, Lazy] | Unknown = {}
    if isinstance(argument, SequenceNode):
        if len(argument.items) != SUB_ARGUMENTS or not isinstance(argument.items[1], MappingNode):
            return unknown_at(argument, scope, "Fn::Sub is not a text and a mapping")
        template = settled(Lazy(argument.items[0], scope), world)
        variables = entries(MapValue(argument.items[1], scope), world)
    else:
        template = settled(Lazy(argument, scope), world)
    if isinstance(variables, Unknown):
        return variables
    if not isinstance(template, str):
        return template if isinstance(template, Unknown) else unknown_at(argument, scope, "Fn::Sub is missing its text")
    pieces: list[Value] = []
    end = 0
    for match in PLACEHOLDER.finditer(template):
        pieces.append(template[end : match.start()])
        pieces.append(settled(_substituted(match[1], variables, scope, world), world))
        end = match.end()
    return concatenate([*pieces, template[end:]])


def _substituted(name: str, variables: dict[str, Lazy], scope: Scope, world: World) -> Value:
    name = name.strip()
    if name.startswith("!"):
        return f"${{{name[1:]}}}"
    if name in variables:
        return force(variables[name], world)
    if "." in name:
        resource_name, _, attribute = name.partition(".")
        return attribute_of(resource_name, attribute, scope, world)
    return refer(name, scope, world)


def _import_value(argument: Node, scope: Scope, world: World) -> Value:
    name = settled(Lazy(argument, scope), world)
    if not isinstance(name, (str, Unknown)):
        return unknown_at(argument, scope, "Fn::ImportValue is missing its name")
    key = export_name(name)
    # Without the output that exports it CloudFormation refuses the stack, so its conditions hold.
    exports = scope.exports.get(key, [])
    possible = [number for number, one in enumerate(exports) if agree(one.guard, world.answers)]
    if possible and key not in world.active:
        export = exports[world.choose(("export", key), possible)]
        world.answers.update(export.guard)
        world.active.add(key)
        value = force(export.value, world)
        world.active.discard(key)
        return value
    return Unknown(f"export {as_text(name)}", f"the export {as_text(name)} is only known at deployment")


def export_name(name: str | Unknown) -> ExportName:
    """Return the name of an export as it is compared."""
    return (name.key, False) if isinstance(name, Unknown) else (name, True)


FUNCTIONS: Final[dict[str, Function]] = {
    "Fn::GetAtt": _get_att,
    "Fn::ImportValue": _import_value,
    "Fn::Sub": _sub,
    "Ref": _ref,
}

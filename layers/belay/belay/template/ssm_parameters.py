"""What a stack reads from Parameter Store through its parameters' types."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from belay.template.nodes import MappingNode, Node, ScalarNode
from belay.template.resolver import force
from belay.template.scope import Scope, Value
from belay.template.stacks import StackTree
from belay.template.texts import unknown_at
from belay.template.values import NO_VALUE
from belay.template.world import World, explore

SSM_VALUE: Final = "AWS::SSM::Parameter::Value<"
"""The prefixes of the types whose values CloudFormation reads, lists included. ``AWS::SSM::Parameter::Name`` is not
one: only the name is passed on
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html).
"""


class ReadParameter(NamedTuple):
    """A parameter whose value is read: where it is declared, and what it reads, None if that is not known and why."""

    where: str
    name: str | None
    reason: str = ""


def read_parameters(root: Scope) -> Iterator[ReadParameter]:
    """Yield what a stack and its nested stacks read, in every branch of the conditions, without duplicates."""
    tree = StackTree(root)
    for _ in tree:
        pass
    found: dict[ReadParameter, None] = {}
    for scope, guard in tree.scopes:
        for name, declared in scope.document.section("Parameters").entries.items():
            if _is_read(declared):
                where = f"{scope.document.path}: {scope.key(name)}"
                for branch in explore(lambda world: _value(name, declared, scope, world), guard, scope.budget):  # noqa: B023
                    given = branch.outcome if isinstance(branch.outcome, str) else None
                    found[ReadParameter(where, given, "" if given is not None else branch.reason)] = None
    yield from (each for each in found if each.name != "")


def _is_read(declared: Node) -> bool:
    kind = declared.entries.get("Type") if isinstance(declared, MappingNode) else None
    return isinstance(kind, ScalarNode) and kind.text.strip().startswith(SSM_VALUE)


def _value(name: str, declared: Node, scope: Scope, world: World) -> Value:
    """Return the name that is passed, or the default; an empty string if there is neither."""
    bound = scope.parameters.get(name)
    value: Value = NO_VALUE
    if bound is not None:
        value = bound if isinstance(bound, str) else force(bound, world)
    if value is NO_VALUE:
        default = declared.entries.get("Default") if isinstance(declared, MappingNode) else None
        return default.text if isinstance(default, ScalarNode) else ""
    if isinstance(value, str):
        return value
    return unknown_at(declared, scope, str(getattr(value, "reason", "it is not given a string")))

"""What templates use that their stacks do not make: functions of custom resources, roles, secrets, parameters.

CloudFormation uses each with the service role of the stack, so that role has to be allowed to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from belay.template.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode, walk
from belay.template.sections import parameter_defaults, parameters
from cli.own_templates import FOLDER, OwnTemplates
from cli.template_nodes import entry, kind_of

CUSTOM: Final = "AWS::CloudFormation::CustomResource"
_FUNCTIONS: Final = frozenset({"AWS::Lambda::Function", "AWS::Serverless::Function"})
"""Whoever creates one in a VPC has to be able to describe it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""
_ROLES: Final = frozenset(
    {"ExecutionRole", "ExecutionRoleArn", "Role", "RoleARN", "RoleArn", "ServiceRole", "ServiceRoleArn", "TaskRoleArn"}
)
_REFERENCE: Final = re.compile(
    r"\{\{resolve:(?:(?P<store>ssm|ssm-secure):(?P<parameter>[^:}]+)"
    r"|secretsmanager:(?P<secret>arn:[^:}]+:secretsmanager:[^:}]+:[^:}]+:secret:[^:}]+|[^:}]+))"
)
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html"""
_OF_THE_PLACE: Final = frozenset({"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix"})
"""Pseudo parameters that have the same value in every stack of a region."""


@dataclass(frozen=True)
class RoleGrant:
    """An action on a resource, written as in a YAML template; ``parameter`` is the one that names it, if any."""

    action: str
    resource: str
    parameter: str | None = None


@dataclass(frozen=True)
class Undecided:
    """An action on something whose name is only known after a deployment: what it is in words, and where it is used."""

    action: str
    what: str
    where: str


@dataclass(frozen=True)
class Outside:
    """Finds it in the templates; ``values`` are the values of root parameters that are known."""

    templates: OwnTemplates
    values: Mapping[str, str]

    def found(self) -> Iterator[RoleGrant | Undecided]:
        """Yield what the service role needs beyond what the stacks make, and what cannot be decided."""
        for path in self.templates.files:
            document = self.templates.document(path)
            for name, body in document.section("Resources").entries.items():
                given, kind = entry(body, "Properties"), kind_of(body)
                if isinstance(given, MappingNode) and kind:
                    yield from self._used(path, name, kind, given)
            yield from _references(document)

    def _used(self, path: str, name: str, kind: str, given: MappingNode) -> Iterator[RoleGrant | Undecided]:
        where = f"release/{FOLDER}/{path}:{given.line}"
        if kind in _FUNCTIONS and "VpcConfig" in given.entries:
            yield from (RoleGrant(f"ec2:Describe{each}", '"*"') for each in ("SecurityGroups", "Subnets", "Vpcs"))
        if kind == CUSTOM or kind.startswith("Custom::"):
            use = Undecided("lambda:InvokeFunction", f"the ServiceToken of {name}", where)
            yield from self._named(path, given.entries.get("ServiceToken"), use)
            return
        for node in walk(given):
            for key, value in node.entries.items() if isinstance(node, MappingNode) else ():
                if key in _ROLES and not kind.startswith("AWS::IAM::"):
                    yield from self._named(path, value, Undecided("iam:PassRole", f"{key} of {name}", where))

    def _named(self, path: str, node: Node | None, use: Undecided) -> Iterator[RoleGrant | Undecided]:
        """Yield the grant for what a node names, or ``use`` itself if only a deployment shows the name."""
        if node is None or self._own(path, node):
            return
        if isinstance(node, ScalarNode):
            if node.text.startswith("arn:"):
                yield _literal(use.action, node.text)
            return
        if not isinstance(node, MappingNode) or len(node.entries) != 1:
            return
        ((function, argument),) = node.entries.items()
        if function == "Fn::If" and isinstance(argument, SequenceNode):
            for branch in argument.items[1:]:
                yield from self._named(path, branch, use)
        elif function == "Ref" and isinstance(argument, ScalarNode):
            yield from self._of_parameter(path, argument.text, use)
        elif function == "Fn::ImportValue" and isinstance(argument, ScalarNode):
            yield RoleGrant(use.action, f"!ImportValue {json.dumps(argument.text)}")
        elif function == "Fn::Sub" and isinstance(argument, ScalarNode) and _same_everywhere(argument.text):
            yield RoleGrant(use.action, f"!Sub {json.dumps(argument.text)}")
        else:
            yield use

    def _of_parameter(self, path: str, name: str, use: Undecided) -> Iterator[RoleGrant | Undecided]:
        """Follow a parameter to what its stack is given: by a parent, or by whoever registers it."""
        parents = [
            (parent, logical_id)
            for parent, children in self.templates.nested.items()
            for logical_id, child in children.items()
            if child == path
        ]
        default = parameter_defaults(self.templates.document(path)).get(name, "")
        if not parents:
            known = self.values.get(name, default)
            grant = RoleGrant(use.action, f"!Ref {name}", name)
            yield _literal(use.action, known) if known.startswith("arn:") else grant
        for parent, logical_id in parents:
            root = self.templates.document(parent).root
            passed = entry(root, "Resources", logical_id, "Properties", "Parameters", name)
            if passed is not None:
                yield from self._named(parent, passed, use)
            elif default.startswith("arn:"):
                yield _literal(use.action, default)

    def _own(self, path: str, node: Node) -> bool:
        """Whether a node names a resource of the same template, or an attribute of one."""
        name = entry(node, "Ref")
        if isinstance(name, ScalarNode):
            return name.text not in parameters(self.templates.document(path))
        return entry(node, "Fn::GetAtt") is not None


def _literal(action: str, arn: str) -> RoleGrant:
    """Return the grant for an ARN. A custom resource may also be a topic."""
    topic = action == "lambda:InvokeFunction" and arn.split(":")[2:3] == ["sns"]
    return RoleGrant("sns:Publish" if topic else action, json.dumps(arn))


def _same_everywhere(text: str) -> bool:
    return text.startswith("arn:") and set(re.findall(r"\$\{([^}!]+)\}", text)) <= _OF_THE_PLACE


def _references(document: Document) -> Iterator[RoleGrant | Undecided]:
    for node in walk(document.root):
        for found in _REFERENCE.finditer(node.text) if isinstance(node, ScalarNode) else ():
            yield reference(found, f"release/{FOLDER}/{document.path}:{node.line}")


def reference(found: re.Match[str], where: str) -> RoleGrant | Undecided:
    """Return what a dynamic reference needs."""
    parameter, secret = found["parameter"], found["secret"]
    action = "secretsmanager:GetSecretValue" if secret else "ssm:GetParameters"
    if "$" in found[0]:
        return Undecided(action, f"{found[0]}...", where)
    if secret and secret.startswith("arn:"):
        return RoleGrant(action, json.dumps(secret))
    return secret_named(secret) if secret else RoleGrant(action, _place("ssm", f"parameter/{parameter.strip('/')}"))


def secret_named(name: str) -> RoleGrant:
    """Return what reading a secret by its name needs: its ARN ends with six characters of Secrets Manager's own."""
    return RoleGrant("secretsmanager:GetSecretValue", _place("secretsmanager", f"secret:{name}-??????"))


def _place(service: str, resource: str) -> str:
    return f'!Sub "arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"'

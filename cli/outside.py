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

CUSTOM: Final = "AWS::CloudFormation::CustomResource"
_FUNCTIONS: Final = frozenset({"AWS::Lambda::Function", "AWS::Serverless::Function"})
"""In a network of yours, whoever makes one has to see it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""
_ROLES: Final = frozenset(
    {"ExecutionRole", "ExecutionRoleArn", "Role", "RoleARN", "RoleArn", "ServiceRole", "ServiceRoleArn", "TaskRoleArn"}
)
_REFERENCE: Final = re.compile(
    r"\{\{resolve:(?:(?P<store>ssm|ssm-secure):(?P<parameter>[^:}]+)"
    r"|secretsmanager:(?P<secret>arn:[^:}]+:secretsmanager:[^:}]+:[^:}]+:secret:[^:}]+|[^:}]+))"
)
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html"""
_OF_THE_PLACE: Final = frozenset({"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix"})
"""Pseudo parameters that say the same in every stack of a region."""


@dataclass(frozen=True)
class RoleGrant:
    """An action on something, named as a template of YAML does it; ``parameter`` is one that names it."""

    action: str
    resource: str
    parameter: str | None = None


@dataclass(frozen=True)
class Undecided:
    """Something that the templates name in a way that only a deployment tells: which action on what, and where."""

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
                given = body.entries.get("Properties") if isinstance(body, MappingNode) else None
                kind = body.entries.get("Type") if isinstance(body, MappingNode) else None
                if isinstance(given, MappingNode) and isinstance(kind, ScalarNode):
                    yield from self._used(path, name, kind.text, given)
            yield from _references(document)

    def _used(self, path: str, name: str, kind: str, given: MappingNode) -> Iterator[RoleGrant | Undecided]:
        where = f"release/{FOLDER}/{path}:{given.line}"
        if kind in _FUNCTIONS and "VpcConfig" in given.entries:
            yield from (RoleGrant(f"ec2:Describe{each}", '"*"') for each in ("SecurityGroups", "Subnets", "Vpcs"))
        if kind == CUSTOM or kind.startswith("Custom::"):
            token = given.entries.get("ServiceToken")
            yield from self._named(path, token, "lambda:InvokeFunction", f"the ServiceToken of {name}", where)
            return
        for node in walk(given):
            for key, value in node.entries.items() if isinstance(node, MappingNode) else ():
                if key in _ROLES and not kind.startswith("AWS::IAM::"):
                    yield from self._named(path, value, "iam:PassRole", f"{key} of {name}", where)

    def _named(
        self, path: str, node: Node | None, action: str, what: str, where: str
    ) -> Iterator[RoleGrant | Undecided]:
        if node is None or self._own(path, node):
            return
        if isinstance(node, ScalarNode):
            if node.text.startswith("arn:"):
                yield _literal(action, node.text)
            return
        if not isinstance(node, MappingNode) or len(node.entries) != 1:
            return
        ((function, argument),) = node.entries.items()
        if function == "Fn::If" and isinstance(argument, SequenceNode):
            for branch in argument.items[1:]:
                yield from self._named(path, branch, action, what, where)
        elif function == "Ref" and isinstance(argument, ScalarNode):
            yield from self._of_parameter(path, argument.text, action, what, where)
        elif function == "Fn::ImportValue" and isinstance(argument, ScalarNode):
            yield RoleGrant(action, f"!ImportValue {json.dumps(argument.text)}")
        elif function == "Fn::Sub" and isinstance(argument, ScalarNode) and _same_everywhere(argument.text):
            yield RoleGrant(action, f"!Sub {json.dumps(argument.text)}")
        else:
            yield Undecided(action, what, where)

    def _of_parameter(
        self, path: str, name: str, action: str, what: str, where: str
    ) -> Iterator[RoleGrant | Undecided]:
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
            yield _literal(action, known) if known.startswith("arn:") else RoleGrant(action, f"!Ref {name}", name)
        for parent, logical_id in parents:
            passed = self._passed(parent, logical_id, name)
            if passed is not None:
                yield from self._named(parent, passed, action, what, where)
            elif default.startswith("arn:"):
                yield _literal(action, default)

    def _passed(self, parent: str, logical_id: str, name: str) -> Node | None:
        node: Node | None = self.templates.document(parent).section("Resources").entries[logical_id]
        for key in ("Properties", "Parameters", name):
            node = node.entries.get(key) if isinstance(node, MappingNode) else None
        return node

    def _own(self, path: str, node: Node) -> bool:
        """Tell whether a node names a resource of the same template, or an attribute of one."""
        if not isinstance(node, MappingNode):
            return False
        document = self.templates.document(path)
        name = node.entries.get("Ref")
        if isinstance(name, ScalarNode):
            return name.text not in parameters(document)
        return "Fn::GetAtt" in node.entries


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

"""The first files of an application: a release, its registration, and the role that CloudFormation deploys it with.

They are what Belay reads, but for what only a person knows: that is a name in braces in the registration, which ``belay
register`` asks for, and it is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from belay.release.names import stack_name_parameter
from belay.release.registration import DEFAULT_TRANSFORMS
from belay.template.no_echo import secret_parameters
from belay.template.nodes import Document, MappingNode, Node, ScalarNode
from belay.template.root import RELEASE_BUCKET, RELEASE_PREFIX
from belay.template.sections import parameter_defaults, parameters, transforms
from cli.own_templates import FOLDER, OwnTemplates
from cli.service_role import FUNCTION, IAM, ROLE_OUTPUT, service_role

VERSION: Final = "0.1.0"
_GIVEN: Final = frozenset({"Stage", "ReleaseVersion", RELEASE_BUCKET, RELEASE_PREFIX})

_NAMING: Final = frozenset({"RoleName", "ManagedPolicyName", "UserName", "GroupName", "InstanceProfileName"})
"""Properties for which CloudFormation asks CAPABILITY_NAMED_IAM:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""
_CODE: Final = {FUNCTION: "CodeUri", "AWS::Lambda::Function": "Code", "AWS::Serverless::LayerVersion": "ContentUri"}


@dataclass(frozen=True)
class FirstStage:
    """A stage to begin with."""

    name: str
    ephemeral: bool = False


@dataclass(frozen=True)
class Beginning:
    """What an application begins with.

    ``role`` is its service role, if there is one already; ``outputs`` are those of Belay's stack, none if it was not
    reached; ``values`` are the values of parameters that are known.
    """

    application: str
    stages: Sequence[FirstStage]
    templates: OwnTemplates
    role: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        """Return every file by its path."""
        texts = {"release/release.yaml": self._manifest(), "registration/application.yaml": self._registration()}
        texts |= {f"registration/{stage.name}.yaml": self._stage(stage) for stage in self.stages}
        if self.role is None:
            kinds = {kind for path in self.templates.files for kind, _ in self._resources(path)}
            names = {self.stack_name(stage, each) for stage in self.stages for each in self.templates.roots.values()}
            texts["operator.yaml"] = service_role(self.application, kinds, sorted(names), self.outputs)
        templates = {f"release/{path}": body for path, body in self.templates.released().items()}
        return {name: text.encode() for name, text in texts.items()} | templates

    def stack_name(self, stage: FirstStage, stack: str) -> str:
        """Return the name in CloudFormation of a stack of a stage; an existing one keeps its own in the last stage."""
        if self.templates.stack is not None and stage == self.stages[-1]:
            return self.templates.stack
        alone = len(self.templates.roots) == 1
        return "-".join([self.application, stage.name, *([] if alone else [stack])])

    def open_parameters(self, root: str) -> list[str]:
        """Return the parameters of a template that need a value, which is no secret and not known."""
        document = self.templates.document(root)
        known = secret_parameters(document) | self.values.keys() | self._given
        return [name for name, has_default in parameters(document).items() if not has_default and name not in known]

    def left(self) -> list[str]:
        """Say what is left to a person."""
        role = (
            f"{self.role} deploys the application: Belay's parameter ServiceRoleArns has to cover it, and it needs the "
            "policy in Belay's output ServiceRolePolicyArn"
        )
        every = [each for root in self.templates.roots for each in (*self._left_values(root), *self._left_in(root))]
        return [role, *every] if self.role else every

    # -- the release -----------------------------------------------------------------------------------------------

    def _manifest(self) -> str:
        lines = [f"application: {self.application}", f"version: {VERSION}", "stacks:"]
        before: list[str] = []
        for root, stack in self.templates.roots.items():
            lines += [f"  - name: {stack}", f"    template: {_plain(f'{FOLDER}/{root}')}"]
            if before and b"ImportValue" in self.templates.files[root]:
                lines.append(f"    depends_on: [{', '.join(before)}]")
            if wanted := self._capabilities(root):
                lines.append(f"    capabilities: [{', '.join(wanted)}]")
            before.append(stack)
        return _text(lines)

    # -- the registration ------------------------------------------------------------------------------------------

    def _registration(self) -> str:
        names = ", ".join(stage.name for stage in self.stages)
        role = self.role or f"${{{ROLE_OUTPUT}}}"
        return _text([f"stages: [{names}]", "defaults:", f"  service_role: {role}"])

    def _stage(self, stage: FirstStage) -> str:
        lines = ["ephemeral: true"] if stage.ephemeral else []
        lines.append("stacks:")
        for root, stack in self.templates.roots.items():
            lines += [f"  {stack}:", f"    name: {self.stack_name(stage, stack)}"]
            if wanted := self._capabilities(root):
                lines.append(f"    capabilities: [{', '.join(wanted)}]")
            if values := self._values(root, stage):
                lines += ["    parameters:", *(f"      {name}: {value}" for name, value in values.items())]
        for key, named in (("macros", self._macros()), ("ssm_parameters", self._ssm_parameters())):
            lines += [f"{key}: [{', '.join(named)}]"] if named else []
        return _text(lines)

    def _values(self, root: str, stage: FirstStage) -> dict[str, str]:
        document = self.templates.document(root)
        declared = parameters(document)
        known = {name: _quoted(value) for name, value in self.values.items() if name in declared}
        secrets = [name for name in self._secrets(document) if name not in known]
        return {
            **known,
            **{name: f"${{{name}}}" for name in self.open_parameters(root)},
            **{name: _quoted(f"{{{{resolve:secretsmanager:{self._secret(stage, name)}}}}}") for name in secrets},
        }

    def _secrets(self, document: Document) -> list[str]:
        """Return the secret parameters that need a value: one with a default keeps it, unless the stack had its own."""
        declared, existing = parameters(document), self.templates.stack is not None
        return [name for name in declared if name in secret_parameters(document) and (existing or not declared[name])]

    def _secret(self, stage: FirstStage, name: str) -> str:
        return f"{self.application}/{stage.name}/{name}"

    @property
    def _given(self) -> set[str]:
        return {*_GIVEN, *(stack_name_parameter(stack) for stack in self.templates.roots.values())}

    def _macros(self) -> list[str]:
        used = {each for path in self.templates.files for each in transforms(self.templates.document(path))}
        return sorted(used - {*DEFAULT_TRANSFORMS, "?"})

    def _ssm_parameters(self) -> list[str]:
        """Return the SSM parameters that the templates read by a default; AWS's own need no registration."""
        found = set()
        for path in self.templates.files:
            document = self.templates.document(path)
            for name, default in parameter_defaults(document).items():
                kind = _scalar(document.section("Parameters").entries[name], "Type")
                if kind.startswith("AWS::SSM::Parameter::Value") and not default.startswith("/aws/service/"):
                    found.add(self.values.get(name, default))
        return sorted(found)

    # -- what is left ----------------------------------------------------------------------------------------------

    def _left_values(self, root: str) -> Iterator[str]:
        for name in self.open_parameters(root):
            yield (
                f"{name} has no default: write its value in place of ${{{name}}} in registration/, or pass "
                f"--value {name}=VALUE to belay register"
            )
        for name in self._secrets(self.templates.document(root)):
            names = ", ".join(self._secret(stage, name) for stage in self.stages)
            yield (
                f"{name} is a secret, so its value is not written: put it into Secrets Manager as {names}, or name "
                "another secret in registration/"
            )

    def _left_in(self, root: str) -> Iterator[str]:
        for path in self.templates.below(root):
            for logical_id, url in self.templates.elsewhere.get(path, {}).items():
                yield (
                    f"release/{FOLDER}/{path}: the template of {logical_id} is not among yours "
                    f"({url or 'its URL is no text'}): put it into release/, and name it as docs/release-format.md says"
                )
            for kind, body in self._resources(path):
                yield from self._left_of(kind, body, f"release/{FOLDER}/{path}")

    def _left_of(self, kind: str, body: MappingNode, where: str) -> Iterator[str]:
        """Say what keeps a resource from being deployed as it is."""
        given = body.entries.get("Properties")
        known = given.entries if isinstance(given, MappingNode) else {}
        makes_role = kind == f"{IAM}Role" or (kind == FUNCTION and "Role" not in known)
        if makes_role and "PermissionsBoundary" not in known and self.role is None:
            yield (
                f"{where}:{body.line}: the role that this makes needs PermissionsBoundary: !ImportValue "
                "<Belay's stack>-ReleaseBoundaryArn, without which the service role may not create it"
            )
        code = known.get(_CODE.get(kind, ""))
        if isinstance(code, ScalarNode) and not code.text.startswith("s3://"):
            yield (
                f"{where}:{code.line}: {code.text} is a file of your machine: belay release build --sam makes a "
                "release of what sam build wrote"
            )

    # -- reading ---------------------------------------------------------------------------------------------------

    def _capabilities(self, root: str) -> list[str]:
        every = [each for path in self.templates.below(root) for each in self._resources(path)]
        of_iam = [body for kind, body in every if kind.startswith(IAM) or kind == FUNCTION]
        named = any(_NAMING & _properties(body).keys() for body in of_iam)
        found = ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"] if of_iam else []
        transformed = any(transforms(self.templates.document(path)) for path in self.templates.below(root))
        return [*found, "CAPABILITY_AUTO_EXPAND"] if transformed else found

    def _resources(self, path: str) -> Iterator[tuple[str, MappingNode]]:
        for body in self.templates.document(path).section("Resources").entries.values():
            if isinstance(body, MappingNode):
                yield _scalar(body, "Type"), body


def _properties(body: MappingNode) -> Mapping[str, Node]:
    given = body.entries.get("Properties")
    return given.entries if isinstance(given, MappingNode) else {}


def _scalar(node: Node, name: str) -> str:
    found = node.entries.get(name) if isinstance(node, MappingNode) else None
    return found.text if isinstance(found, ScalarNode) else ""


def _quoted(value: str) -> str:
    """Return a value as YAML's text, in which a dollar sign begins no name in braces."""
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")


def _plain(text: str) -> str:
    """Return a text as YAML's, in quotes where it needs them."""
    return text if re.fullmatch(r"[A-Za-z][\w./-]*", text) else json.dumps(text, ensure_ascii=False)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"

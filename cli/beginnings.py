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
from belay.template.nested import STACK
from belay.template.no_echo import secret_parameters
from belay.template.nodes import Document, MappingNode, ScalarNode
from belay.template.root import RELEASE_BUCKET, RELEASE_PREFIX
from belay.template.sections import parameter_defaults, parameters, transforms
from cli.outside import Outside, RoleGrant, Undecided, secret_named
from cli.own_templates import FOLDER, OwnTemplates
from cli.service_role import FUNCTION, IAM, MAKE_ROLES, ROLE_OUTPUT, Needs, implied, in_iam, service_role
from cli.table_lookups import Lookup, lookups
from cli.template_nodes import kind_of, properties

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
    reached, and ``tables`` the ARNs of those that it may read parameters from; ``values`` are the values of parameters
    that are known.
    """

    application: str
    stages: Sequence[FirstStage]
    templates: OwnTemplates
    role: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[str] = ()

    def files(self) -> dict[str, bytes]:
        """Return every file by its path."""
        texts = {"release/release.yaml": self._manifest(), "registration/application.yaml": self._registration()}
        texts |= {f"registration/{stage.name}.yaml": self._stage(stage) for stage in self.stages}
        if self.role is None:
            texts["operator.yaml"] = service_role(self.application, self._needs(), self.operator_parameters())
        templates = {f"release/{path}": body for path, body in self.templates.released().items()}
        return {name: text.encode() for name, text in texts.items()} | templates

    def operator_parameters(self) -> dict[str, dict[str, str]]:
        """Return the parameters of the operator's template: what Belay's stack has is a default."""
        needs = self._needs()
        names = ["ServiceRolePolicyArn", *(["ArtifactBucketName"] if needs.files else [])]
        found = {name: {"Type": "String"} | _default(self.outputs.get(name)) for name in names}
        for grant in needs.grants:
            if grant.parameter:
                found[grant.parameter] = self._declared(grant.parameter)
        return found

    def stack_name(self, stage: FirstStage, stack: str) -> str:
        """Return the name in CloudFormation of a stack of a stage; an existing one keeps its own in the last stage."""
        if self.templates.stack is not None and stage == self.stages[-1]:
            return self.templates.stack
        alone = len(self.templates.roots) == 1
        return "-".join([self.application, stage.name, *([] if alone else [stack])])

    def open_parameters(self, root: str) -> list[str]:
        """Return the parameters of a template that need a value, which is no secret and not known."""
        document = self.templates.document(root)
        known = secret_parameters(document) | self.values.keys() | self._given | self._lookups(root).keys()
        return [name for name, has_default in parameters(document).items() if not has_default and name not in known]

    def left(self) -> list[str]:
        """Say what is left to a person."""
        role = (
            f"{self.role} deploys the application: Belay's parameter ServiceRoleArns has to cover it, and it needs the "
            "policy in Belay's output ServiceRolePolicyArn"
        )
        every = [each for root in self.templates.roots for each in (*self._left_values(root), *self._left_in(root))]
        if self.role:
            return [role, *every]
        undecided = [each for each in self._outside() if isinstance(each, Undecided)]
        return [
            *every,
            *(f"{each.where}: {each.what}: allow the service role {each.action} on it" for each in undecided),
        ]

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
        looked_up = self._lookups(root)
        given = {name: value for name, value in self.values.items() if name in declared and name not in looked_up}
        known = {name: _quoted(value) for name, value in given.items()}
        secrets = [name for name in self._secrets(document) if name not in known]
        return {
            **known,
            **{name: each.registered(stage.name, self._table) for name, each in looked_up.items()},
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
                kind = kind_of(document.section("Parameters").entries[name])
                if kind.startswith("AWS::SSM::Parameter::Value") and not default.startswith("/aws/service/"):
                    found.add(self.values.get(name, default))
        return sorted(found)

    # -- what is left ----------------------------------------------------------------------------------------------

    def _left_values(self, root: str) -> Iterator[str]:
        of_operator = set() if self.role else self.operator_parameters().keys()
        for name in self.open_parameters(root):
            if name in of_operator:
                yield f"{name} has no default: give its value to operator.yaml, whose output belay register takes"
                continue
            yield (
                f"{name} has no default: write its value in place of ${{{name}}} in registration/, or pass "
                f"--value {name}=VALUE to belay register"
            )
        for name, lookup in self._lookups(root).items():
            yield from lookup.left(name, self._table)
        for name in self._secrets(self.templates.document(root)):
            names = ", ".join(self._secret(stage, name) for stage in self.stages)
            yield (
                f"{name} is a secret, so its value is not written: store it in Secrets Manager as {names}, or name "
                "another secret in registration/"
            )

    def _left_in(self, root: str) -> Iterator[str]:
        for path in self.templates.below(root):
            for logical_id, url in self.templates.elsewhere.get(path, {}).items():
                yield (
                    f"release/{FOLDER}/{path}: the template of {logical_id} is not among yours "
                    f"({url or 'its URL is not plain text'}): put it into release/, and name it as "
                    "docs/release-format.md says"
                )
            for kind, body in self._resources(path):
                yield from self._left_of(kind, body, f"release/{FOLDER}/{path}")

    def _left_of(self, kind: str, body: MappingNode, where: str) -> Iterator[str]:
        """Say what prevents a resource from being deployed as it is."""
        known = properties(body)
        makes_role = kind == f"{IAM}Role" or (kind in MAKE_ROLES and "Role" not in known)
        if makes_role and "PermissionsBoundary" not in known and self.role is None:
            yield (
                f"{where}:{body.line}: the role that this makes needs PermissionsBoundary: !ImportValue "
                "<Belay's stack>-ReleaseBoundaryArn, without which the service role may not create it"
            )
        made = in_iam(kind, known)
        if made and not made[1] and self.role is None:
            told = f"the name of this {made[0]} is only known after a deployment: allow the service role iam:* on it"
            yield f"{where}:{body.line}: {told}"
        code = known.get(_CODE.get(kind, ""))
        if isinstance(code, ScalarNode) and not code.text.startswith("s3://"):
            yield (
                f"{where}:{code.line}: {code.text} is a file on your machine: `belay release build --sam` makes a "
                "release from what `sam build` wrote"
            )

    # -- what the service role needs -------------------------------------------------------------------------------

    def _needs(self) -> Needs:
        every = [(kind, properties(body)) for path in self.templates.files for kind, body in self._resources(path)]
        kinds = {each for kind, known in every for each in (kind, *implied(kind, known))}
        names = {self.stack_name(stage, each) for stage in self.stages for each in self.templates.roots.values()}
        documents = [self.templates.document(path) for path in self.templates.files]
        return Needs(
            kinds,
            sorted(names),
            files=STACK in kinds or any(RELEASE_BUCKET in parameters(each) for each in documents),
            made={each for kind, known in every if (each := in_iam(kind, known))},
            grants=[each for each in self._outside() if isinstance(each, RoleGrant)],
        )

    def _outside(self) -> list[RoleGrant | Undecided]:
        secrets = [
            secret_named(self._secret(stage, name))
            for root in self.templates.roots
            for name in self._secrets(self.templates.document(root))
            for stage in self.stages
        ]
        return [*dict.fromkeys([*Outside(self.templates, self.values).found(), *secrets])]

    def _declared(self, name: str) -> dict[str, str]:
        """Declare a parameter as the templates do, without a default that is not an ARN."""
        for root in self.templates.roots:
            document = self.templates.document(root)
            node = document.section("Parameters").entries.get(name)
            if node is not None and (kind := kind_of(node)).startswith("AWS::SSM::Parameter::Value"):
                return {"Type": kind} | _default(parameter_defaults(document).get(name))
        return {"Type": "String"}

    def _lookups(self, root: str) -> Mapping[str, Lookup]:
        return lookups(self.templates.document(root))

    @property
    def _table(self) -> str | None:
        """The table that Belay may read, if it is the only one."""
        names = [each.rpartition(":table/")[2] for each in self.tables]
        return names[0] if len(names) == 1 and "*" not in names[0] else None

    # -- reading ---------------------------------------------------------------------------------------------------

    def _capabilities(self, root: str) -> list[str]:
        every = [each for path in self.templates.below(root) for each in self._resources(path)]
        of_iam = [body for kind, body in every if kind.startswith(IAM) or kind in MAKE_ROLES]
        named = any(_NAMING & properties(body).keys() for body in of_iam)
        found = ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"] if of_iam else []
        transformed = any(transforms(self.templates.document(path)) for path in self.templates.below(root))
        return [*found, "CAPABILITY_AUTO_EXPAND"] if transformed else found

    def _resources(self, path: str) -> Iterator[tuple[str, MappingNode]]:
        for body in self.templates.document(path).section("Resources").entries.values():
            if isinstance(body, MappingNode):
                yield kind_of(body), body


def _default(text: str | None) -> dict[str, str]:
    return {"Default": text} if text else {}


def _quoted(value: str) -> str:
    """Return a value as YAML's text, in which a dollar sign begins no name in braces."""
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")


def _plain(text: str) -> str:
    """Return a text as YAML's, in quotes where it needs them."""
    return text if re.fullmatch(r"[A-Za-z][\w./-]*", text) else json.dumps(text, ensure_ascii=False)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"

"""The accepted release: the upload and the registration at that moment, stored as one document."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from belay.documents import Document, read, written
from belay.errors import InvalidRegistration, InvalidRelease
from belay.masking import MASK, is_reference
from belay.release.archive import MANIFEST
from belay.release.document import Problems, join, load_document
from belay.release.manifest import Manifest, ManifestStack, examine_manifest, parse_manifest
from belay.release.names import stack_name_parameter
from belay.release.registration import (
    Application,
    Pointer,
    Stage,
    effective_parameters,
    parse_application,
    parse_stage,
    refused_read,
)
from belay.release.table_values import TableAttribute, parameter_path
from belay.template.root import root_scope
from belay.template.ssm_parameters import read_parameters
from belay.template.values import READ_LATER

Cipher = Callable[[str, Mapping[str, str]], str]
"""Encrypts or decrypts a value with an encryption context that says what it belongs to."""


@dataclass(frozen=True)
class AcceptedRelease:
    """A release's manifest and its application's registration, as they were when the release was accepted.

    ``declared`` maps each template of the release to the parameters it declares, each and whether it has a default.
    Manifest and registration are stored parsed, so that a later, stricter version of Belay still accepts them. An
    approval seals the texts, which are stored as they were read. The values of secret parameters are stored encrypted,
    in ``secrets`` by stage, stack and name; everywhere else they are masked. ``buckets`` are those of the release's
    files for stages elsewhere, by stage.
    """

    manifest_text: str
    application_text: str
    stage_texts: Mapping[str, str]
    declared: Mapping[str, Mapping[str, bool]]
    manifest: Manifest
    application: Application
    stages: Mapping[str, Stage]
    secrets: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    buckets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        manifest_text: str,
        application_text: str,
        stage_texts: Mapping[str, str],
        declared: Mapping[str, Mapping[str, bool]],
        *,
        manifest: Manifest | None = None,
    ) -> "AcceptedRelease":
        """Read the texts, and the manifest's unless it was read. Raises ``InvalidRelease`` or ``InvalidRegistration``.

        Pointers must have been followed.
        """
        application = parse_application(name, application_text)
        if isinstance(application, Pointer):
            raise InvalidRegistration([f"{name}: a pointer may not refer to another pointer"])
        stages = {}
        for stage_name, text in stage_texts.items():
            stage = parse_stage(application, stage_name, text)
            if isinstance(stage, Pointer):
                raise InvalidRegistration([f"{name}/{stage_name}: a pointer may not refer to another pointer"])
            stages[stage_name] = stage
        return cls(
            manifest_text,
            application_text,
            stage_texts,
            declared,
            manifest or parse_manifest(manifest_text.encode()),
            replace(application, defaults={}),
            stages,
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "AcceptedRelease":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, _in_waves(document), "release.json", _parsed)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    def with_secrets_encrypted(self, secret: Mapping[str, Collection[str]], encrypt: Cipher) -> "AcceptedRelease":
        """Return the release to be stored. ``secret`` names the secret parameters of each template.

        Dynamic references and table attributes are not secret: they only say where the value is. Parameters that a
        template does not declare are not deployed, so they are masked too: whether they are secret is unknown.
        """
        shown = {
            stack.name: self.declared[stack.template].keys() - secret[stack.template] for stack in self.manifest.stacks
        }
        secrets: dict[str, dict[str, dict[str, str]]] = {}
        for name, stage in self.stages.items():
            for stack in self.manifest.stacks:
                declared = self.declared[stack.template]
                for parameter, value in effective_parameters(stack, stage.stacks[stack.name], declared, "", "").items():
                    if parameter not in shown[stack.name] and not is_reference(value):
                        encrypted = encrypt(value, self._place(name, stack.name, parameter))
                        secrets.setdefault(name, {}).setdefault(stack.name, {})[parameter] = encrypted
        stacks = tuple(
            replace(each, parameters=_masked(each.parameters, shown[each.name])) for each in self.manifest.stacks
        )
        return replace(
            self,
            manifest_text=_masked_text(self.manifest_text, shown),
            application_text=_masked_text(self.application_text, shown),
            stage_texts={stage: _masked_text(text, shown) for stage, text in self.stage_texts.items()},
            manifest=replace(self.manifest, stacks=stacks),
            stages={name: _masked_stage(stage, shown) for name, stage in self.stages.items()},
            secrets=secrets,
        )

    def refuse_reading(self, files: Mapping[str, bytes], attempt: str, bucket: str, prefix: str) -> None:
        """Raise ``InvalidRelease`` if a stack, nested ones included, reads SSM parameters that a stage does not allow.

        What a stage's own pipeline deploys is read with the pipeline's permissions.
        """
        problems = Problems()
        for name, stage in self.stages.items():
            for stack in self.manifest.stacks if not stage.runs_pipeline else ():
                given = self.parameters(name, stack, attempt, bucket, prefix)
                for each in read_parameters(root_scope(files, stack.template, given, defaults_apply=True)):
                    refused = refused_read(stage, each.name, each.reason)
                    if refused is not None:
                        problems.add(each.where, refused)
        problems.raise_as(InvalidRelease)

    def refuse_secret_tables(self, secret: Mapping[str, Collection[str]]) -> None:
        """Raise ``InvalidRelease`` if a secret parameter's value is in a table; ``secret`` names them by template.

        It would be visible to every reader of the table, and in every document that says what is deployed.
        """
        problems = Problems()
        for name, stage in self.stages.items():
            for stack in self.manifest.stacks:
                for parameter in stage.stacks[stack.name].from_tables.keys() & secret[stack.template]:
                    problems.add(
                        parameter_path(name, stack.name, parameter),
                        f"{stack.template} declares it secret (NoEcho, or by its name), and a table's values are "
                        "shown: have the operator register a dynamic reference to Secrets Manager",
                    )
        problems.raise_as(InvalidRelease)

    def to_read(self, stage: str) -> dict[str, dict[str, TableAttribute]]:
        """Return what is still to be read from tables for a stage, by stack and parameter."""
        found = {}
        for stack in self.manifest.stacks:
            registered, declared = self.stages[stage].stacks[stack.name], self.declared[stack.template]
            wanted = effective_parameters(stack, registered, declared, "", "") if registered.from_tables else {}
            sources = {name: each for name, each in registered.from_tables.items() if wanted.get(name) == READ_LATER}
            if sources:
                found[stack.name] = sources
        return found

    def with_tables_read(self, stage: str, read: Mapping[str, Mapping[str, TableAttribute]]) -> "AcceptedRelease":
        """Return the release with what was read from tables for a stage, by stack and parameter."""
        registered = self.stages[stage]
        stacks = {
            name: replace(stack, from_tables={**stack.from_tables, **read.get(name, {})})
            for name, stack in registered.stacks.items()
        }
        return replace(self, stages={**self.stages, stage: replace(registered, stacks=stacks)})

    def secret_values(self, stage: str, stack: str, decrypt: Cipher) -> dict[str, str]:
        """Return the values of a stack's secret parameters, for CloudFormation alone."""
        return {
            name: decrypt(encrypted, self._place(stage, stack, name))
            for name, encrypted in self.secrets.get(stage, {}).get(stack, {}).items()
        }

    def _place(self, stage: str, stack: str, parameter: str) -> dict[str, str]:
        return {"application": self.application.name, "stage": stage, "stack": stack, "parameter": parameter}

    def stack_name(self, stage: str, stack: str, attempt: str) -> str:
        """Return the real name of a release's stack in a stage; in an ephemeral stage each attempt has its own."""
        return self.stages[stage].stack_name(stack, str(self.manifest.version), attempt)

    def files_of(self, stage: str, bucket: str, prefix: str) -> tuple[str, str]:
        """Return the bucket and the prefix of the release's files for a stage, given those in the artifact bucket."""
        place = self.stages[stage].place
        return (bucket, prefix) if place is None else (self.buckets[stage], place.key(prefix))

    def parameters(self, stage: str, stack: ManifestStack, attempt: str, bucket: str, prefix: str) -> dict[str, str]:
        """Return a stack's parameter values in a stage; ``READ_LATER`` for what has not been read from a table yet.

        In addition to the release's and the operator's, a template that declares them gets ``ReleaseBucket``,
        ``ReleasePrefix`` (where CloudFormation reads them for this stage; ``bucket`` and ``prefix`` are those of the
        artifact bucket), ``ReleaseVersion``, ``Stage``, and ``<Stack>StackName`` for every stack of the release.

        Raises ``InvalidRelease`` with every parameter without a value, and every undeclared one.
        """
        offered = {"Stage": stage, "ReleaseVersion": str(self.manifest.version)} | {
            stack_name_parameter(each.name): self.stack_name(stage, each.name, attempt) for each in self.manifest.stacks
        }
        declared = self.declared[stack.template]
        registered, where = self.stages[stage].stacks[stack.name], self.files_of(stage, bucket, prefix)
        given = effective_parameters(stack, registered, declared, *where)
        values = {name: value for name, value in offered.items() if name in declared} | given
        self._refuse_missing(stage, stack, values)
        return values

    def _refuse_missing(self, stage: str, stack: ManifestStack, values: Mapping[str, str]) -> None:
        problems = Problems()
        for name, has_default in self.declared[stack.template].items():
            if not has_default and name not in values:
                problems.add(
                    join(f"stacks.{stack.name}.parameters", name),
                    f"{stack.template} needs a value for it in stage {stage} and has no default; give one in "
                    f"{MANIFEST} or have the operator register one",
                )
        problems.raise_as(InvalidRelease)


def _masked(parameters: Mapping[str, str], shown: Collection[str]) -> dict[str, str]:
    return {name: value if name in shown or is_reference(value) else MASK for name, value in parameters.items()}


def _masked_stage(stage: Stage, shown: Mapping[str, Collection[str]]) -> Stage:
    stacks = {
        name: replace(stack, parameters=_masked(stack.parameters, shown.get(name, ())))
        for name, stack in stage.stacks.items()
    }
    return replace(stage, stacks=stacks)


def _masked_text(text: str, shown: Mapping[str, Collection[str]]) -> str:
    """Return a manifest's or a registration's text with its secret parameters masked; as it is if it has none."""
    document: Any = load_document(text)
    masked = False
    for stacks in (document.get("stacks"), document.get("defaults", {}).get("stacks")):
        named = stacks.items() if isinstance(stacks, dict) else [(each["name"], each) for each in stacks or ()]
        for stack, entry in named:
            for name, value in (entry.get("parameters") or {}).items():
                told = isinstance(value, dict) or (isinstance(value, str) and is_reference(value))
                if name not in shown.get(stack, ()) and not told:
                    entry["parameters"][name] = MASK
                    masked = True
    return json.dumps(document, default=lambda number: number.text) if masked else text


def _in_waves(document: Document) -> Document:
    """Return the document of a release that was accepted before there were waves, each stage as one of its own."""
    application = document.get("application")
    if not isinstance(application, Mapping) or "waves" in application or "stages" not in application:
        return document
    return {**document, "application": {**application, "waves": [[stage] for stage in application["stages"]]}}


def _parsed(document: Document) -> Document:
    """Parse the texts, which are all that Belay 0.1 stored; its manifests name no engine of database changes."""
    texts = ("application", "manifest_text", "application_text", "stage_texts", "declared")
    manifest, _ = examine_manifest(document["manifest_text"].encode(), None)
    return AcceptedRelease.of(*(document[name] for name in texts), manifest=manifest).to_dict()

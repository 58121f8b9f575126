"""The accepted release: the upload and the registration at that moment, stored as one document."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from belay.documents import Document, read, written
from belay.errors import InvalidRegistration, InvalidRelease
from belay.release.archive import MANIFEST
from belay.release.document import Problems, join
from belay.release.manifest import Manifest, ManifestStack, parse_manifest
from belay.release.registration import Application, Pointer, Stage, effective_parameters, parse_application, parse_stage


@dataclass(frozen=True)
class AcceptedRelease:
    """A release's manifest and its application's registration, as they were when the release was accepted.

    ``declared`` maps each template of the release to the parameters it declares, each with whether it has a default.
    Manifest and registration are stored parsed, so that a later, stricter version of Belay still accepts them. An
    approval seals the texts, which are stored as they were read.
    """

    manifest_text: str
    application_text: str
    stage_texts: Mapping[str, str]
    declared: Mapping[str, Mapping[str, bool]]
    manifest: Manifest
    application: Application
    stages: Mapping[str, Stage]

    @classmethod
    def of(
        cls,
        name: str,
        manifest_text: str,
        application_text: str,
        stage_texts: Mapping[str, str],
        declared: Mapping[str, Mapping[str, bool]],
    ) -> "AcceptedRelease":
        """Read the texts. Raises ``InvalidRelease`` or ``InvalidRegistration``; pointers must have been followed."""
        application = parse_application(name, application_text)
        if isinstance(application, Pointer):
            raise InvalidRegistration([f"{name}: a pointer may not point to another pointer"])
        stages = {}
        for stage_name, text in stage_texts.items():
            stage = parse_stage(application, stage_name, text)
            if isinstance(stage, Pointer):
                raise InvalidRegistration([f"{name}/{stage_name}: a pointer may not point to another pointer"])
            stages[stage_name] = stage
        return cls(
            manifest_text,
            application_text,
            stage_texts,
            declared,
            parse_manifest(manifest_text.encode()),
            replace(application, defaults={}),
            stages,
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "AcceptedRelease":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "release.json", _parsed)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    def stack_name(self, stage: str, stack: str, attempt: str) -> str:
        """Return the real name of a release's stack in a stage; in an ephemeral stage each attempt has its own."""
        return self.stages[stage].stack_name(stack, str(self.manifest.version), attempt)

    def parameters(self, stage: str, stack: ManifestStack, attempt: str, bucket: str, prefix: str) -> dict[str, str]:
        """Return a stack's parameter values in a stage.

        In addition to the release's and the operator's, a template that declares them gets ``ReleaseBucket``,
        ``ReleasePrefix``, ``ReleaseVersion``, ``Stage``, and ``<Stack>StackName`` for every stack of the release.

        Raises ``InvalidRelease`` with every parameter without a value, and every undeclared one.
        """
        offered = {"Stage": stage, "ReleaseVersion": str(self.manifest.version)} | {
            f"{_camel(each.name)}StackName": self.stack_name(stage, each.name, attempt) for each in self.manifest.stacks
        }
        declared = self.declared[stack.template]
        given = effective_parameters(stack, self.stages[stage].stacks[stack.name], declared, bucket, prefix)
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


def _parsed(document: Document) -> Document:
    """Parse the texts, which are all that Belay 0.1 stored."""
    texts = ("application", "manifest_text", "application_text", "stage_texts", "declared")
    return AcceptedRelease.of(*(document[name] for name in texts)).to_dict()


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))

"""Reads what ``sam build`` wrote as a stack of a release and its files.

Only the places of local files are replaced in a template's text; all else stays as it is written, since SAM and
CloudFormation read some YAML differently from others. The properties that may name local files:
https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

import yaml

from belay.errors import InvalidRelease
from belay.release.document import quote
from belay.release.manifest import INJECTED
from cli.assembly.cloud_assembly import BY_DIGEST, AssembledRelease, FileAsset, image_problem
from cli.assembly.rewriting import ASSETS
from cli.yaml_edits import Edit, edited, entries, replaced, with_parameters

TEMPLATE: Final = "template.yaml"
_BUCKET_AND_KEY: Final = {
    ("AWS::ApiGateway::RestApi", "BodyS3Location"): ("Bucket", "Key"),
    ("AWS::Lambda::Function", "Code"): ("S3Bucket", "S3Key"),
    ("AWS::Lambda::LayerVersion", "Content"): ("S3Bucket", "S3Key"),
    ("AWS::Serverless::Api", "DefinitionUri"): ("Bucket", "Key"),
    ("AWS::Serverless::Function", "CodeUri"): ("Bucket", "Key"),
    ("AWS::Serverless::HttpApi", "DefinitionUri"): ("Bucket", "Key"),
    ("AWS::Serverless::LayerVersion", "ContentUri"): ("Bucket", "Key"),
    ("AWS::Serverless::StateMachine", "DefinitionUri"): ("Bucket", "Key"),
    ("AWS::StepFunctions::StateMachine", "DefinitionS3Location"): ("Bucket", "Key"),
}
_APPLICATION: Final = "AWS::Serverless::Application"
_NESTED: Final = {(_APPLICATION, "Location"), ("AWS::CloudFormation::Stack", "TemplateURL")}
_TEXT: Final = "tag:yaml.org,2002:str"
_IMAGE: Final = ("AWS::Serverless::Function", "ImageUri")


@dataclass
class _Found:
    """What a template and those it nests name, by their paths in the release."""

    templates: dict[str, bytes] = field(default_factory=dict)
    assets: dict[str, FileAsset] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_builds(builds: Mapping[str, Path], images: Mapping[str, str]) -> AssembledRelease:
    """Read the output of ``sam build`` for each stack, by its registered name, in the order of deployment.

    ``images`` are the URIs with digests of functions that are images, by their logical ids. Raises ``InvalidRelease``
    with every problem found.
    """
    found, stacks = _Found(), []
    for name, directory in builds.items():
        before = len(found.templates)
        _Template(directory, name, images, found).read(TEMPLATE)
        nests = len(found.templates) > before + 1
        # SAM makes roles; transforms in nested templates need to be allowed
        # (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html).
        capabilities = ["CAPABILITY_IAM", *(["CAPABILITY_AUTO_EXPAND"] if nests else [])]
        stacks.append({"name": name, "template": f"{name}/{TEMPLATE}", "capabilities": capabilities})
    if found.problems:
        raise InvalidRelease(found.problems)
    return AssembledRelease(tuple(stacks), found.templates, found.assets)


class _Template:
    def __init__(self, directory: Path, stack: str, images: Mapping[str, str], found: _Found) -> None:
        self._directory = directory
        self._stack = stack
        self._images = images
        self._found = found
        # What is not built, such as a state machine's definition, stays in the project and is named from there.
        built = directory.resolve()
        self._project = built.parents[1] if built.parent.name == ".aws-sam" else built

    def read(self, path: str) -> bool:
        """Rewrite a template of the build, and those it nests; return whether it refers to files of the release."""
        source = self._directory / path
        try:
            text = source.read_text(encoding="utf-8")
            root = yaml.compose(text, yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
            raise InvalidRelease([f"{source}: expected a template that `sam build` wrote: {error}"]) from error
        parent, edits = PurePosixPath(path).parent, list[Edit]()
        for name, kind, resource in _resources(root):
            for key, value in entries(entries(resource).get("Properties")).items():
                what = (str(kind.value), key)
                if not isinstance(value, yaml.ScalarNode) or value.tag != _TEXT:
                    continue
                if what in _NESTED and "://" not in value.value:
                    edits += self._nested((parent / value.value).as_posix(), kind, resource, value)
                elif (moved := self._moved(parent, name, what, value.value)) is not None:
                    edits.append(replaced(value, moved))
        uses = any("ReleaseBucket" in each.text for each in edits)
        if uses and isinstance(root, yaml.MappingNode):
            edits += with_parameters(root, dict.fromkeys(INJECTED, "{Type: String}"))
        self._found.templates[f"{self._stack}/{path}"] = edited(text, edits).encode()
        return uses

    def _nested(self, path: str, kind: yaml.Node, resource: yaml.Node, value: yaml.Node) -> Iterator[Edit]:
        """Nest a file of the release. An application becomes a nested stack, since SAM would copy its template."""
        uses = self.read(path)
        url = f'!Sub "https://s3.amazonaws.com/${{ReleaseBucket}}/${{ReleasePrefix}}/{self._stack}/{path}"'
        properties = entries(resource)["Properties"]
        if uses and isinstance(properties, yaml.MappingNode):
            yield from with_parameters(properties, {name: f"!Ref {name}" for name in INJECTED})
        yield replaced(kind, "AWS::CloudFormation::Stack")
        yield replaced(next(name for name, each in properties.value if each is value), "TemplateURL")
        yield replaced(value, url)

    def _moved(self, parent: PurePosixPath, name: str, what: tuple[str, str], value: str) -> str | None:
        """Return what stands in the place of a local path, or None if the property is none."""
        if what == _IMAGE:
            return self._image(name, value)
        if what not in _BUCKET_AND_KEY or "://" in value:
            return None
        source = (self._directory / parent / value).resolve()
        if not source.is_relative_to(self._project) or not source.exists():
            found = "found nothing there" if source.is_relative_to(self._project) else "found a path outside of it"
            self._found.problems.append(
                f"{self._stack}/{parent / TEMPLATE}: {name}.{what[1]}: expected a file or folder of {self._project}, "
                f"{found}: {quote(value)}"
            )
            return None
        key = (PurePosixPath(ASSETS) / self._stack / parent / name).as_posix()
        key += ".zip" if source.is_dir() else source.suffix
        self._found.assets[key] = FileAsset(source, zipped=source.is_dir())
        bucket, key_name = _BUCKET_AND_KEY[what]
        return f'{{{bucket}: !Ref ReleaseBucket, {key_name}: !Sub "${{ReleasePrefix}}/{key}"}}'

    def _image(self, name: str, value: str) -> str | None:
        uri = self._images.get(name, value)
        if BY_DIGEST.fullmatch(uri):
            return uri
        self._found.problems.append(image_problem(self._stack, name, f"found {quote(uri)}"))
        return None


def _resources(root: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    for name, resource in entries(entries(root).get("Resources")).items():
        kind = entries(resource).get("Type")
        if isinstance(kind, yaml.ScalarNode):
            yield name, kind, resource

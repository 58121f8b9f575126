"""Reads a CDK application's cloud assembly, the directory that ``cdk synth`` writes, as a release's stacks and files.

The assembly's format: https://docs.aws.amazon.com/cdk/v2/guide/configure-synth.html and the package
``@aws-cdk/cloud-assembly-schema``. Everything in it is the release author's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final

from belay.errors import InvalidRelease
from belay.release.document import quote
from belay.release.names import NAME, NAME_RULE, stack_name_parameter
from cli.assembly.rewriting import ASSETS, Locations, substituted, with_parameters

MANIFEST: Final = "manifest.json"
CONTEXT: Final = "cdk.context.json"
"""What the CDK looked up, kept with the application and in the release."""
_STACK: Final = "aws:cloudformation:stack"
_ASSETS: Final = "cdk:asset-manifest"
_NESTED_ASSEMBLY: Final = "cdk:cloud-assembly"
_NESTED_STACK: Final = "AWS::CloudFormation::Stack"
_ANY_ENVIRONMENT: Final = "aws://unknown-account/unknown-region"
_BOOTSTRAP: Final = "/cdk-bootstrap/"
_BOOTSTRAP_RULE: Final = "CheckBootstrapVersion"
_REGISTRY: Final = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
BY_DIGEST: Final = re.compile(r"[a-z0-9.-]+(?::[0-9]+)?/[a-z0-9._/-]+@sha256:[0-9a-f]{64}")
_IAM_NAMES: Final = ("GroupName", "InstanceProfileName", "ManagedPolicyName", "RoleName", "UserName")


@dataclass(frozen=True)
class FileAsset:
    """A file of the release: a file of the assembly, or a directory of it that becomes a zip."""

    source: Path
    zipped: bool


@dataclass(frozen=True)
class AssembledRelease:
    """What an assembly gives a release: entries of ``release.yaml``'s ``stacks``, in order, and files by their paths.

    ``templates`` are the rewritten templates, ``assets`` what they refer to.
    """

    stacks: tuple[Mapping[str, Any], ...]
    templates: Mapping[str, bytes]
    assets: Mapping[str, FileAsset]


@dataclass
class _Assets:
    """All asset manifests of an assembly together. An asset's key is its path below ``assets/``."""

    buckets: set[str] = field(default_factory=set)
    files: dict[str, FileAsset] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)


def read_assembly(directory: Path, images: Mapping[str, str], project: Path | None = None) -> AssembledRelease:
    """Read the assembly in a directory; ``images`` are the URIs with digests of its images, by asset or display name.

    ``project`` is the application's folder, if the assembly does not lie in it. Raises ``InvalidRelease`` with every
    problem found.
    """
    try:
        return _Assembly(directory, images, directory.parent if project is None else project).read()
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidRelease(
            [f"{directory}: not as a cloud assembly is written ({error!r}); synthesise it again"]
        ) from error


class _Assembly:
    def __init__(self, directory: Path, images: Mapping[str, str], project: Path) -> None:
        self._directory = directory
        self._project = project
        self._given = images
        self._problems: list[str] = []
        self._assets = _Assets()

    def read(self) -> AssembledRelease:
        artifacts = self._artifacts()
        for artifact in artifacts.values():
            if artifact.get("type") == _ASSETS:
                self._read_assets(str(artifact.get("properties", {}).get("file", "")))
        stacks = {name: each for name, each in artifacts.items() if each.get("type") == _STACK}
        self._refuse(artifacts, stacks)
        order = list(_ordered(stacks))
        templates = self._templates(order, stacks)
        entries = [self._entry(name, stacks, templates) for name in order]
        if self._problems:
            raise InvalidRelease(self._problems)
        # A stack's own template is an asset too, for the CDK's own deployment.
        own = {stacks[name]["properties"]["templateFile"] for name in order}
        assets = {
            f"{ASSETS}/{key}": asset
            for key, asset in self._assets.files.items()
            if asset.source.name not in own and f"{ASSETS}/{key}" not in templates
        }
        if (context := self._project / CONTEXT).is_file():
            assets[CONTEXT] = FileAsset(context, zipped=False)
        written = {path: json.dumps(template, indent=1).encode() for path, template in templates.items()}
        return AssembledRelease(tuple(entries), written, assets)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _json(self, name: str) -> dict[str, Any]:
        """Read a document in the assembly's directory."""
        path = self._inside(name)
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidRelease([f"{path}: expected a JSON document of a cloud assembly: {error}"]) from error
        if not isinstance(document, dict):
            raise InvalidRelease([f"{path}: expected a JSON object, found {type(document).__name__}"])
        return document

    def _inside(self, name: str) -> Path:
        path = self._directory / name
        if not path.resolve().is_relative_to(self._directory.resolve()) or path.is_symlink():
            raise InvalidRelease([f"{self._directory / MANIFEST}: {quote(name)} is outside the assembly"])
        return path

    def _artifacts(self) -> dict[str, Any]:
        if not (self._directory / MANIFEST).is_file():
            expected = f"expected a cloud assembly, as `cdk synth` writes it, with {MANIFEST}"
            raise InvalidRelease([f"{self._directory}: {expected}; found none"])
        manifest = self._json(MANIFEST)
        missing = [str(each.get("key")) for each in manifest.get("missing") or []]
        if missing:
            self._problems.append(
                f"{MANIFEST}: the context {', '.join(missing)} was not looked up: run `cdk synth` with credentials "
                "once, and commit cdk.context.json"
            )
        artifacts = manifest.get("artifacts", {})
        return {name: each for name, each in artifacts.items() if isinstance(each, dict)}

    def _read_assets(self, name: str) -> None:
        document = self._json(name)
        for asset in document.get("files", {}).values():
            source, shown = asset.get("source", {}), str(asset.get("displayName", ""))
            if "path" not in source:
                self._problems.append(f"{name}: {shown}: expected a file or directory, found one that a command makes")
                continue
            path = self._inside(str(source["path"]))
            if not path.exists():
                self._problems.append(f"{name}: {shown}: {quote(str(source['path']))} is not in the assembly")
            for destination in asset.get("destinations", {}).values():
                self._assets.buckets.add(str(destination["bucketName"]))
                self._assets.files[str(destination["objectKey"])] = FileAsset(path, source.get("packaging") == "zip")
        for key, image in document.get("dockerImages", {}).items():
            self._read_image(name, key, image)

    def _read_image(self, name: str, key: str, image: Mapping[str, Any]) -> None:
        shown = str(image.get("displayName") or key)
        uri = self._given.get(key) or self._given.get(shown)
        if uri is None or not BY_DIGEST.fullmatch(uri):
            found = "found none" if uri is None else f"found {quote(uri)}"
            self._problems.append(image_problem(name, shown, found))
            return
        for destination in image.get("destinations", {}).values():
            self._assets.images[f"{_REGISTRY}/{destination['repositoryName']}:{destination['imageTag']}"] = uri

    # -- refusing --------------------------------------------------------------------------------------------------

    def _refuse(self, artifacts: Mapping[str, Any], stacks: Mapping[str, Any]) -> None:
        if not stacks:
            nested = [
                str(each.get("properties", {}).get("directoryName"))
                for each in artifacts.values()
                if each.get("type") == _NESTED_ASSEMBLY
            ]
            advice = f"; its stages are assemblies of their own: {', '.join(nested)}" if nested else ""
            self._problems.append(f"{self._directory}: expected at least one stack, found none{advice}")
        for name, stack in stacks.items():
            if (environment := stack.get("environment")) != _ANY_ENVIRONMENT:
                self._problems.append(
                    f"{name}: expected a stack for any environment, found {environment}: Belay's registration says "
                    "where a stage is; leave `env` out"
                )
            if not NAME.fullmatch(name):
                self._problems.append(f"{name}: expected {NAME_RULE}, by which the stack is registered")

    # -- templates -------------------------------------------------------------------------------------------------

    def _templates(self, order: list[str], stacks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the rewritten templates by their path in the release: the stacks' own, and those they nest."""
        exports = {_real_name(name, stacks[name]): stack_name_parameter(name) for name in order}
        locations = Locations(
            frozenset(self._assets.buckets), frozenset(self._assets.files), self._assets.images, exports
        )
        found: dict[str, dict[str, Any]] = {}
        for name in order:
            own = replace(locations, exports={**exports, _real_name(name, stacks[name]): "AWS::StackName"})
            path = str(stacks[name]["properties"]["templateFile"])
            found[path] = self._rewritten(self._json(path), own, found)
        return found

    def _rewritten(
        self, template: Mapping[str, Any], locations: Locations, found: dict[str, dict[str, Any]]
    ) -> dict[str, Any]:
        resources = {}
        for name, resource in template.get("Resources", {}).items():
            rewritten = locations.rewritten({key: each for key, each in resource.items() if key != "Metadata"})
            resources[name] = {**rewritten, **_metadata(resource)}
            if resource.get("Type") == _NESTED_STACK:
                resources[name] = self._nesting(resource, resources[name], locations, found)
        rest = {
            key: locations.rewritten(each) for key, each in template.items() if key not in ("Resources", "Metadata")
        }
        whole = _without_bootstrap({**_metadata(template), **rest, "Resources": resources})
        return with_parameters(_exporting(whole, locations), locations.exports.values())

    def _nesting(
        self,
        resource: Mapping[str, Any],
        rewritten: dict[str, Any],
        locations: Locations,
        found: dict[str, dict[str, Any]],
    ) -> dict[str, Any]:
        """Rewrite the template that a resource nests, and give it the parameters that it then declares."""
        url = substituted(resource.get("Properties", {}).get("TemplateURL")) or ""
        key = next((key for key in self._assets.files if url.endswith(f"/{key}")), None)
        if key is None:
            return rewritten  # the gate says what is wrong with a template elsewhere
        path = f"{ASSETS}/{key}"
        if path not in found:
            source = self._assets.files[key].source
            found[path] = self._rewritten(self._json(source.name), locations, found)
        before = self._json(self._assets.files[key].source.name).get("Parameters", {})
        given = {name: {"Ref": name} for name in found[path].get("Parameters", {}) if name not in before}
        properties = rewritten["Properties"]
        if given:
            properties = {**properties, "Parameters": {**properties.get("Parameters", {}), **given}}
        return {**rewritten, "Properties": properties}

    def _entry(
        self, name: str, stacks: Mapping[str, Any], templates: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        properties = stacks[name]["properties"]
        entry: dict[str, Any] = {"name": name, "template": properties["templateFile"]}
        if depends_on := [each for each in stacks[name].get("dependencies", []) if each in stacks]:
            entry["depends_on"] = depends_on
        if capabilities := _capabilities(templates[properties["templateFile"]], templates):
            entry["capabilities"] = capabilities
        if properties.get("parameters"):
            entry["parameters"] = properties["parameters"]
        return entry


def image_problem(where: str, name: str, found: str) -> str:
    """Say that an image has to be named by its digest."""
    return (
        f"{where}: the image {name}: expected --image {name}=REPOSITORY@sha256:DIGEST, {found}: a release holds no "
        "images; push it, and name it by its digest"
    )


def _metadata(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Metadata": value["Metadata"]} if "Metadata" in value else {}


def _real_name(name: str, stack: Mapping[str, Any]) -> str:
    return str(stack.get("properties", {}).get("stackName") or name)


def _ordered(stacks: Mapping[str, Any]) -> Iterator[str]:
    """Yield the stacks so that each comes after those it depends on. Raises ``InvalidRelease``."""
    needed = {
        name: [each for each in stack.get("dependencies", []) if each in stacks] for name, stack in stacks.items()
    }
    try:
        yield from TopologicalSorter(needed).static_order()
    except CycleError as error:
        raise InvalidRelease([f"{MANIFEST}: the stacks {', '.join(error.args[1])} depend on each other"]) from error


def _without_bootstrap(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template without the check of the bootstrap stack's version, which a release does not use."""
    parameters = {
        name: each
        for name, each in template.get("Parameters", {}).items()
        if not str(each.get("Default", "")).startswith(_BOOTSTRAP)
    }
    rules = {name: each for name, each in template.get("Rules", {}).items() if name != _BOOTSTRAP_RULE}
    rest = {key: each for key, each in template.items() if key not in ("Parameters", "Rules")}
    return {**rest, **({"Parameters": parameters} if parameters else {}), **({"Rules": rules} if rules else {})}


def _exporting(template: dict[str, Any], locations: Locations) -> dict[str, Any]:
    """Return a template whose exports are named after its stack in the stage: two stages may share an account."""
    outputs = {
        name: {**output, "Export": {"Name": locations.exported(output["Export"]["Name"])}}
        if isinstance(output.get("Export", {}).get("Name"), str)
        else output
        for name, output in template.get("Outputs", {}).items()
    }
    return {**template, **({"Outputs": outputs} if outputs else {})}


def _capabilities(template: Mapping[str, Any], templates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the capabilities that a template needs with those it nests.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
    """
    whole = [template, *(each for path, each in templates.items() if path.startswith(f"{ASSETS}/"))]
    nests = any(each.get("Type") == _NESTED_STACK for each in template["Resources"].values())
    judged = whole if nests else whole[:1]
    iam = [
        each
        for one in judged
        for each in one["Resources"].values()
        if str(each.get("Type", "")).startswith("AWS::IAM::")
    ]
    named = any(name in each.get("Properties", {}) for each in iam for name in _IAM_NAMES)
    macros = any("Transform" in one or '"Fn::Transform"' in json.dumps(one) for one in judged)
    return [
        *(["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"] if iam else []),
        *(["CAPABILITY_AUTO_EXPAND"] if macros else []),
    ]

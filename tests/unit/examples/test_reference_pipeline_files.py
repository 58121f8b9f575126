"""The contents of the reference pipeline's source beside the templates: buildspecs, scripts, an appspec, a release."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from reference_pipeline import FOLDER, STRATEGIES, stack

from cli.build import build_release

PHASE = {"run-as": str, "on-failure": str, "runtime-versions": dict, "commands": list, "finally": list}
BUILDSPEC: Mapping[str, Any] = {
    "version": float,
    "run-as": str,
    "env": {"shell": str, "variables": dict, "exported-variables": list},
    "phases": {"install": PHASE, "pre_build": PHASE, "build": PHASE, "post_build": PHASE},
    "artifacts": {"files": list, "base-directory": str, "exclude-paths": list, "secondary-artifacts": dict},
}
"""The keys of a buildspec that are used here or may be
(https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html)."""

BUILDSPECS = sorted((FOLDER / "buildspecs").glob("*.yaml"))
SHELLCHECK = Path(sys.prefix) / "bin" / "shellcheck"
SCRIPTS = sorted([*(FOLDER / "scripts").glob("*.sh"), *(FOLDER / "application").glob("*.sh")])


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def unknown(document: Any, known: Any, where: str) -> list[str]:
    """The places where a document has an unknown key or kind of value."""
    if not isinstance(known, Mapping):
        return [] if isinstance(document, known) else [where]
    return [
        place
        for key, value in document.items()
        for place in (unknown(value, known[key], f"{where}.{key}") if key in known else [f"{where}.{key}"])
    ]


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.stem)
def test_a_buildspec_has_only_documented_keys(path: Path) -> None:
    assert unknown(read(path), BUILDSPEC, path.stem) == []
    assert read(path)["version"] == 0.2
    assert {"version", "phases"} <= set(read(path))


def test_every_project_has_a_buildspec_and_every_buildspec_a_project() -> None:
    used = {
        each["Properties"]["Source"]["BuildSpec"]
        for strategy in STRATEGIES
        for each in stack("template.yaml", DeploymentStrategy=strategy, SigningKey="true").values()
        if each["Type"] == "AWS::CodeBuild::Project"
    }
    assert used == {str(path.relative_to(FOLDER)) for path in BUILDSPECS}


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.stem)
def test_a_buildspec_s_scripts_are_there(path: Path) -> None:
    named = set(re.findall(r"bash (scripts/\w+\.sh)", path.read_text()))
    assert named
    assert all((FOLDER / each).is_file() for each in named)


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.stem)
def test_a_project_gives_its_scripts_every_variable_they_read(path: Path) -> None:
    made = [stack("template.yaml", DeploymentStrategy=strategy, SigningKey="true") for strategy in STRATEGIES]
    project = next(
        each["Properties"]
        for resources in made
        for each in resources.values()
        if each["Type"] == "AWS::CodeBuild::Project"
        and each["Properties"]["Source"]["BuildSpec"] == str(path.relative_to(FOLDER))
    )
    # Set by the action, from what the pipeline knows only when it runs.
    by_action = {"ASSET_PREFIX", "CHANGE_SET_NAME"}
    given = {each["Name"] for each in project["Environment"]["EnvironmentVariables"]} | by_action
    named = re.findall(r"bash (scripts/\w+\.sh)", path.read_text())
    wanted = {
        name for each in named for name in re.findall(r"\$\{?([A-Z][A-Z_]+)\b(?!\.)", (FOLDER / each).read_text())
    }
    assert wanted
    assert wanted <= given


def test_the_review_exports_what_the_approval_shows() -> None:
    exported = set(read(FOLDER / "buildspecs/review.yaml")["env"]["exported-variables"])
    assert set(re.findall(r"#\{ChangeSet\.(\w+)\}", (FOLDER / "template.yaml").read_text())) == exported
    printed = set(re.findall(r"printf '(\w+)=%q", (FOLDER / "scripts/describe_change_set.sh").read_text()))
    assert printed == exported


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_bash_can_read_a_script_which_stops_at_the_first_failure(path: Path) -> None:
    checked = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert checked.stderr == ""
    assert checked.returncode == 0
    first, *_ = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert first == "set -euo pipefail"
    assert "set -x" not in path.read_text()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(path: Path) -> None:
    checked = subprocess.run([SHELLCHECK, path], capture_output=True, text=True, check=False)
    assert checked.stdout == ""


def test_images_are_named_by_digest() -> None:
    images = json.loads((FOLDER / "images.json").read_text())["images"]
    assert [each["name"] for each in images] == ["web"]
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each["digest"]) for each in images)


def test_the_appspec_s_files_are_there() -> None:
    appspec = read(FOLDER / "application/appspec.yml")
    assert appspec["os"] == "linux"
    hooks = [each["location"] for entries in appspec["hooks"].values() for each in entries]
    sources = [each["source"] for each in appspec["files"]]
    assert all((FOLDER / each).is_file() for each in [*hooks, *sources])


def test_the_source_is_a_release_as_well(tmp_path: Path) -> None:
    built = build_release(FOLDER, tmp_path / "source.zip")
    assert (built.application, built.version, built.left_out) == ("hello", "1.0.0", ())


def test_crane_is_pinned_by_version_and_checksum() -> None:
    text = (FOLDER / "scripts/install_crane.sh").read_text()
    assert re.search(r"^version=v\d+\.\d+\.\d+$", text, re.MULTILINE)
    assert re.search(r"^checksum=[0-9a-f]{64}$", text, re.MULTILINE)
    assert "sha256sum --check" in text

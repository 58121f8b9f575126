"""What CodeBuild makes of an application: a release whose code and origin are traceable."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from reference_pipeline import made

from cli.build import build_release, read_back

EXAMPLE = Path("examples/code_build")
COMMIT = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
BUILD = "arn:aws:codebuild:eu-west-1:111122223333:build/orders-release:6a7e"
BUILT = {
    "CODEBUILD_SOURCE_REPO_URL": "https://github.com/acme/orders.git",
    "CODEBUILD_RESOLVED_SOURCE_VERSION": COMMIT,
    "CODEBUILD_WEBHOOK_TRIGGER": "tag/v1.2.0",
    "CODEBUILD_BUILD_ARN": BUILD,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The repository after pip has put the locked package into ``vendor``."""
    source = Path(shutil.copytree(EXAMPLE, tmp_path / "source"))
    shutil.copytree(source / "package" / "acme_money", source / "application" / "vendor" / "acme_money")
    return source


def released(source: Path, version: str = "1.2.0") -> subprocess.CompletedProcess[str]:
    """Run the script as the build does."""
    return subprocess.run(
        [sys.executable, "release.py", version],
        cwd=source,
        env={**os.environ, **BUILT},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_makes_a_release_that_belay_takes(source: Path, tmp_path: Path) -> None:
    assert released(source).returncode == 0
    built = build_release(source / "build" / "release", tmp_path / "release.zip")

    manifest = read_back(built.path)
    assert (manifest.application, str(manifest.version)) == ("orders", "1.2.0")
    assert set(manifest.digests) == {"code.zip", "provenance.json", "template.yaml"}


def test_the_code_has_its_dependencies_beside_it(source: Path) -> None:
    released(source)

    with zipfile.ZipFile(source / "build" / "release" / "code.zip") as code:
        assert code.namelist() == ["handler.py", "acme_money/__init__.py"]


def test_the_same_source_gives_the_same_code(source: Path) -> None:
    digests = []
    for _ in range(2):
        released(source)
        digests.append(hashlib.sha256((source / "build" / "release" / "code.zip").read_bytes()).hexdigest())

    assert digests[0] == digests[1]


def test_its_provenance_names_the_code_the_commit_the_build_and_what_is_locked(source: Path) -> None:
    released(source)
    statement = json.loads((source / "build" / "release" / "provenance.json").read_text())
    code = (source / "build" / "release" / "code.zip").read_bytes()
    definition = statement["predicate"]["buildDefinition"]
    names = [each["uri"] for each in definition["resolvedDependencies"]]

    assert statement["subject"] == [{"name": "code.zip", "digest": {"sha256": hashlib.sha256(code).hexdigest()}}]
    assert names == ["git+https://github.com/acme/orders.git", "pkg:pypi/acme-money@1.0.0", "pkg:npm/is-number@7.0.0"]
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": COMMIT}
    assert len(definition["resolvedDependencies"][2]["digest"]["sha512"]) == 128
    assert statement["predicate"]["runDetails"]["metadata"] == {"invocationId": BUILD}


@pytest.mark.parametrize("version", ["", "main", "1.2", "1.2.0; rm -rf /"])
def test_what_is_no_version_is_refused(source: Path, version: str) -> None:
    ended = released(source, version)

    assert ended.returncode == 1
    assert "expected a tag such as v1.2.0" in ended.stderr
    assert not (source / "build").exists()


def buildspec(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((EXAMPLE / name).read_text())
    return read


@pytest.mark.parametrize("name", ["buildspec.yaml", "package/buildspec.yaml"])
def test_nothing_is_published_after_a_build_that_failed(name: str) -> None:
    phases = buildspec(name)["phases"]

    assert all(phase["on-failure"] == "ABORT" for phase in phases.values())
    assert phases["post_build"]["commands"][0] == 'test "$CODEBUILD_BUILD_SUCCEEDING" = 1'


def test_only_locked_packages_are_installed_into_the_release() -> None:
    commands = "\n".join(buildspec("buildspec.yaml")["phases"]["pre_build"]["commands"])

    assert "--require-hashes" in commands
    assert "npm ci --ignore-scripts" in commands
    assert "npm install" not in commands


def test_the_cache_is_another_one_when_a_lock_file_changes() -> None:
    key = buildspec("buildspec.yaml")["cache"]["key"]

    for file in ("requirements.txt", "test-requirements.txt", "package-lock.json"):
        assert f" application/{file}" in key


@pytest.mark.parametrize("name", ["buildspec.yaml", "package/buildspec.yaml"])
def test_whatever_a_build_installs_comes_from_the_domain_and_is_locked(name: str) -> None:
    commands = [each for phase in buildspec(name)["phases"].values() for each in phase.get("commands", ())]
    login = next(place for place, each in enumerate(commands) if "codeartifact login --tool pip" in each)
    installs = {place: each for place, each in enumerate(commands) if "pip install" in each}

    assert min(installs) > login
    # Belay is named by a commit.
    unlocked = [each for each in installs.values() if "--require-hashes" not in each]
    assert unlocked == (['python -m pip install --quiet "$BELAY"'] if name == "buildspec.yaml" else [])
    assert all("--no-isolation" in each for each in commands if "-m build" in each)


@pytest.mark.parametrize(
    "lock", ["application/requirements.txt", "application/test-requirements.txt", "package/requirements.txt"]
)
def test_a_lock_file_has_a_hash_for_every_package(lock: str) -> None:
    stated = (EXAMPLE / lock).read_text().replace("\\\n", " ").splitlines()

    packages = [each for each in stated if each.strip() and not each.lstrip().startswith("#")]
    assert packages
    assert all("==" in each and "--hash=sha256:" in each for each in packages)


def test_no_public_package_replaces_a_private_one() -> None:
    group = made(EXAMPLE / "template.yaml", {"ReleaseBucketName": "releases"})["OwnPackages"]["Properties"]
    restrictions = group["OriginConfiguration"]["Restrictions"]

    assert group["Pattern"] == "/pypi//acme~"
    assert restrictions["ExternalUpstream"] == {"RestrictionMode": "BLOCK"}
    assert restrictions["Publish"] == {"RestrictionMode": "ALLOW"}


@pytest.mark.parametrize("role", ["ReleaseRole", "PublishRole"])
def test_the_connection_reads_the_application_s_repository_alone(role: str) -> None:
    given = {"ReleaseBucketName": "releases", "ConnectionArn": "arn:aws:codeconnections:eu-west-1:1:connection/github"}
    (policy,) = made(EXAMPLE / "template.yaml", given)[role]["Properties"]["Policies"]
    (use,) = (
        each for each in policy["PolicyDocument"]["Statement"] if each["Action"] == "codeconnections:UseConnection"
    )

    assert use["Condition"] == {
        "StringEqualsIfExists": {"codeconnections:FullRepositoryId": "acme/orders"},
        "StringNotEqualsIfExists": {"codeconnections:ProviderAction": "GitPush"},
    }

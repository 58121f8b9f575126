"""A CDK application is run like the CDK's own command line does, and its output becomes a release."""

import json
import shlex
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.build import command

EXAMPLE = Path(__file__).parents[3] / "examples" / "orders-cdk"
APPLICATION = """\
import json, os, shutil, sys
from pathlib import Path
print("synthesising")
names = ("CDK_OUTDIR", "CDK_CONTEXT_JSON", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION", "MINE")
told = {{name: os.environ[name] for name in names if name in os.environ}}
Path("told.json").write_text(json.dumps({{**told, "built": Path("built").exists()}}))
assert os.listdir(os.environ["CDK_OUTDIR"]) == []
shutil.copytree({assembly!r}, os.environ["CDK_OUTDIR"], dirs_exist_ok=True)
sys.exit({code})
"""
PYTHON = shlex.quote(sys.executable)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an application that writes the example's assembly, and of a release without stacks."""
    project = tmp_path / "project"
    (project / "release").mkdir(parents=True)
    (project / "release" / "release.yaml").write_text("application: orders\nversion: 1.0.0\n")
    application(project)
    settings(project, app=f"{PYTHON} app.py")
    monkeypatch.chdir(project)
    return project


def application(project: Path, code: int = 0) -> None:
    (project / "app.py").write_text(APPLICATION.format(assembly=str(EXAMPLE / "cdk.out"), code=code))


def settings(project: Path, **given: Any) -> None:
    (project / "cdk.json").write_text(json.dumps(given))


def built(app: str) -> Result:
    return CliRunner().invoke(command, ["release", "--app", app], standalone_mode=False)


def told(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / "told.json").read_text())
    return found


@pytest.mark.parametrize("app", ["cdk.json", f"{PYTHON} app.py"])
def test_the_release_is_that_of_the_same_assembly(project: Path, app: str) -> None:
    result = built(app)

    assert result.return_value == 0, result.output
    assert result.output.splitlines()[0] == "release  orders 1.0.0"
    ran = Path("orders-1.0.0.zip").read_bytes()
    CliRunner().invoke(command, ["release", "--cdk-out", str(EXAMPLE / "cdk.out")])
    assert Path("orders-1.0.0.zip").read_bytes() == ran


def test_an_application_elsewhere_is_run_in_its_own_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)

    result = CliRunner().invoke(command, ["project/release", "--app", "project/cdk.json"], standalone_mode=False)

    assert result.return_value == 0, result.output
    assert told(project)["CDK_OUTDIR"] != str(project / "cdk.out")


def test_it_gets_the_context_and_no_environment_for_its_stacks(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111122223333")
    monkeypatch.setenv("CDK_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("MINE", "kept")
    settings(project, app=[PYTHON, "app.py"], context={"a": 1, "both": "cdk.json"}, versionReporting=False)
    (project / "cdk.context.json").write_text(json.dumps({"vpc": {"id": "vpc-1"}, "both": "cdk.context.json"}))

    assert built("cdk.json").return_value == 0
    assert told(project).keys() == {"CDK_OUTDIR", "CDK_CONTEXT_JSON", "MINE", "built"}
    assert json.loads(told(project)["CDK_CONTEXT_JSON"]) == {
        "a": 1,
        "both": "cdk.json",
        "vpc": {"id": "vpc-1"},
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:enable-asset-metadata": True,
        "aws:cdk:disable-version-reporting": True,
        "aws:cdk:bundling-stacks": ["**"],
    }


def test_what_was_looked_up_is_kept_in_the_release(project: Path) -> None:
    (project / "cdk.context.json").write_text('{"vpc": "vpc-1"}')

    built("cdk.json")

    with zipfile.ZipFile("orders-1.0.0.zip") as archive:
        assert archive.read("cdk.context.json") == b'{"vpc": "vpc-1"}'


def test_what_has_to_be_built_first_is_built(project: Path) -> None:
    settings(project, app=f"{PYTHON} app.py", build="touch built")

    built("cdk.json")

    assert told(project)["built"] is True


@pytest.mark.parametrize(
    ("given", "app", "problem"),
    [
        ({}, "cdk.json", "cdk.json: expected the application's command as `app`, found none"),
        ({}, "release", "'release' is a folder: for an assembly that is already written, use --cdk-out"),
        ({"app": "release"}, "cdk.json", "'release' is a folder"),
        ({"app": "exit 7"}, "cdk.json", "'exit 7' ended with 7: expected it to write an assembly"),
        ({"app": "true"}, "cdk.json", "expected a cloud assembly, as `cdk synth` writes it, with manifest.json"),
        ({"app": "true", "build": "false"}, "cdk.json", "'false' ended with 1"),
    ],
)
def test_what_writes_no_assembly_is_refused(project: Path, given: dict[str, Any], app: str, problem: str) -> None:
    settings(project, **given)

    result = built(app)

    assert result.return_value == 1
    assert problem in result.output.replace('"', "'")
    assert not Path("orders-1.0.0.zip").exists()


@pytest.mark.parametrize(("text", "problem"), [("{", "expected JSON"), ("[]", "expected a JSON object, found list")])
def test_settings_that_are_none_are_refused(project: Path, text: str, problem: str) -> None:
    (project / "cdk.json").write_text(text)

    result = built(f"{PYTHON} app.py")

    assert (result.return_value, problem in result.output) == (1, True)


def test_an_assembly_of_an_application_that_failed_is_not_taken(project: Path) -> None:
    application(project, code=3)

    assert "ended with 3" in built("cdk.json").output
    assert not Path("orders-1.0.0.zip").exists()

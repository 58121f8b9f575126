"""``belay validate --rules``, with cfn-guard's real binding where this Python has one."""

import importlib.util
import json
import sys
import tomllib
from pathlib import Path

import pytest

from belay.errors import UnreadableTemplate
from cli import rules
from cli.__main__ import main

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "guard"
TEMPLATE = FIXTURES / "template.yaml"
VERSIONED = "guard:S3_BUCKET_VERSIONED"

bound = pytest.mark.skipif(
    importlib.util.find_spec("cfn_guard_rs") is None,
    reason="cfn-guard-rs is not installed: it has no wheels past Python 3.12",
)


def validate(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = main(["validate", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@bound
def test_rules_are_in_the_report_beside_the_policies(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = validate(capsys, TEMPLATE, "--rules", FIXTURES, "--format", "json")
    report = json.loads(out)
    assert status == 1
    policies = report["summary"][str(TEMPLATE)]["policies"]
    assert (policies[VERSIONED], policies["guard:RDS_ENCRYPTED"], policies["ssh-open"]) == ("FAIL", "PASS", "PASS")
    found = {(each["resource"], each["verdict"]) for each in report["findings"] if each["policy"] == VERSIONED}
    assert found == {("Logs", "FAIL"), ("Other", "FAIL"), ("Later", "REVIEW")}


@bound
@pytest.mark.parametrize("shape", ["text", "sarif", "junit"])
def test_every_format_has_them(capsys: pytest.CaptureFixture[str], shape: str) -> None:
    status, out, _ = validate(capsys, TEMPLATE, "--rules", FIXTURES / "rules.guard", "--format", shape)
    assert status == 1
    assert VERSIONED in out
    if shape == "sarif":
        (run,) = json.loads(out)["runs"]
        assert VERSIONED in {rule["id"] for rule in run["tool"]["driver"]["rules"]}


@bound
def test_the_registration_waives_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names = (VERSIONED, "guard:S3_BUCKET_TAGGED")
    waivers = [
        {"policy": name, "resource": "*", "reason": "known", "owner": "ops", "expires": "2099-01-01"} for name in names
    ]
    application = tmp_path / "application.json"
    application.write_text(json.dumps({"policies": {"waivers": waivers}}))
    assert validate(capsys, TEMPLATE, "--rules", FIXTURES, "--application", application)[0] == 0


@bound
def test_nested_templates_are_held_against_them_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "child.yaml").write_bytes(TEMPLATE.read_bytes())
    parent = tmp_path / "parent.yaml"
    child = "{Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml}}"
    parent.write_text(f"Resources: {{Child: {child}}}\n")
    _, out, _ = validate(capsys, parent, "--rules", FIXTURES, "--format", "json")
    assert {each["path"] for each in json.loads(out)["findings"] if each["policy"] == VERSIONED} == {
        str(tmp_path / "child.yaml")
    }


@bound
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule A {", "Parser Error"),
        ("rule A { %nothing exists }", "nothing"),
        ("# no rule\n", "expected at least one rule"),
    ],
)
def test_rules_that_are_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, told: str) -> None:
    wrong = tmp_path / "wrong.guard"
    wrong.write_text(text)
    status, out, err = validate(capsys, TEMPLATE, "--rules", wrong)
    assert (status, out) == (3, "")
    assert err.startswith(f"belay validate: {wrong}: ")
    assert told in err


def test_no_rules_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert validate(capsys, TEMPLATE, "--rules", tmp_path)[0] == 3
    assert validate(capsys, TEMPLATE, "--rules", tmp_path / "missing.guard")[0] == 3
    with pytest.raises(UnreadableTemplate, match="found none"):
        rules.read_rules(str(tmp_path))


def test_without_the_binding_it_says_how_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "packs.guard.check_rules.comparison", raising=False)
    monkeypatch.setitem(sys.modules, "cfn_guard_rs.cfn_guard_rs", None)
    monkeypatch.setattr(rules.sys, "version_info", (3, 12, 1))
    status, out, err = validate(capsys, TEMPLATE, "--rules", FIXTURES)
    assert (status, out) == (3, "")
    assert f"-m pip install --require-hashes -r {rules.REQUIREMENTS}" in err
    assert (ROOT / rules.REQUIREMENTS).is_file()
    monkeypatch.setattr(rules.sys, "version_info", (3, 14, 0))
    status, _, err = validate(capsys, TEMPLATE, "--rules", FIXTURES)
    assert status == 3
    assert "no wheels for Python versions above 3.12; this is 3.14" in err


def test_one_version_of_the_binding_everywhere() -> None:
    (wanted,) = [line for line in (ROOT / "packs/guard/requirements.in").read_text().splitlines() if line[0] != "#"]
    (extra,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["rules"]
    assert extra.replace("'", '"') == wanted
    version = wanted.partition(";")[0]
    assert version in (ROOT / rules.REQUIREMENTS).read_text()
    assert version in (ROOT / "requirements" / "dev.txt").read_text()

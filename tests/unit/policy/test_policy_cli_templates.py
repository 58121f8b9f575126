"""``belay validate`` with cloudformation-validate: what cannot be deployed, and ``--rules``."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from belay.errors import UnreadableTemplate
from cli import template_checks
from cli.__main__ import main

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "guard"
TEMPLATE = FIXTURES / "template.yaml"
VERSIONED = "guard:S3_BUCKET_VERSIONED"
MISTAKEN = """Parameters:
  Size: {Type: String}
Resources:
  Queue: {Type: AWS::SQS::Queu}
  Code:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Roel.Arn
      Code: {ZipFile: x}
      Runtime: python3.13
      Handler: x.y
      MemorySize: !Ref Size
"""


def validate(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = main(["validate", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_what_cannot_be_deployed_is_a_violation_with_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text(MISTAKEN)
    status, out, _ = validate(capsys, tmp_path / "t.yaml", "--format", "json")
    found = {(each["policy"], each["resource"], each["line"]) for each in json.loads(out)["findings"]}
    assert status == 1
    assert {("template:F3006", "Queue", 4), ("template:F1020", "Code", 5)} <= found


def test_parameters_that_are_known_are_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    right = MISTAKEN.replace("Queu}", "Queue}").replace("!GetAtt Roel.Arn", '"arn:aws:iam::123456789012:role/r"')
    (tmp_path / "t.yaml").write_text(right)
    (tmp_path / "p.json").write_text('{"Size": "12"}')
    assert validate(capsys, tmp_path / "t.yaml")[0] == 0
    _, out, _ = validate(capsys, tmp_path / "t.yaml", "--parameters", tmp_path / "p.json", "--format", "json")
    assert [(each["policy"], each["property"]) for each in json.loads(out)["findings"] if each["blocking"]] == [
        ("template:F3034", "Properties.MemorySize")
    ]


@pytest.mark.parametrize("told", ["--parameters", "--application"])
def test_a_type_that_the_region_does_not_have_is_advice(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, told: str
) -> None:
    (tmp_path / "t.yaml").write_text("Resources: {Service: {Type: AWS::AppRunner::Service, Properties: {Surce: x}}}")
    for region in ("eu-west-1", "eu-south-2"):
        stage = {"service_role": "arn:aws:iam::123456789012:role/deployer", "stacks": {}, "region": region}
        (tmp_path / "p.json").write_text(json.dumps({"AWS::Region": region} if told == "--parameters" else stage))
        _, out, _ = validate(capsys, tmp_path / "t.yaml", told, tmp_path / "p.json", "--format", "json")
        found = {each["policy"]: each for each in json.loads(out)["findings"]}
        assert found["template:F3002"]["blocking"], "what is wrong in every region is found in each"
        assert ("template:F3006" in found) is (region == "eu-south-2")
    assert "'AWS::AppRunner::Service' does not exist in 'eu-south-2'" in found["template:F3006"]["message"]
    assert not found["template:F3006"]["blocking"], "the lists of types have gaps"


def test_a_template_too_large_to_check_at_once_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text(MISTAKEN + f"# {'x' * template_checks.LARGEST}\n")
    status, _, err = validate(capsys, large)
    assert (status, err) == (0, f"belay validate: too large to check here for what cannot be deployed: {large}\n")
    assert validate(capsys, large, "--rules", FIXTURES)[0] == 1


def test_without_the_validator_the_command_says_what_it_did_not_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "packs.check_templates.validator", raising=False)
    monkeypatch.setitem(sys.modules, "cloudformation_validate", None)
    status, out, err = validate(capsys, TEMPLATE)
    assert status == 0
    assert out.startswith("PASS: 1 file")
    assert "templates are not checked for what cannot be deployed" in err
    assert f"-m pip install --require-hashes -r {template_checks.REQUIREMENTS}" in err
    assert (ROOT / template_checks.REQUIREMENTS).is_file()

    status, out, _ = validate(capsys, TEMPLATE, "--rules", FIXTURES)
    assert (status, out) == (3, "")


def test_the_extra_is_the_version_of_the_function() -> None:
    (extra,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["templates"]
    name, _, version = extra.partition(">=")
    assert f"{name}=={version}." in (ROOT / template_checks.REQUIREMENTS).read_text()


def test_rules_are_in_the_report_beside_the_policies(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = validate(capsys, TEMPLATE, "--rules", FIXTURES, "--format", "json")
    report = json.loads(out)
    assert status == 1
    policies = report["summary"][str(TEMPLATE)]["policies"]
    assert (policies[VERSIONED], policies["guard:RDS_ENCRYPTED"], policies["ssh-open"]) == ("FAIL", "PASS", "PASS")
    found = {(each["resource"], each["verdict"]) for each in report["findings"] if each["policy"] == VERSIONED}
    assert found == {("Logs", "FAIL"), ("Other", "FAIL"), ("Later", "REVIEW")}


@pytest.mark.parametrize("shape", ["text", "sarif", "junit"])
def test_every_format_has_them(capsys: pytest.CaptureFixture[str], shape: str) -> None:
    status, out, _ = validate(capsys, TEMPLATE, "--rules", FIXTURES / "rules.guard", "--format", shape)
    assert status == 1
    assert VERSIONED in out
    if shape == "sarif":
        (run,) = json.loads(out)["runs"]
        assert VERSIONED in {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_the_registration_waives_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names = (VERSIONED, "guard:S3_BUCKET_TAGGED")
    waivers = [
        {"policy": name, "resource": "*", "reason": "known", "owner": "ops", "expires": "2099-01-01"} for name in names
    ]
    application = tmp_path / "application.json"
    application.write_text(json.dumps({"policies": {"waivers": waivers}}))
    assert validate(capsys, TEMPLATE, "--rules", FIXTURES, "--application", application)[0] == 0


def test_nested_templates_are_held_against_them_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "child.yaml").write_bytes(TEMPLATE.read_bytes())
    parent = tmp_path / "parent.yaml"
    child = "{Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml}}"
    parent.write_text(f"Resources: {{Child: {child}}}\n")
    _, out, _ = validate(capsys, parent, "--rules", FIXTURES, "--format", "json")
    assert {each["path"] for each in json.loads(out)["findings"] if each["policy"] == VERSIONED} == {
        str(tmp_path / "child.yaml")
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule A {", "Parser Error"),
        ("rule A { %nothing exists }", "Could not resolve variable by name nothing"),
        ("# no rule\n", "expected at least one rule"),
    ],
)
def test_rules_that_are_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, told: str) -> None:
    wrong = tmp_path / "wrong.guard"
    wrong.write_text(text)
    status, out, err = validate(capsys, TEMPLATE, "--rules", wrong)
    assert (status, out) == (3, "")
    assert str(wrong) in err
    assert told in err


def test_no_rules_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert validate(capsys, TEMPLATE, "--rules", tmp_path)[0] == 3
    assert validate(capsys, TEMPLATE, "--rules", tmp_path / "missing.guard")[0] == 3
    with pytest.raises(UnreadableTemplate, match="found none"):
        template_checks.read_rules(str(tmp_path))

"""``belay validate`` and ``belay policies``: input, output, exit status."""

import json
import re
import tomllib
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest
import yaml

from belay.policy.from_live import live_groups
from belay.policy.rules.security_group import ssh_open
from belay.policy.settings import PolicySettings
from belay.sql.changes import Engine
from cli.__main__ import main
from cli.commands import COMMANDS
from cli.policies import page
from cli.targets import EXTENSIONS
from cli.validate import ENGINES

ROOT = Path(__file__).parents[3]
GROUP = """Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: d
      SecurityGroupIngress:
        - {{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: {source}}}
"""
PARAMETERS = "AWSTemplateFormatVersion: '2010-09-09'\nParameters: {Source: {Type: String}}\n"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return tmp_path / "t.yaml"


def validate(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    status = main(["validate", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_a_template_of_modules_alone_is_one_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "module.yaml").write_text("Resources: {Group: {Type: My::Network::Group::MODULE}}")
    assert validate(capsys, tmp_path)[0] == 2


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (GROUP.format(source="10.0.0.0/8"), 0),
        (GROUP.format(source="0.0.0.0/0"), 1),
        (PARAMETERS + GROUP.format(source="!Ref Source"), 2),
        ("Resources: [", 3),
        ("no template", 3),
    ],
)
@pytest.mark.parametrize("shape", ["text", "json", "sarif", "junit"])
def test_exit_status(capsys: pytest.CaptureFixture[str], template: Path, text: str, status: int, shape: str) -> None:
    template.write_text(text)
    assert validate(capsys, template, "--format", shape)[0] == status


def test_what_is_not_there_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out = validate(capsys, tmp_path / "missing.yaml")
    assert status == 3
    assert "No such file" in out
    assert main(["validate"]) == 3
    assert main([]) == 2
    assert main(["--help"]) == 0


def test_a_folder_without_a_template_is_not_passed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("some: [other, document]")
    status, out = validate(capsys, tmp_path)
    assert status == 3
    assert f"{tmp_path}: expected a template in it" in out
    assert "REVIEW: 0 files" in out
    assert read_json(capsys, tmp_path)["verdict"] == "REVIEW"


def test_text_says_where_what_and_how_to_fix_it(capsys: pytest.CaptureFixture[str], template: Path) -> None:
    template.write_text(GROUP.format(source="0.0.0.0/0"))
    _, out = validate(capsys, template)
    assert f"{template}:7:63 FAIL ssh-open [critical]" in out
    assert "Fix: " in out
    assert "rule-description" not in out
    assert "FAIL: 1 file, " in out
    _, out = validate(capsys, template, "--advice")
    assert "rule-description" in out


def test_one_reason_is_told_once_for_all_policies(capsys: pytest.CaptureFixture[str], template: Path) -> None:
    template.write_text(PARAMETERS + "Transform: Macro\nResources: {}\n")
    _, out = validate(capsys, template)
    assert out.count("may rewrite the template") == 1
    assert "ssh-open" in out


def read_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    _, out = validate(capsys, *arguments, "--format", "json")
    report: dict[str, Any] = json.loads(out)
    jsonschema.validate(report, json.loads((ROOT / "docs" / "validate.schema.json").read_text()))
    return report


def test_json_is_as_its_schema_says(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "open.yaml").write_text(GROUP.format(source="0.0.0.0/0"))
    (tmp_path / "closed.yaml").write_text(GROUP.format(source="10.0.0.0/8"))
    (tmp_path / "broken.yaml").write_text("AWSTemplateFormatVersion: [")
    (tmp_path / "other.yaml").write_text("some: [other, document]")
    report = read_json(capsys, tmp_path)
    summary = report["summary"]
    assert {path: file["policies"]["ssh-open"] for path, file in summary.items()} == {
        str(tmp_path / "closed.yaml"): "PASS",
        str(tmp_path / "open.yaml"): "FAIL",
    }
    assert [error["path"] for error in report["errors"]] == [str(tmp_path / "broken.yaml")]
    assert report["verdict"] == "FAIL"


def test_sarif(capsys: pytest.CaptureFixture[str], template: Path) -> None:
    template.write_text(PARAMETERS + GROUP.format(source="!Ref Source"))
    _, out = validate(capsys, template, "--format", "sarif")
    (run,) = json.loads(out)["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    results = {result["ruleId"]: result for result in run["results"]}
    assert set(results) <= rules
    assert results["ssh-open"]["kind"] == "review"
    assert results["ssh-open"]["level"] == "none"
    assert results["ssh-open"]["locations"][0]["physicalLocation"]["region"] == {"startLine": 9, "startColumn": 63}
    assert results["rule-description"]["level"] == "note"


def test_junit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "open.yaml").write_text(GROUP.format(source="0.0.0.0/0"))
    (tmp_path / "broken.yaml").write_text("AWSTemplateFormatVersion: [")
    _, out = validate(capsys, tmp_path, "--format", "junit")
    suites = ET.fromstring(out)
    outcomes = {case.get("name"): [child.tag for child in case] for case in suites.iter("testcase")}
    assert outcomes["ssh-open"] == ["failure"]
    assert outcomes["rdp-open"] == []
    assert outcomes["rule-description"] == ["skipped"]
    assert outcomes["read"] == ["error"]


@pytest.mark.parametrize(
    "document",
    [
        {"Source": "10.0.0.0/8"},
        {"Parameters": {"Source": "10.0.0.0/8"}},
        [{"ParameterKey": "Source", "ParameterValue": "10.0.0.0/8"}],
    ],
)
def test_parameters_decide(capsys: pytest.CaptureFixture[str], tmp_path: Path, template: Path, document: Any) -> None:
    template.write_text(PARAMETERS + GROUP.format(source="!Ref Source"))
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps(document))
    assert validate(capsys, template, "--parameters", file)[0] == 0


@pytest.mark.parametrize("text", ["{", "3", '[{"Key": 1}]'])
def test_parameters_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, template: Path, text: str
) -> None:
    template.write_text(GROUP.format(source="10.0.0.0/8"))
    (tmp_path / "parameters.json").write_text(text)
    assert validate(capsys, template, "--parameters", tmp_path / "parameters.json")[0] == 3


def test_the_registration_decides(capsys: pytest.CaptureFixture[str], tmp_path: Path, template: Path) -> None:
    template.write_text(GROUP.format(source="10.0.0.0/8"))
    application = tmp_path / "application.yaml"
    application.write_text("stages: [production]\ndefaults: {trusted_networks: [10.1.0.0/16]}\n")
    assert validate(capsys, template, "--application", application)[0] == 1
    stage = tmp_path / "stage.yaml"
    stage.write_text("trusted_networks: [10.0.0.0/8]\n")
    assert validate(capsys, template, "--application", application, "--application", stage)[0] == 0
    stage.write_text("policies: {allowed_ports: [x]}\n")
    assert validate(capsys, template, "--application", stage)[0] == 3
    stage.write_text("- a list\n")
    assert validate(capsys, template, "--application", stage)[0] == 3


def test_nested_templates_are_checked_where_they_are_nested_and_by_themselves(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    child = "Parameters: {Source: {Type: String}}\n" + GROUP.format(source="!Ref Source")
    (tmp_path / "child.yaml").write_text(child)
    parent = "{TemplateURL: child.yaml, Parameters: {Source: 10.0.0.0/8}}"
    (tmp_path / "parent.yaml").write_text(
        f"Resources: {{Child: {{Type: AWS::CloudFormation::Stack, Properties: {parent}}}}}"
    )
    assert validate(capsys, tmp_path)[0] == 2
    assert validate(capsys, tmp_path / "parent.yaml")[0] == 0
    assert validate(capsys, tmp_path / "child.yaml")[0] == 2


def test_releases_are_checked_with_what_their_manifest_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    release = tmp_path / "release"
    release.mkdir()
    (release / "t.yaml").write_text(PARAMETERS + GROUP.format(source="!Ref Source"))
    (release / "release.yaml").write_text(
        "application: orders\nversion: 1.0.0\nstacks:\n"
        "  - {name: network, template: t.yaml, parameters: {Source: 0.0.0.0/0}}\n"
    )
    archive = tmp_path / "release.zip"
    assert main(["release", "build", str(release), "--output", str(archive)]) == 0
    capsys.readouterr()
    assert validate(capsys, archive)[0] == 1
    stage = tmp_path / "stage.yaml"
    stage.write_text("stacks: {network: {name: n, parameters: {Source: 10.0.0.0/8}}}\n")
    assert validate(capsys, archive, "--application", stage)[0] == 0
    stage.write_text("stacks: {network: {name: n, parameters: {Source: 10.0.0.0/8}, parameter_precedence: release}}\n")
    assert validate(capsys, archive, "--application", stage)[0] == 1


def test_a_zip_that_is_no_release(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("t.yaml", PARAMETERS + GROUP.format(source="0.0.0.0/0"))
    assert validate(capsys, archive)[0] == 1
    archive.write_bytes(archive.read_bytes()[:-10])
    assert validate(capsys, archive)[0] == 3


def test_saved_groups(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-1"}]}
    answer = tmp_path / "groups.json"
    answer.write_text(json.dumps({"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [source]}]}))
    lists = tmp_path / "lists.json"
    lists.write_text(json.dumps({"pl-1": ["0.0.0.0/0"]}))
    assert validate(capsys, "--live", answer)[0] == 2
    assert validate(capsys, "--live", answer, "--prefix-lists", lists)[0] == 1


OPEN_RULE = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
OPEN_GROUP = {"GroupId": "sg-1", "IpPermissions": [OPEN_RULE], "IpPermissionsEgress": []}


def lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: lower(each) for name, each in value.items()}
    return [lower(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"SecurityGroups": [OPEN_GROUP]}, 1),
        ({"SecurityGroups": [OPEN_GROUP], "ResponseMetadata": {"RetryAttempts": 0}}, 1),
        ({"SecurityGroups": [OPEN_GROUP], "NextToken": None}, 1),
        ({"SecurityGroups": []}, 0),
        ({}, 3),
        ([OPEN_GROUP], 3),
        (OPEN_GROUP, 3),
        ({"SecurityGroups": "none"}, 3),
        ({"SecurityGroups": [OPEN_GROUP], "NextToken": "more"}, 3),
        ({"SecurityGroups": [], "SecurityGroupRules": []}, 3),
        ({"SecurityGroupRules": [{"GroupId": "sg-1", "IpProtocol": "tcp", "CidrIpv4": "0.0.0.0/0"}]}, 3),
        (lower({"SecurityGroups": [OPEN_GROUP]}), 3),
        ({"SecurityGroups": [lower(OPEN_GROUP)]}, 3),
        ({"SecurityGroups": [{**OPEN_GROUP, "IpPermissions": [lower(OPEN_RULE)]}]}, 3),
        ({"SecurityGroups": [{**OPEN_GROUP, "IpPermissions": [{**OPEN_RULE, "IpRanges": [{"cidrIp": "::/0"}]}]}]}, 3),
        ({"SecurityGroups": [{**OPEN_GROUP, "IpPermissions": [{**OPEN_RULE, "IpRanges": None}]}]}, 3),
        ({"SecurityGroups": [{**OPEN_GROUP, "IpPermissions": [{"IpRanges": []}]}]}, 3),
        ({"SecurityGroups": [{**OPEN_GROUP, "IpPermissions": "none"}]}, 3),
        ({"SecurityGroups": [{"GroupId": "sg-1"}]}, 3),
        ({"SecurityGroups": [{"IpPermissions": []}]}, 3),
    ],
)
def test_only_the_whole_answer_about_groups_is_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, answer: Any, status: int
) -> None:
    (tmp_path / "groups.json").write_text(json.dumps(answer))
    assert validate(capsys, "--live", tmp_path / "groups.json")[0] == status


def test_a_name_that_is_there_twice_is_not_taken(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = json.dumps({"SecurityGroups": [OPEN_GROUP]})
    (tmp_path / "groups.json").write_text(text[:-1] + ', "SecurityGroups": []}')
    assert validate(capsys, "--live", tmp_path / "groups.json")[0] == 3


def test_a_folder_names_every_file_that_it_passes_over(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = GROUP.format(source="0.0.0.0/0")
    escaped = json.dumps(yaml.safe_load(text)).replace("AWS::", "\\u0041WS\\u003a\\u003a")
    (tmp_path / "upper.YAML").write_text(text)
    (tmp_path / "utf16.yml").write_bytes(text.encode("utf-16"))
    (tmp_path / "escaped.json").write_text(escaped)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "named.TEMPLATE").write_text(text)
    (tmp_path / "values.yaml").write_text("some: [other, document]")
    (tmp_path / "noted.txt").write_text(text)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "t.yaml").write_text(text)
    (tmp_path / "linked").symlink_to(tmp_path / ".hidden")
    status = main(["validate", str(tmp_path), "--format", "json"])
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    failed = {Path(path).name for path, file in report["summary"].items() if file["policies"]["ssh-open"] == "FAIL"}
    assert (status, failed) == (1, {"upper.YAML", "utf16.yml", "escaped.json", "named.TEMPLATE"})
    passed_over = shown.err.partition("skipped, because they are not templates: ")[2].strip().split(", ")
    assert sorted(Path(name).name for name in passed_over) == [".hidden", "linked", "noted.txt", "values.yaml"]


LOOKUP = """Parameters:
  Version: {Type: Number, Default: 1, MinValue: 1}
Resources:
  Network:
    Type: Custom::TableLookup
    Properties: {ServiceToken: "arn:aws:lambda:eu-west-1:123456789012:function:look-up", Version: !Ref Version}
"""


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ({}, 2),
        ({"Version": 7}, 2),
        ({"Version": 7, "Network.Office": "10.0.0.0/16"}, 0),
        ({"Version": 7, "Network.Office": "0.0.0.0/0"}, 1),
        ({"Nothing.Office": "10.0.0.0/16"}, 3),
    ],
)
def test_what_a_custom_resource_finds_decides_where_it_is_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, template: Path, known: dict[str, Any], status: int
) -> None:
    template.write_text(LOOKUP + GROUP.format(source="!GetAtt Network.Office").removeprefix("Resources:\n"))
    (tmp_path / "parameters.json").write_text(json.dumps(known))
    assert validate(capsys, template, "--parameters", tmp_path / "parameters.json")[0] == status


PARENT = """Parameters: {Where: {Type: String}}
Resources:
  Middle: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: middle.yaml}}
  Elsewhere: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: !Ref Where}}
"""
MIDDLE = "Resources: {Inner: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: inner.yaml}}}\n"


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ({}, 2),
        ({"Middle/Inner/Network.Office": "10.0.0.0/16"}, 0),
        ({"Middle/Inner/Network.Office": "0.0.0.0/0"}, 1),
        ({"Network.Office": "10.0.0.0/16"}, 3),
        ({"Middle/Network.Office": "10.0.0.0/16"}, 3),
        ({"Middle/Inner/Nothing.Office": "10.0.0.0/16"}, 3),
        ({"Middle/Inner/Network/Deeper.Office": "10.0.0.0/16"}, 3),
        ({"Elsewhere/Network.Office": "10.0.0.0/16"}, 3),
    ],
)
def test_what_a_custom_resource_of_a_nested_stack_finds_decides_where_it_is_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, known: dict[str, Any], status: int
) -> None:
    lookup = LOOKUP + GROUP.format(source="!GetAtt Network.Office").removeprefix("Resources:\n")
    parent = PARENT.replace("  Elsewhere", "  # Elsewhere") if status != 3 else PARENT
    for name, text in {"parent": parent, "middle": MIDDLE, "inner": lookup}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "parameters.json").write_text(json.dumps(known))

    found, _ = validate(capsys, tmp_path / "parent.yaml", "--parameters", tmp_path / "parameters.json")

    assert found == status


@pytest.mark.parametrize(("given", "status"), [({}, 2), ({"Source": "10.0.0.0/8"}, 0)])
def test_what_a_table_has_decides_where_it_is_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: dict[str, str], status: int
) -> None:
    """A default is not a substitute for it."""
    release = tmp_path / "release"
    release.mkdir()
    declared = "Parameters: {Source: {Type: String, Default: 10.0.0.0/8}}\n"
    (release / "t.yaml").write_text(declared + GROUP.format(source="!Ref Source"))
    manifest = "application: a\nversion: 1.0.0\nstacks: [{name: network, template: t.yaml}]\n"
    (release / "release.yaml").write_text(manifest)
    assert main(["release", "build", str(release), "--output", str(tmp_path / "release.zip")]) == 0
    capsys.readouterr()
    (tmp_path / "stage.yaml").write_text(
        "stacks: {network: {name: n, parameters: {Source: {table: shared, key: {Owner: a}, attribute: Office}}}}\n"
    )
    (tmp_path / "parameters.json").write_text(json.dumps(given))
    arguments = (
        tmp_path / "release.zip",
        "--application",
        tmp_path / "stage.yaml",
        "--parameters",
        tmp_path / "parameters.json",
    )
    assert validate(capsys, *arguments)[0] == status


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"Source": "10.0.0.0/8"}, 0),
        ({"Source": "10.0.0.0/8", "AWS::Region": "eu-west-1"}, 0),
        ({"Sourec": "10.0.0.0/8"}, 3),
        ({"source": "10.0.0.0/8"}, 3),
        ({"Source": None}, 3),
        ({"Source": {"Fn::Sub": "10.0.0.0/8"}}, 3),
        ([{"ParameterKey": "Source", "ParameterValue": "10.0.0.0/8"}] * 2, 3),
        ([{"ParameterKey": "Source", "UsePreviousValue": True}], 3),
    ],
)
def test_parameters_that_no_template_declares_are_a_mistake(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, template: Path, document: Any, status: int
) -> None:
    template.write_text(PARAMETERS + GROUP.format(source="!Ref Source"))
    (tmp_path / "parameters.json").write_text(json.dumps(document))
    found = validate(capsys, template, "--parameters", tmp_path / "parameters.json")
    assert found[0] == status
    assert "Sourec" not in json.dumps(document) or "Sourec" in found[1]


@pytest.mark.parametrize("shape", ["text", "json", "sarif", "junit"])
def test_names_that_no_terminal_and_no_xml_can_show(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shape: str
) -> None:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": {"CidrIp": "\udc00\x1b[2K"}}}
    names = ["\ud800", "\x1b[1A\x00", "G\nPASS: 1 file, 0 violations"]
    (tmp_path / "t.json").write_text(json.dumps({"Resources": dict.fromkeys(names, group)}))
    status, out = validate(capsys, tmp_path / "t.json", "--format", shape)
    assert status == 1, "CloudFormation takes letters and digits only"
    assert "\x1b" not in out
    assert "\nPASS" not in out
    out.encode()
    if shape == "junit":
        ET.fromstring(out)


def test_the_page_of_policies_is_current() -> None:
    assert (ROOT / "docs" / "policies.md").read_text() == page(), "run: belay policies > docs/policies.md"


def test_the_policy_that_the_guide_shows_works() -> None:
    (shown,) = re.findall(r"   ```python\n(   POLICY = .*?)   ```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    shown = dedent(shown)
    assert shown.replace('    """Tell whether FTP is open."""\n', "") in page()
    policy = dict(vars(ssh_open))
    exec(shown, policy)
    rule = {"IpProtocol": "tcp", "FromPort": 20, "ToPort": 21, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    (group,) = live_groups([{"GroupId": "sg-1", "IpPermissions": [rule]}], {}, "live")
    (violation,) = policy["check"](group, PolicySettings())
    assert "TCP 21 (FTP)" in violation.detail
    assert policy["POLICY"].title != ssh_open.POLICY.title


def test_the_pre_commit_hook_calls_the_command_for_every_file_that_may_be_a_template() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *command = hook["entry"].split()
    assert program in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert tuple(command) in COMMANDS
    assert all(re.search(hook["files"], f"templates/network{extension}") for extension in EXTENSIONS)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("CREATE TABLE lines (id bigint PRIMARY KEY);", 0),
        ("DROP TABLE orders;", 1),
        ("DO $$ BEGIN EXECUTE 'DROP TABLE orders'; END $$;", 2),
        ("SELECT 'unbalanced;", 3),
    ],
)
@pytest.mark.parametrize("shape", ["text", "json", "sarif", "junit"])
def test_files_of_sql_have_the_same_statuses(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, status: int, shape: str
) -> None:
    (tmp_path / "change.sql").write_text(text)
    code, out = validate(capsys, "--engine", "postgresql", tmp_path / "change.sql", "--format", shape)
    assert code == status
    assert status == 0 or "change.sql" in out


def test_findings_in_sql_name_the_table_and_the_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "change.sql"
    path.write_text("SELECT 1;\n  CREATE INDEX CONCURRENTLY wide ON orders (a, b, c, d);")
    report = read_json(capsys, "--engine", "postgresql", path)
    (finding,) = [each for each in report["findings"] if each["policy"] == "index-columns"]
    assert (finding["path"], finding["line"], finding["column"]) == (str(path), 2, 3)
    assert (finding["resource"], finding["property"], finding["verdict"]) == ("orders", "wide", "FAIL")


def test_files_of_sql_in_an_order_come_one_after_the_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "V10__longer.sql").write_text("ALTER TABLE orders ALTER COLUMN code TYPE varchar(20);")
    (tmp_path / "V9__orders.sql").write_text("CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(10));")
    assert validate(capsys, "--engine", "postgresql", tmp_path)[0] == 0
    (tmp_path / "V10__longer.sql").rename(tmp_path / "longer.sql")
    assert validate(capsys, "--engine", "postgresql", tmp_path)[0] == 2
    (tmp_path / "empty").mkdir()
    assert validate(capsys, "--engine", "postgresql", tmp_path / "empty")[0] == 3
    assert validate(capsys, "--engine", "postgresql", tmp_path / "missing.sql")[0] == 3


def test_folders_say_an_order_too_and_what_takes_changes_back_is_passed_over(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for folder, text in (
        ("0009_orders", "CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(10));"),
        ("0010_longer", "ALTER TABLE orders ALTER COLUMN code TYPE varchar(20);"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "up.sql").write_text(text)
        (tmp_path / folder / "down.sql").write_text("DROP TABLE orders;")
    assert validate(capsys, "--engine", "postgresql", tmp_path)[0] == 0
    assert validate(capsys, "--engine", "postgresql", tmp_path / "0009_orders" / "down.sql")[0] == 1


def test_only_what_comes_after_the_applied_change_is_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    changes = tmp_path / "changes"
    changes.mkdir()
    (changes / "0001-orders.sql").write_text("CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(10));")
    (changes / "0002-gone.sql").write_text("DROP TABLE lines;")
    (changes / "0010-shorter.sql").write_text("ALTER TABLE orders ALTER COLUMN code TYPE varchar(5);")
    for _ in ("made", "kept"):
        report = read_json(capsys, "--engine", "postgresql", "--applied", "2", changes)
        assert list(report["summary"]) == [str(changes / "0010-shorter.sql")]
        assert {each["policy"] for each in report["findings"] if each["blocking"]} == {"type-change", "table-rewrite"}
    assert len(list((tmp_path / "cache" / "belay" / "models").glob("*.json"))) == 1
    assert validate(capsys, "--engine", "postgresql", "--applied", "3", changes)[0] == 3
    (changes / "more.sql").write_text("SELECT 1;")
    assert validate(capsys, "--engine", "postgresql", "--applied", "2", changes)[0] == 3


@pytest.mark.parametrize("built", [False, True])
def test_a_release_is_checked_with_its_database_changes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    release = tmp_path / "release"
    (release / "db").mkdir(parents=True)
    (release / "t.yaml").write_text(GROUP.format(source="10.0.0.0/8"))
    manifest = release / "release.yaml"
    stacks = "application: orders\nversion: 1.0.0\nstacks:\n  - {name: network, template: t.yaml}\n"
    manifest.write_text(stacks + "database: {changes: db, engine: postgresql}\n")
    (release / "db" / "0001-orders.sql").write_text("CREATE TABLE orders (id bigint PRIMARY KEY);")
    (release / "db" / "0002-index.sql").write_text("CREATE INDEX i ON orders (id, a, b, c);")
    path = release

    def found() -> set[str]:
        if built:
            assert main(["release", "build", str(release), "--output", str(tmp_path / "release.zip")]) == 0
            capsys.readouterr()
        report = read_json(capsys, tmp_path / "release.zip" if built else path)
        return {each["policy"] for each in report["findings"] if each["blocking"]}

    assert found() == {"index-columns"}
    manifest.write_text(stacks + "database: {changes: db, engine: postgresql, schema: {from: '1', to: '2'}}\n")
    assert found() == {"index-columns", "index-not-concurrent"}
    (release / "db" / "0002-index.sql").write_text("SELECT 'open")
    report = tmp_path / "release.zip" if built else path
    assert validate(capsys, report)[0] == (1 if built else 3)


def test_every_engine_may_be_named() -> None:
    assert tuple(Engine) == ENGINES


def test_changelogs_in_a_folder_are_judged_and_other_documents_are_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "one.XML").write_text(
        '<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">'
        '<changeSet id="1" author="a"><dropTable tableName="orders"/></changeSet></databaseChangeLog>'
    )
    (tmp_path / "other.json").write_text('{"some": "document"}')
    status = main(["validate", "--engine", "postgresql", str(tmp_path), "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert status == 1
    assert [each["policy"] for each in report["findings"] if each["blocking"]] == ["drop-table"]
    assert list(report["summary"]) == [str(tmp_path / "one.XML")]

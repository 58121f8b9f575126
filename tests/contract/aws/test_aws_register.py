"""``belay register``: what is checked, shown and stored."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_aws_command import Office

from belay.release.stack_claim import StackClaim
from cli import register
from cli.__main__ import main

Belay = Callable[..., tuple[int, str, str]]
NAME = "/belay/applications/shop"
ROLE = "arn:aws:iam::123456789012:role/belay/shop"
APPLICATION = "stages: [test, production]\ndefaults:\n  service_role: ${RoleArn}\n"
STAGE = "stacks:\n  web: {{name: shop-{stage}-web}}\n"


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    made = Office(simulated)
    made.s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"RoleArn": {"Value": ROLE}}}
    simulated("cloudformation").create_stack(StackName="shop-operator", TemplateBody=json.dumps(template))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "application.yaml").write_text(APPLICATION)
    for stage in ("test", "production"):
        (tmp_path / f"{stage}.yaml").write_text(STAGE.format(stage=stage))
    return tmp_path


@pytest.fixture
def belay(capsys: pytest.CaptureFixture[str]) -> Belay:
    def run(*words: str | Path) -> tuple[int, str, str]:
        status = main([*map(str, words)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def stored(office: Office) -> dict[str, str]:
    pages = office.ssm.get_parameters_by_path(Path=NAME, Recursive=True)["Parameters"]
    own = office.ssm.get_parameters(Names=[NAME])["Parameters"]
    return {each["Name"]: each["Value"] for each in (*own, *pages)}


def put(belay: Belay, folder: Path, *more: str) -> tuple[int, str, str]:
    return belay("register", "shop", folder, "--outputs-of", "shop-operator", *more)


def test_an_application_is_registered_filled_in_and_shown(office: Office, belay: Belay, folder: Path) -> None:
    status, out, err = put(belay, folder, "--yes")

    assert (status, err) == (0, "")
    assert "+  service_role: " + ROLE in out
    assert "shop: registered (3 documents)" in out
    assert stored(office).keys() == {NAME, f"{NAME}/test", f"{NAME}/production"}
    assert stored(office)[NAME] == APPLICATION.replace("${RoleArn}", ROLE)
    assert STAGE.format(stage="test").strip() in belay("register", "show", "shop")[1].replace("\n  ", "\n")


def test_what_belongs_to_another_account_is_not_registered(office: Office, belay: Belay, folder: Path) -> None:
    (folder / "application.yaml").write_text(APPLICATION.replace("${RoleArn}", ROLE.replace("123456789012", "1" * 12)))
    status, _, err = belay("register", "check", "shop", folder)
    assert (status, stored(office)) == (1, {})
    assert "stage test: service_role: expected one where Belay is" in err


def test_an_example_is_registered_as_its_page_says(
    office: Office, belay: Belay, simulated: Callable[[str], Any]
) -> None:
    page = Path("examples/table_parameters/README.md").read_text()
    (line,) = re.findall(r"^    \./belay (register .*)", page, re.MULTILINE)
    function = "arn:aws:lambda:eu-west-1:123456789012:function:look-up"
    made = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"LookUpTableFunctionArn": {"Value": function}}}
    simulated("cloudformation").create_stack(StackName="orders-lookup", TemplateBody=json.dumps(made))

    status, out, err = belay(*line.split(), "--yes")

    assert (status, err) == (0, "")
    assert f"LookUpTableFunctionArn: {function}" in out
    assert "table: parameters-shared" in belay("register", "show", "orders")[1]


def test_what_does_not_differ_is_not_stored_again(office: Office, belay: Belay, folder: Path) -> None:
    put(belay, folder, "--yes")
    (folder / "test.yaml").write_text(STAGE.format(stage="test") + "alarms: [slow]\n")

    _, shown, _ = put(belay, folder, "--dry-run")
    versions = {each["Name"]: each["Version"] for each in office.ssm.describe_parameters()["Parameters"]}
    assert ("+alarms: [slow]" in shown, versions[f"{NAME}/test"]) == (True, 1)
    put(belay, folder, "--yes")

    versions = {each["Name"]: each["Version"] for each in office.ssm.describe_parameters()["Parameters"]}
    assert (versions[NAME], versions[f"{NAME}/test"], versions[f"{NAME}/production"]) == (1, 2, 1)
    assert put(belay, folder, "--yes")[1] == "shop: nothing differs from what is registered\n"


def test_one_stage_is_changed_by_its_file_alone(office: Office, belay: Belay, folder: Path) -> None:
    put(belay, folder, "--yes")
    (folder / "production.yaml").write_text(STAGE.format(stage="production") + "restore: never\n")

    assert belay("register", "shop", folder / "production.yaml", "--yes")[0] == 0
    assert "restore: never" in stored(office)[f"{NAME}/production"]


@pytest.mark.parametrize(
    "mistake",
    [
        ("test.yaml", "stacks: {}\nstage: x\n", "stage shop/test"),
        ("test.yaml", "stacks: {web: {name: w}}\npolicies: {blocking: always}\n", "policies.blocking"),
        ("staging.yaml", "stacks: {web: {name: w}}\n", "staging: not among the application's stages"),
        ("application.yaml", "stages: [test, production, dr]\n", "stage shop/dr: it is among the stages"),
        ("application.yaml", "stages: [test]\ndefaults: {service_role: '${Role}'}\n", "no value for 'Role'"),
        ("application.yaml", "stages: [test]\ntopic: 5$\n", "a dollar sign"),
    ],
)
def test_every_mistake_is_told_before_anything_is_stored(
    office: Office, belay: Belay, folder: Path, mistake: tuple[str, str, str]
) -> None:
    file, text, told = mistake
    (folder / file).write_text(text)
    for words in (("register",), ("register", "check")):
        status, _, err = belay(*words, "shop", folder, "--outputs-of", "shop-operator")
        assert status == 1
        assert told in err
    assert stored(office) == {}


def test_a_stack_of_another_stage_is_refused(office: Office, belay: Belay, folder: Path) -> None:
    claim = StackClaim("123456789012", "eu-west-1", "shop-production-web", "other", "production", "2026-01-01")
    office.ledger.stack_claims.claim(claim)
    other = {"stages": ["production"], "defaults": {"service_role": ROLE}}
    office.ssm.put_parameter(Name="/belay/applications/other", Value=json.dumps(other), Type="String")
    text = json.dumps({"stacks": {"web": {"name": "shop-production-web"}}})
    office.ssm.put_parameter(Name="/belay/applications/other/production", Value=text, Type="String")

    status, _, err = put(belay, folder, "--yes")

    assert status == 1
    assert "'shop-production-web' is registered for other/production" in err
    assert stored(office) == {}


def test_a_document_too_large_for_a_parameter_is_kept_as_a_version_of_an_object(
    office: Office, belay: Belay, folder: Path
) -> None:
    large = STAGE.format(stage="test") + "".join(f"# {number:060}\n" for number in range(100))
    assert len(large) > register.LARGEST_PARAMETER
    (folder / "test.yaml").write_text(large)

    assert put(belay, folder, "--yes")[0] == 0

    assert set(json.loads(stored(office)[f"{NAME}/test"])["s3"]) == {"bucket", "key", "version_id", "sha256"}
    status, out, err = put(belay, folder, "--yes")
    assert (status, out, err) == (0, "shop: nothing differs from what is registered\n", "")


def test_without_a_terminal_nothing_is_stored_unless_told_to(office: Office, belay: Belay, folder: Path) -> None:
    status, out, err = put(belay, folder)

    assert status == 1
    assert "3 documents differ; nothing was stored yet" in out
    assert "pass --yes" in err
    assert stored(office) == {}


def test_an_application_that_is_not_registered_is_told(office: Office, belay: Belay) -> None:
    assert belay("register", "show", "shop")[0] == 1

"""``belay spoke template``: the templates of ``accounts/`` with everything filled in."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from test_aws_command import Office

from cli.__main__ import main
from cli.spoke_template import TEMPLATES, filled_in

ACCOUNT = ["spoke", "template", "--account", "111111111111"]


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, which are as they are written."""


Loader.add_multi_constructor("!", lambda loader, tag, node: (tag, str(node.value)))


def load(text: str) -> dict[str, Any]:
    return dict(yaml.load(text, Loader=Loader))


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    return Office(simulated)


def defaults(text: str) -> dict[str, Any]:
    """The defaults of a template's parameters."""
    return {name: each.get("Default") for name, each in load(text)["Parameters"].items()}


def test_what_an_account_needs_has_the_values_of_this_belay(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ACCOUNT, "--application", "orders", "--application", "payments"]) == 0

    assert defaults(capsys.readouterr().out) == {
        "HubAccountId": "123456789012",
        "HubStackName": "belay",
        "Applications": "orders,payments",
        "ServiceRoleArns": "arn:aws:iam::111111111111:role/belay/*",
        "VerifyFunctionArns": "",
        "ExecutorArns": "",
        "PipelineArns": "",
        "ParameterTableArns": "",
        "OrganizationId": "",
    }


def test_what_a_region_needs_has_the_region_of_this_belay(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ACCOUNT, "--in-region", "eu-central-1", "--output", "json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert (printed["account"], printed["region"], printed["stack"]) == (
        *("111111111111", "eu-central-1"),
        "belay-spoke-region",
    )
    filled = {"HubAccountId": "123456789012", "HubRegion": "eu-west-1", "HubStackName": "belay"}
    assert defaults(printed["template"]) == {**filled, "ForwardPipelineEvents": "false"}


def test_service_roles_may_be_named(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    role = "arn:aws:iam::111111111111:role/deployment"

    assert main([*ACCOUNT, "--application", "orders", "--service-role", role]) == 0

    assert defaults(capsys.readouterr().out)["ServiceRoleArns"] == role


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*ACCOUNT], "expected --application NAME"),
        (["spoke", "template", "--account", "production", "--application", "orders"], "twelve digits"),
        ([*ACCOUNT, "--application", "Orders!"], "expected the name of an application"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(
    words: list[str], told: str, office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", [path.name for path in TEMPLATES.glob("*.yaml")])
def test_a_default_is_the_only_thing_that_changes(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    before = load(text)

    after = load(filled_in(text, {"HubStackName": 'a "name"'}))

    assert after["Parameters"].pop("HubStackName")["Default"] == 'a "name"'
    before["Parameters"].pop("HubStackName")
    assert after == before


def test_a_parameter_that_the_template_does_not_have_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="expected one parameter Unknown"):
        filled_in((TEMPLATES / "hub_region.yaml").read_text(), {"Unknown": "x"})

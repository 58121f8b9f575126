"""``belay spoke template``: the templates of ``accounts/`` with all values filled in."""

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from test_aws_command import Office
from test_aws_unfinished import ROLE, STAGE

from belay.release.registration import Application, Stage, parse_application, parse_stage
from cli.__main__ import main
from cli.spoke_template import TEMPLATES, account_command, filled_in, region_command

ACCOUNT = ["spoke", "template", "--account", "111111111111"]


class Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short forms, kept as written."""


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


EXECUTOR = "arn:aws:lambda:eu-central-1:111111111111:function:executor"
PIPELINE = "arn:aws:codepipeline:eu-central-1:111111111111:orders"


def test_what_stages_use_there_may_be_named(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    used = [
        "--executor",
        EXECUTOR,
        "--pipeline",
        PIPELINE,
        "--pipeline",
        f"{PIPELINE}/*",
        "--organization",
        "o-abcdefghij",
    ]

    assert main([*ACCOUNT, "--application", "orders", *used]) == 0

    found = defaults(capsys.readouterr().out)
    assert (found["ExecutorArns"], found["PipelineArns"]) == (EXECUTOR, f"{PIPELINE},{PIPELINE}/*")
    assert found["OrganizationId"] == "o-abcdefghij"


def test_the_command_that_deploys_it_gives_every_value(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*ACCOUNT, "--in-region", "eu-central-1", "--forward-pipeline-events"]
    assert main(words) == 0
    first, *rest = capsys.readouterr().out.splitlines()

    assert defaults("\n".join(rest))["ForwardPipelineEvents"] == "true"
    _, name, *given = shlex.split(first)
    assert name == "aws"
    values = given[given.index("--parameter-overrides") + 1 :]
    assert dict(each.split("=", 1) for each in values) == defaults("\n".join(rest)), "an update keeps what is not given"
    assert given[given.index("--region") + 1] == "eu-central-1"


def test_what_is_registered_there_is_asked_for_in_one_command(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    application = parse_application("orders", "stages: [eu, test, us]")
    assert isinstance(application, Application)
    here = f"{STAGE}\naccount: '111111111111'\nregion: eu-central-1\n".replace(
        ROLE, "arn:aws:iam::111111111111:role/belay/orders"
    )
    texts = {
        "test": STAGE,
        "eu": f"{here}verify: {{function: '{EXECUTOR}'}}\n",
        "us": f"{here.replace('eu-central-1', 'us-east-1')}pipeline: {{name: orders, deployment_stage: Deploy}}\n",
    }
    stages = [parse_stage(application, name, text) for name, text in texts.items()]
    registered = [each for each in stages if isinstance(each, Stage)]

    printed = account_command("111111111111", registered)
    assert main(shlex.split(printed.removesuffix(" > account.yaml"))[1:]) == 0
    found = defaults(capsys.readouterr().out)
    assert (found["Applications"], found["VerifyFunctionArns"], found["ExecutorArns"]) == ("orders", EXECUTOR, "")
    assert found["ServiceRoleArns"] == "arn:aws:iam::111111111111:role/belay/*"
    pipeline = "arn:aws:codepipeline:us-east-1:111111111111:orders"
    assert found["PipelineArns"] == f"{pipeline},{pipeline}/*"
    for region, forwarded in (("eu-central-1", "false"), ("us-east-1", "true")):
        printed = region_command("111111111111", region, registered)
        assert main(shlex.split(printed.removesuffix(" > region.yaml"))[1:]) == 0
        assert defaults(capsys.readouterr().out)["ForwardPipelineEvents"] == forwarded


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
        ([*ACCOUNT, "--application", "orders", "--forward-pipeline-events"], "expected --in-region REGION with it"),
        ([*ACCOUNT, "--in-region", "eu-central-1", "--executor", "arn:a"], "executors: for the account"),
        (
            [*ACCOUNT, "--application", "orders", "--executor", "arn:aws:lambda:eu-west-1:222222222222:function:x"],
            "expected ARNs of account 111111111111, found arn:aws:lambda:eu-west-1:222222222222:function:x",
        ),
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
    parameter = next(iter(before["Parameters"]))

    after = load(filled_in(text, {parameter: 'a "name"'}))

    assert after["Parameters"].pop(parameter)["Default"] == 'a "name"'
    before["Parameters"].pop(parameter)
    assert after == before


def test_a_parameter_that_the_template_does_not_have_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="expected one parameter Unknown"):
        filled_in((TEMPLATES / "hub_region.yaml").read_text(), {"Unknown": "x"})

"""``belay init --from-stack`` on an AWS simulated by moto: what is read of a stack, and what is not written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_aws_command import Office

from belay.aws.cloudformation import Stacks
from cli.__main__ import main

TEMPLATE = {
    "Parameters": {
        "Retention": {"Type": "Number", "Default": "60"},
        "Size": {"Type": "String", "Default": "small"},
        "Login": {"Type": "String", "NoEcho": True},
        "ApiToken": {"Type": "String"},
    },
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": {"Ref": "Retention"}}},
        "Inner": {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": "https://nested-templates.s3.amazonaws.com/i"},
        },
    },
}
INNER = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
VALUES = {"Retention": "3600", "Size": "small", "Login": "hunter2", "ApiToken": "t0k3n"}


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    monkeypatch.chdir(tmp_path)
    made = Office(simulated)
    made.s3.create_bucket(Bucket="nested-templates", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    made.s3.put_object(Bucket="nested-templates", Key="i", Body=json.dumps(INNER))
    made.cloudformation.create_stack(
        StackName="legacy-shop",
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in VALUES.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    return made


def test_an_existing_stack_is_registered_as_it_is_without_its_secrets(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "shop", "--from-stack", "legacy-shop", "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)

    stage = yaml.safe_load(Path("shop/registration/production.yaml").read_text())
    assert stage["stacks"]["shop"] == {
        "name": "legacy-shop",
        "parameters": {
            "Retention": "3600",
            "Login": "{{resolve:secretsmanager:shop/production/Login}}",
            "ApiToken": "{{resolve:secretsmanager:shop/production/ApiToken}}",
        },
    }
    written = "".join(Path(each).read_text() for each in found["files"])
    assert "hunter2" not in written
    assert "t0k3n" not in written
    assert [each.partition(" ")[0] for each in found["left"]] == ["Login", "ApiToken"]
    assert json.loads(Path("shop/release/templates/shop-Inner.json").read_text()) == INNER
    assert "${ReleasePrefix}/templates/shop-Inner.json" in Path("shop/release/templates/shop.json").read_text()
    assert found["verdict"] == "PASS"


def test_the_role_is_given_what_belay_s_stack_has(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "shop", "--from-stack", "legacy-shop"])
    assert '"Default": "artifacts"' in Path("shop/operator.yaml").read_text()
    assert "--parameter-overrides" not in capsys.readouterr().out


def test_a_stack_that_is_not_there_is_told(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "shop", "--from-stack", "nothing"]) == 1
    assert "there is no stack nothing" in capsys.readouterr().err


def test_a_nested_stack_is_no_beginning(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nested = {"StackId": "arn:inner", "ParentId": "arn:legacy-shop", "RootId": "arn:legacy-shop"}
    monkeypatch.setattr(Stacks, "describe_stack", lambda *_: nested)
    assert main(["init", "shop", "--from-stack", "inner"]) == 1
    assert "inner is nested in arn:legacy-shop" in capsys.readouterr().err

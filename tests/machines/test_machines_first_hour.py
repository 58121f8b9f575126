"""The first hour: an existing template becomes a release that is deployed and visible in the console."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asked_console import AskedConsole
from deployed_belay import Belay
from test_machines_command import command as command  # noqa: PLC0414 - a fixture

from cli.account import Account, Where
from cli.build import build_release
from cli.console.app import console

pytestmark = pytest.mark.at_home("it begins with what is at home")

TEMPLATE = """\
Parameters:
  RetentionSeconds: {Type: Number}
Resources:
  Orders: {Type: "AWS::SQS::Queue", Properties: {MessageRetentionPeriod: !Ref RetentionSeconds}}
  Alerts: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: nested/alerts.yaml}}
"""
NESTED = """\
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"""


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An application's name; this folder has its template, and the one it nests."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own"
    (own / "nested").mkdir(parents=True)
    (own / "template.yaml").write_text(TEMPLATE)
    (own / "nested" / "alerts.yaml").write_text(NESTED)
    return f"shop{uuid.uuid4().hex[:8]}"


def test_a_template_of_one_s_own_is_registered_deployed_and_seen(
    belay: Belay, command: Callable[..., dict[str, Any]], name: str
) -> None:
    assert command("init", name, "own")["verdict"] == "PASS"
    cloudformation = belay.aws("cloudformation")
    cloudformation.create_stack(
        StackName=f"{name}-operator",
        TemplateBody=Path(name, "operator.yaml").read_text(),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=f"{name}-operator", WaiterConfig={"Delay": 1})
    registering = ("register", name, f"{name}/registration", "--outputs-of", f"{name}-operator")
    assert "there is no value for 'RetentionSeconds'" in command(*registering, "--yes", status=1)["told"]
    assert command(*registering, "--value", "RetentionSeconds=3600", "--yes")["stored"]

    # The exit status is that of the whole engine, which others use, too.
    examined = {each["what"]: each for each in command("doctor", status=None)["examined"]}
    assert examined[f"service role of {name}/production"]["state"] == "ok"

    built = build_release(Path(name, "release"))
    assert command("release", "push", str(built.path), "--wait")["outcome"] == "DEPLOYED"
    described = cloudformation.describe_stack_resources(StackName=f"{name}-production")["StackResources"]
    assert {each["ResourceType"] for each in described} == {"AWS::SQS::Queue", "AWS::CloudFormation::Stack"}

    account = Account.of(Where())
    overview = AskedConsole(lambda keys: console(account, keys)).get("/").said
    assert f"{name} production 0.1.0" in overview

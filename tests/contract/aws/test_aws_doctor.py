"""``belay doctor``: what is in order, what is wrong with what to do, and what may not be looked at."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from test_aws_command import Office

from belay.aws.iam import Roles
from belay.errors import AccessDenied
from cli import doctor
from cli.__main__ import main
from cli.account import Account

ROLE = "arn:aws:iam::123456789012:role/belay/orders"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Office:
    """An Office where everything is in order."""
    monkeypatch.delenv("BELAY_STACK", raising=False)
    made = Office(simulated)
    # moto does not show what a bucket sends to EventBridge.
    monkeypatch.setattr(doctor, "notifications", lambda belay, bucket: {"EventBridgeConfiguration": {}})
    topic = simulated("sns").create_topic(Name="on-call")["TopicArn"]
    queue = "arn:aws:sqs:eu-west-1:123456789012:on-call"
    simulated("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    monkeypatch.setattr(
        Account, "output", lambda self, name: {**self.outputs, "NotificationTopicArn": topic, **POLICY}[name]
    )
    simulated("iam").create_role(RoleName="orders", Path="/belay/", AssumeRolePolicyDocument=json.dumps(TRUST))
    # moto simulates no policies.
    monkeypatch.setattr(Roles, "refused", lambda self, role, actions, resource: list(actions) if role == ROLE else None)
    return made


POLICY = {"ServiceRolePolicyArn": "arn:aws:iam::123456789012:policy/belay-service-roles"}


def examined(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, str]]]:
    status = main(["doctor", "--output", "json"])
    document = json.loads(capsys.readouterr().out)
    return status, {each["what"]: each for each in document["examined"]}


def test_where_all_is_in_order_nothing_is_wrong(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = examined(capsys)

    assert [each for each in found.values() if each["state"] != "ok"] == []
    assert status == 0
    assert found["registrations"]["detail"] == "Belay can read orders/test, orders/production"
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("Nothing is wrong.\n")


def test_uploads_that_tell_nobody_are_a_problem(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "notifications", lambda belay, bucket: {})

    status, found = examined(capsys)

    assert (status, found["upload events"]["state"]) == (1, "problem")


def test_nobody_on_call_is_a_problem(
    office: Office, capsys: pytest.CaptureFixture[str], simulated: Callable[[str], Any]
) -> None:
    sns = simulated("sns")
    for each in sns.list_subscriptions()["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])

    status, found = examined(capsys)

    assert (status, found["on call"]["state"]) == (1, "problem")
    assert found["on call"]["do"].startswith("aws sns subscribe --topic-arn")


def test_a_pause_is_a_problem_with_the_command_that_ends_it(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.ssm.put_parameter(Name="/belay/paused", Value="true", Overwrite=True)

    _, found = examined(capsys)

    assert (found["pause"]["state"], found["pause"]["do"]) == ("problem", "belay resume")


def test_a_registration_that_cannot_be_read_is_a_problem(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.ssm.put_parameter(Name="/belay/applications/orders/production", Value="stacks: 1", Overwrite=True)

    status, found = examined(capsys)

    assert (status, found["/belay/applications/orders/production"]["state"]) == (1, "problem")


def test_a_role_that_may_change_belay_is_a_problem_with_what_to_attach(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Roles, "refused", lambda self, role, actions, resource: [])

    status, found = examined(capsys)

    role = found["service role of orders/test, orders/production"]
    assert (status, role["state"]) == (1, "problem")
    assert role["do"] == f"aws iam attach-role-policy --role-name orders --policy-arn {POLICY['ServiceRolePolicyArn']}"


def test_a_role_that_nobody_can_assume_or_that_is_not_there_is_a_problem(
    office: Office,
    capsys: pytest.CaptureFixture[str],
    simulated: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = json.dumps(TRUST).replace("cloudformation", "ec2")
    simulated("iam").update_assume_role_policy(RoleName="orders", PolicyDocument=other)
    assert "cannot be assumed" in examined(capsys)[1]["service role of orders/test, orders/production"]["detail"]

    monkeypatch.setattr(Roles, "refused", lambda self, role, actions, resource: None)
    assert "does not exist" in examined(capsys)[1]["service role of orders/test, orders/production"]["detail"]


def test_what_may_not_be_looked_at_is_unknown_and_no_problem(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AccessDenied("IAM.SimulatePrincipalPolicy", "AccessDenied", "not you")

    monkeypatch.setattr(Roles, "refused", refuse)

    status, found = examined(capsys)

    assert (status, found["service roles"]["state"]) == (0, "unknown")
    assert "iam:SimulatePrincipalPolicy" in found["service roles"]["detail"]

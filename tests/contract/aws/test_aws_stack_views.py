"""A stack as shown while it is deployed, and what is reported when credentials lack access."""

from collections.abc import Callable
from typing import Any

import pytest

from belay.aws.gateways import Aws
from belay.stack.plan import Progress, StackPlan
from cli.views.stacks import stack_now

TOKEN = "belay-1"


def plan(account: str, region: str) -> StackPlan:
    stack_id = f"arn:aws:cloudformation:{region}:{account}:stack/orders-network/6a7e8feb"
    return StackPlan(
        "network", "orders-network", (), Progress.EXECUTING, stack_id=stack_id, token=TOKEN, changes=("ADDS Vpc",)
    )


def test_a_stack_of_another_account_is_asked_about_by_nobody_and_says_who_may(
    simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Aws, "in_region", lambda *_: pytest.fail("nobody here is shown it"))
    now = stack_now(Aws(), plan("111111111111", "eu-central-1"))
    assert (now.progress, now.changes, now.resources) == (Progress.EXECUTING, ("ADDS Vpc",), ())
    assert now.unseen.startswith("it is in account 111111111111, where only Belay's functions look, and these")
    assert "describe-stack-events --stack-name arn:aws:cloudformation:eu-central-1:111111111111:" in now.unseen
    assert "--region eu-central-1" in now.unseen


def test_a_stack_of_another_region_is_looked_at_there(simulated: Callable[[str], Any]) -> None:
    now = stack_now(Aws(), plan("123456789012", "eu-central-1"))
    assert now.unseen.startswith("in account 123456789012, region eu-central-1: CloudFormation.DescribeStackEvents")

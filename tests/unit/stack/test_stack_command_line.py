"""The commands given to people show what is promised: their queries are run over AWS's responses."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import jmespath
import pytest

from belay.stack.cause import Cause, first_cause
from belay.stack.command_line import failed_events_command, look_command

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1"
WHEN = datetime(2026, 3, 2, 9, tzinfo=UTC).isoformat()


def event(status: str, reason: str = "", *, stack: bool = False) -> dict[str, Any]:
    name = STACK if stack else "orders-topic"
    kind = "AWS::CloudFormation::Stack" if stack else "AWS::SNS::Topic"
    return {
        "StackId": STACK,
        "LogicalResourceId": "orders" if stack else "Topic",
        "PhysicalResourceId": name,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": WHEN,
    }


def shown(command: str, answer: dict[str, Any]) -> str:
    words = shlex.split(command)
    return str(jmespath.search(words[words.index("--query") + 1], answer))


@pytest.mark.parametrize(
    "newest_first",
    [
        [event("UPDATE_FAILED", "Topic already exists"), event("UPDATE_IN_PROGRESS", stack=True)],
        [
            event("UPDATE_FAILED", "the rollback failed"),
            event("UPDATE_ROLLBACK_IN_PROGRESS", "Export orders-vpc cannot be updated", stack=True),
            event("UPDATE_IN_PROGRESS", stack=True),
        ],
        [event("ROLLBACK_IN_PROGRESS", "User Initiated", stack=True), event("CREATE_IN_PROGRESS", stack=True)],
        [event("DELETE_FAILED", "the bucket is not empty"), event("DELETE_IN_PROGRESS", stack=True)],
    ],
)
def test_the_first_cause_is_among_what_its_command_shows(newest_first: Sequence[dict[str, Any]]) -> None:
    cause = first_cause(newest_first)
    assert cause is not None
    assert cause.reason in shown(look_command(cause), {"StackEvents": newest_first})
    assert "UPDATE_IN_PROGRESS'" not in shown(failed_events_command(STACK), {"StackEvents": newest_first})


def test_what_only_describe_events_names_is_shown_by_that() -> None:
    cause = Cause(
        (),
        "AWS::CloudFormation::Stack",
        "UPDATE_FAILED",
        "Validation failed with 1 error(s): Bucket: taken",
        datetime.fromisoformat(WHEN),
        STACK,
    )
    command = look_command(cause)
    assert command.startswith(f"aws cloudformation describe-events --stack-name {STACK} --region eu-west-1 --filters ")
    found = {"LogicalResourceId": "Bucket", "ValidationStatusReason": "taken", "Timestamp": WHEN}
    assert "taken" in shown(command, {"OperationEvents": [found]})

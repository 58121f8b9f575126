"""Steps are read from histories as Step Functions writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli.progress import Execution, steps
from local.demo_progress import DemoProgress

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:stages"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:stages:{}"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def entered(kind: str, name: str, seconds: float) -> dict[str, Any]:
    return {
        "type": f"{kind}StateEntered",
        "timestamp": at(seconds),
        "id": 1,
        "stateEnteredEventDetails": {"name": name},
    }


def event(kind: str, seconds: float) -> dict[str, Any]:
    return {"type": kind, "timestamp": at(seconds), "id": 1}


EXECUTION_SO_FAR = Execution("arn", "deploy_stage", "test", START, running=True)


def test_a_state_lasts_from_its_entry_to_its_exit() -> None:
    history = [
        event("ExecutionStarted", 0),
        entered("Task", "LockStage", 1),
        event("TaskScheduled", 1.1),
        event("TaskSucceeded", 2.9),
        event("TaskStateExited", 3),
        entered("Wait", "WaitForStacks", 3),
    ]

    lock, wait = steps(EXECUTION_SO_FAR, history)

    assert (lock.machine, lock.stage, lock.state, lock.seconds(at(9))) == ("deploy_stage", "test", "LockStage", 2)
    assert (wait.state, wait.left, wait.seconds(at(9))) == ("WaitForStacks", None, 6)


@pytest.mark.parametrize(
    "end", [entered("Choice", "Locked?", 4), event("ExecutionFailed", 4), event("ExecutionTimedOut", 4)]
)
def test_a_state_without_an_exit_of_its_own_ends_with_what_follows(end: Mapping[str, Any]) -> None:
    lock, *_ = steps(EXECUTION_SO_FAR, [entered("Task", "LockStage", 1), end])

    assert lock.left == at(4)


@pytest.mark.parametrize(("kind", "silent"), [("Task", False), ("Wait", False), ("Choice", True), ("Pass", True)])
def test_states_that_take_no_time_are_silent(kind: str, silent: bool) -> None:
    assert [step.silent for step in steps(EXECUTION_SO_FAR, [entered(kind, "It", 0)])] == [silent]


def listed(name: str, status: str, seconds: float) -> dict[str, Any]:
    return {
        "executionArn": EXECUTION.format(name),
        "stateMachineArn": MACHINE,
        "name": name,
        "status": status,
        "startDate": at(seconds),
    }


def describe(stubber: Stubber, name: str, document: str) -> None:
    described = {
        "executionArn": EXECUTION.format(name),
        "stateMachineArn": MACHINE,
        "status": "RUNNING",
        "startDate": START,
        "input": document,
    }
    stubber.add_response("describe_execution", described, {"executionArn": EXECUTION.format(name)})


def history_of(stubber: Stubber, name: str, *events: Mapping[str, Any]) -> None:
    asked = {"executionArn": EXECUTION.format(name), "includeExecutionData": False, "maxResults": 1000}
    stubber.add_response("get_execution_history", {"events": list(events)}, asked)


def test_progress_asks_only_for_what_can_have_changed() -> None:
    client = boto3.client(
        "stepfunctions", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    executions = "list_executions"
    asked = {"stateMachineArn": MACHINE}
    progress = DemoProgress(client, {"deploy_stage": MACHINE})

    with Stubber(client) as stubber:
        stubber.add_response(executions, {"executions": [listed("one", "RUNNING", 0)]}, asked)
        describe(stubber, "one", '{"stage": "test"}')
        history_of(stubber, "one", entered("Task", "LockStage", 1))
        (first,) = progress.look()

        stubber.add_response(executions, {"executions": [listed("one", "SUCCEEDED", 0)]}, asked)
        history_of(stubber, "one", entered("Task", "LockStage", 1), event("ExecutionSucceeded", 2))
        (ended,) = progress.look()

        stubber.add_response(executions, {"executions": [listed("one", "SUCCEEDED", 0)]}, asked)
        assert progress.look() == [ended]

        progress.begin()
        both = [listed("two", "RUNNING", 5), listed("one", "SUCCEEDED", 0)]
        stubber.add_response(executions, {"executions": both}, asked)
        describe(stubber, "two", '"no document"')
        history_of(stubber, "two")
        (second,) = progress.look()
        stubber.assert_no_pending_responses()

    assert (first.stage, first.running, first.steps[0].left) == ("test", True, None)
    assert (ended.running, ended.steps[0].left) == (False, at(2))
    assert (second.arn, second.stage, second.steps) == (EXECUTION.format("two"), None, ())

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.stepfunctions import Executions
from belay.errors import AccessDenied, AwsFault
from belay.release.reason import PersonDecided

DEFINITION = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-rollback-stage"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:belay-rollback-stage:orders-production-1"

Stubbed = Callable[[str], tuple[Any, Stubber]]


def test_an_execution_is_started_under_its_name_and_can_be_asked_for(simulated: Callable[[str], Any]) -> None:
    client = simulated("stepfunctions")
    role = "arn:aws:iam::123456789012:role/machine"
    client.create_state_machine(name="belay-rollback-stage", definition=DEFINITION, roleArn=role)
    executions = Executions(client)
    assert executions.start_execution(MACHINE, "orders-production-1", {"stage": "production"}) == EXECUTION
    assert executions.input(EXECUTION) == {"stage": "production"}
    assert executions.running(EXECUTION) is (executions.status(EXECUTION) == "RUNNING")
    assert executions.status(f"{EXECUTION}-2") is None
    assert not executions.running(f"{EXECUTION}-2")


@pytest.mark.parametrize(
    ("seconds", "execution", "running"), [(60, EXECUTION, True), (60, "", True), (180, EXECUTION, False)]
)
def test_what_is_not_described_yet_may_have_been_started_a_moment_ago(
    simulated: Callable[[str], Any], seconds: int, execution: str, running: bool
) -> None:
    recorded_at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    assert Executions(simulated("stepfunctions")).running(execution, recorded_at) is running


def test_what_is_described_as_ended_has_ended(stubbed: Stubbed) -> None:
    client, stub = stubbed("stepfunctions")
    described = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "startDate": datetime.now(UTC)}
    stub.add_response("describe_execution", {**described, "status": "ABORTED"})
    assert not Executions(client).running(EXECUTION, datetime.now(UTC).isoformat())


def test_a_start_that_happened_before_is_harmless(stubbed: Stubbed) -> None:
    client, stub = stubbed("stepfunctions")
    asked = {"stateMachineArn": MACHINE, "name": "orders-production-1", "input": '{"a": 1, "b": 2}'}
    stub.add_response("start_execution", {"executionArn": EXECUTION, "startDate": datetime.now(UTC)}, asked)
    stub.add_client_error("start_execution", "ExecutionAlreadyExists", expected_params=asked)
    executions = Executions(client)
    assert executions.start_execution(MACHINE, "orders-production-1", {"b": 2, "a": 1}) == EXECUTION
    assert executions.start_execution(MACHINE, "orders-production-1", {"a": 1, "b": 2}) == EXECUTION


@pytest.mark.parametrize(
    ("code", "fault"), [("AccessDeniedException", AccessDenied), ("StateMachineDoesNotExist", AwsFault)]
)
def test_a_start_that_was_refused_is_a_fault(stubbed: Stubbed, code: str, fault: type[AwsFault]) -> None:
    client, stub = stubbed("stepfunctions")
    stub.add_client_error("start_execution", code)
    with pytest.raises(fault):
        Executions(client).start_execution(MACHINE, "orders-production-1", {})


@pytest.mark.parametrize(
    ("status", "running"),
    [
        ("RUNNING", True),
        ("PENDING_REDRIVE", True),
        ("SUCCEEDED", False),
        ("FAILED", False),
        ("TIMED_OUT", False),
        ("ABORTED", False),
    ],
)
def test_an_execution_runs_or_does_not(stubbed: Stubbed, status: str, running: bool) -> None:
    client, stub = stubbed("stepfunctions")
    described = {
        "executionArn": EXECUTION,
        "stateMachineArn": MACHINE,
        "status": status,
        "startDate": datetime.now(UTC),
    }
    stub.add_response("describe_execution", described, {"executionArn": EXECUTION})
    assert Executions(client).running(EXECUTION) is running


def test_an_execution_that_was_never_started_does_not_run(stubbed: Stubbed) -> None:
    client, _ = stubbed("stepfunctions")
    assert not Executions(client).running("")


def test_not_knowing_is_not_not_running(stubbed: Stubbed) -> None:
    client, stub = stubbed("stepfunctions")
    stub.add_client_error("describe_execution", "AccessDeniedException")
    with pytest.raises(AccessDenied):
        Executions(client).running(EXECUTION)


def test_a_task_that_waits_is_told_how_to_go_on(stubbed: Stubbed) -> None:
    client, stub = stubbed("stepfunctions")
    stub.add_response("send_task_success", {}, {"taskToken": "token", "output": '{"seal": "d"}'})
    stub.add_response("send_task_failure", {}, {"taskToken": "token", "error": "ApprovalDenied", "cause": "no"})
    executions = Executions(client)
    assert executions.send_task_success("token", {"seal": "d"})
    assert executions.send_task_failure("token", "ApprovalDenied", "no")


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_task_that_waits_no_more_is_no_fault(stubbed: Stubbed, code: str) -> None:
    client, stub = stubbed("stepfunctions")
    stub.add_client_error("send_task_success", code)
    stub.add_client_error("send_task_failure", code)
    executions = Executions(client)
    assert not executions.send_task_success("token", {})
    assert not executions.send_task_failure("token", "ApprovalDenied", "no")


def test_an_answer_that_could_not_be_told_is_a_fault(stubbed: Stubbed) -> None:
    client, stub = stubbed("stepfunctions")
    stub.add_client_error("send_task_success", "AccessDeniedException")
    stub.add_client_error("send_task_failure", "AccessDeniedException")
    executions = Executions(client)
    with pytest.raises(AccessDenied):
        executions.send_task_success("token", {})
    with pytest.raises(AccessDenied):
        executions.send_task_failure("token", "ApprovalDenied", "no")


@pytest.mark.parametrize(
    ("status", "error", "cause", "by"),
    [
        ("ABORTED", "Aborted", "stopped by ann: let me look", PersonDecided("ann", "stopped it", "let me look")),
        ("ABORTED", "Aborted", None, PersonDecided("a person", "stopped it")),
        ("ABORTED", "Stopped", "by hand", None),
        ("FAILED", "Aborted", "it said so", None),
        ("RUNNING", None, None, None),
    ],
)
def test_a_person_s_stop_is_told_from_any_other_end(
    stubbed: Stubbed, status: str, error: str | None, cause: str | None, by: PersonDecided | None
) -> None:
    client, stub = stubbed("stepfunctions")
    found = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status, "startDate": datetime.now(UTC)}
    told = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
    stub.add_response("describe_execution", found | told, {"executionArn": EXECUTION})
    stub.add_client_error("describe_execution", "ExecutionDoesNotExist")
    assert Executions(client).stopped_by(EXECUTION) == by
    assert Executions(client).stopped_by("gone") is None


def test_what_runs_is_listed_and_what_waits_to_be_redriven(stubbed: Stubbed) -> None:
    client, stub = stubbed("stepfunctions")
    for status, found in (("RUNNING", ["1", "2"]), ("PENDING_REDRIVE", ["3"])):
        executions = [
            {
                "executionArn": f"{EXECUTION}{each}",
                "stateMachineArn": MACHINE,
                "name": each,
                "status": status,
                "startDate": datetime.now(UTC),
            }
            for each in found
        ]
        asked = {"stateMachineArn": MACHINE, "statusFilter": status}
        stub.add_response("list_executions", {"executions": executions}, asked)
    assert Executions(client).list_running(MACHINE) == [f"{EXECUTION}{each}" for each in "123"]


def test_an_execution_is_in_the_state_that_it_entered_last(stubbed: Stubbed) -> None:
    client, stub = stubbed("stepfunctions")
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    task = {"resourceType": "lambda", "resource": "invoke", "region": "eu-west-1", "parameters": "{}"}
    events = [
        {"timestamp": at, "type": "TaskScheduled", "id": 9, "taskScheduledEventDetails": task},
        {"timestamp": at, "type": "TaskStateEntered", "id": 8, "stateEnteredEventDetails": {"name": "ExecuteWave"}},
        {"timestamp": at, "type": "TaskStateEntered", "id": 4, "stateEnteredEventDetails": {"name": "PlanStage"}},
    ]
    asked = {"executionArn": EXECUTION, "includeExecutionData": False, "reverseOrder": True}
    stub.add_response("get_execution_history", {"events": events}, asked)
    stub.add_response("get_execution_history", {"events": []}, asked)
    executions = Executions(client)
    assert executions.state(EXECUTION) == ("ExecuteWave", at)
    assert executions.state(EXECUTION) is None

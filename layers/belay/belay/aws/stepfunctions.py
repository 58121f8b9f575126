"""Step Functions: starting, reading and stopping executions, and completing tasks that wait for a token."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from belay.aws.clients import Gateway
from belay.aws.clock import now
from belay.aws.faults import translated
from belay.release.reason import PersonDecided, stopped

_DESCRIBED_WITHIN: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class EndedExecution:
    """How an execution ended: its output if it SUCCEEDED, else why it failed."""

    status: str
    output: Mapping[str, Any]
    cause: str


class Executions(Gateway):
    """Executions of state machines."""

    def start_execution(self, machine_arn: str, name: str, document: Mapping[str, Any]) -> str:
        """Start ``machine_arn`` with ``name``; idempotent. Returns the execution's ARN."""
        with translated("StepFunctions.StartExecution", ignoring=("ExecutionAlreadyExists",)):
            self._client.start_execution(
                stateMachineArn=machine_arn, name=name, input=json.dumps(document, sort_keys=True)
            )
        return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def status(self, execution_arn: str) -> str | None:
        """Return RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or PENDING_REDRIVE, or None for an unknown execution.

        AWS deletes an execution 90 days after it ended.
        """
        found = self._described(execution_arn)
        return None if found is None else str(found["status"])

    def describe(self, execution_arn: str) -> dict[str, Any] | None:
        """Return an execution's ``status``, its ``input`` document, and when it ``started``.

        None if it does not exist.
        """
        answer = self._described(execution_arn)
        return answer and {
            "status": answer["status"],
            "input": json.loads(answer.get("input", "{}")),
            "started": answer["startDate"],
        }

    def ended(self, execution_arn: str) -> EndedExecution | None:
        """Return how an execution ended; None while it runs."""
        with translated("StepFunctions.DescribeExecution"):
            answer = self._client.describe_execution(executionArn=execution_arn)
        if answer["status"] in ("RUNNING", "PENDING_REDRIVE"):
            return None
        return EndedExecution(answer["status"], json.loads(answer.get("output", "{}")), answer.get("cause", ""))

    def stopped_by(self, execution_arn: str) -> PersonDecided | None:
        """Return who stopped an execution with ``belay abort`` and why, or None.

        Other ways of stopping it set another error
        (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html).
        """
        found = self._described(execution_arn) or {"status": None}
        return stopped(found.get("error"), found.get("cause", "")) if found["status"] == "ABORTED" else None

    def _described(self, execution_arn: str) -> dict[str, Any] | None:
        with translated("StepFunctions.DescribeExecution", ignoring=("ExecutionDoesNotExist", "InvalidArn")):
            return dict(self._client.describe_execution(executionArn=execution_arn))
        return None

    def running(self, execution_arn: str, recorded_at: str | None = None) -> bool:
        """Return whether an execution is running or being redriven; False if it was never started.

        One that is not found counts as running for two minutes after it was ``recorded_at`` (ISO 8601): the description
        is "best effort and may not reflect very recent updates and changes"
        (https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
        """
        status = self.status(execution_arn) if execution_arn else None
        if status is not None or recorded_at is None:
            return status in ("RUNNING", "PENDING_REDRIVE")
        return now() - datetime.fromisoformat(recorded_at) < _DESCRIBED_WITHIN

    def list_running(self, machine_arn: str) -> list[str]:
        """Return the ARNs of a machine's executions that run or wait to be redriven, the newest first."""
        with translated("StepFunctions.ListExecutions"):
            pages = self._client.get_paginator("list_executions")
            return [
                str(each["executionArn"])
                for status in ("RUNNING", "PENDING_REDRIVE")
                for page in pages.paginate(stateMachineArn=machine_arn, statusFilter=status)
                for each in page["executions"]
            ]

    def state(self, execution_arn: str) -> tuple[str, datetime] | None:
        """Return the state that an execution entered last, and when; None if it has not entered any."""
        with translated("StepFunctions.GetExecutionHistory"):
            pages = self._client.get_paginator("get_execution_history").paginate(
                executionArn=execution_arn, includeExecutionData=False, reverseOrder=True
            )
            entered = (each for page in pages for each in page["events"] if "stateEnteredEventDetails" in each)
            last = next(entered, None)
        return None if last is None else (str(last["stateEnteredEventDetails"]["name"]), last["timestamp"])

    def history(self, execution_arn: str) -> Iterator[Mapping[str, Any]]:
        """Yield an execution's events, oldest first, without inputs and outputs."""
        with translated("StepFunctions.GetExecutionHistory"):
            pages = self._client.get_paginator("get_execution_history").paginate(
                executionArn=execution_arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
            )
            for page in pages:
                yield from page["events"]

    def stop_execution(self, execution_arn: str, *, error: str, cause: str) -> None:
        """Stop an execution with a cause, truncated to 1,024 characters; what it had started is handled as a
        failure.
        """
        with translated("StepFunctions.StopExecution"):
            self._client.stop_execution(executionArn=execution_arn, error=error, cause=cause[:1024])

    def input(self, execution_arn: str) -> dict[str, Any]:
        """Return an execution's input document."""
        with translated("StepFunctions.DescribeExecution"):
            return dict(json.loads(self._client.describe_execution(executionArn=execution_arn)["input"]))

    def send_task_success(self, task_token: str, output: Mapping[str, Any]) -> bool:
        """Complete a task that waits for its token. Returns False if no task waits for it any more."""
        with translated("StepFunctions.SendTaskSuccess", ignoring=_NOBODY_WAITS):
            self._client.send_task_success(taskToken=task_token, output=json.dumps(output, sort_keys=True))
            return True
        return False

    def send_task_failure(self, task_token: str, error: str, cause: str) -> bool:
        """Fail a task that waits for its token. Returns False if no task waits for it any more."""
        with translated("StepFunctions.SendTaskFailure", ignoring=_NOBODY_WAITS):
            self._client.send_task_failure(taskToken=task_token, error=error, cause=cause)
            return True
        return False


_NOBODY_WAITS = {"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"}

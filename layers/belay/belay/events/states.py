"""Events that AWS Step Functions sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.events.envelope import AwsEvent, read, read_optional, read_outer


@dataclass(frozen=True, kw_only=True)
class ExecutionStatusChange(AwsEvent):
    """An execution of a standard state machine started or ended.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html; samples
    ``events/aws.states/execution_status_change.*.json``.

    ``status`` is RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or PENDING_REDRIVE. ``input`` is the JSON text that the
    execution was started with, or None if it was too large for the event (DescribeExecution returns it then). ``error``
    and ``cause`` are set for failed executions.
    """

    execution_arn: str
    machine_arn: str
    name: str
    status: str
    input: str | None
    error: str | None
    cause: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "ExecutionStatusChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.states", "Step Functions Execution Status Change"),
            execution_arn=read(event, "detail", "executionArn", kind=str),
            machine_arn=read(event, "detail", "stateMachineArn", kind=str),
            name=read(event, "detail", "name", kind=str),
            status=read(event, "detail", "status", kind=str),
            input=read_optional(event, "detail", "input", kind=str),
            error=read_optional(event, "detail", "error", kind=str),
            cause=read_optional(event, "detail", "cause", kind=str),
        )

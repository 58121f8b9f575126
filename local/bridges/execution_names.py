"""Gap: starting an execution again under its name is refused even while it runs with the same input.

For such a StartExecution AWS returns the running execution, so that a caller may retry; a different input or an ended
execution is ``ExecutionAlreadyExists``
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html). It can be removed once
ministack does.
"""

from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import stepfunctions


def install() -> None:
    """Return the running execution for a repeated start."""
    start = stepfunctions._start_execution

    def start_once(request: dict[str, Any]) -> Any:
        running = _running(request)
        if running is not None and running["input"] == request.get("input", "{}"):
            return json_response({"executionArn": running["executionArn"], "startDate": running["startDate"]})
        return start(request)

    stepfunctions._start_execution = start_once


def _running(request: dict[str, Any]) -> dict[str, Any] | None:
    machine = stepfunctions._state_machines.get(request.get("stateMachineArn"))
    if machine is None or "name" not in request:
        return None
    arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine['name']}:{request['name']}"
    execution: dict[str, Any] | None = stepfunctions._executions.get(arn)
    return execution if execution is not None and execution["status"] == "RUNNING" else None

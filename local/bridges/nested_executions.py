"""Gap: ``states:startExecution.sync`` runs its child as an Express execution inside the parent.

On AWS the child is an execution like any other: its name is taken once, it sends status change events, its own time-out
holds, and it is stopped when its parent is. When it does not succeed the task fails with ``States.TaskFailed``,
whatever the child's error, and the cause is the child's description as JSON
(https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html). It can be removed once ministack does
the same.
"""

import contextvars
import json
import time
from typing import Any

from ministack.services import stepfunctions

LOOK_EVERY_SECONDS = 0.05
REFUSED = 400

_parent: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("parent_execution", default=None)


def install() -> None:
    """Start nested executions as Standard ones and wait for them."""
    execute_task = stepfunctions._execute_task

    def execute_task_of(state: Any, data: Any, execution: Any, context: Any) -> Any:
        token = _parent.set(execution)
        try:
            return execute_task(state, data, execution, context)
        finally:
            _parent.reset(token)

    stepfunctions._execute_task = execute_task_of
    stepfunctions._invoke_nested_start_execution = _start
    stepfunctions._invoke_nested_start_execution_sync = _run


def _start(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    status, _, body = stepfunctions._start_execution(stepfunctions._nested_start_execution_request(arguments))
    answer = json.loads(body)
    if status >= REFUSED:
        raise stepfunctions._ExecutionError(f"StepFunctions.{answer['__type']}Exception", answer.get("message", ""))
    return {"ExecutionArn": answer["executionArn"], "StartDate": answer["startDate"]}


def _run(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    child = stepfunctions._executions[_start(resource, arguments)["ExecutionArn"]]
    parent = _parent.get()
    while child["status"] == "RUNNING":
        if parent is not None and parent["status"] != "RUNNING":
            stepfunctions._stop_execution({"executionArn": child["executionArn"], "error": "", "cause": "Parent ended"})
            break
        time.sleep(LOOK_EVERY_SECONDS)
    if child["status"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(_describe(child, parsed=False)))
    return _describe(child, parsed=resource.endswith(".sync:2"))


def _describe(execution: dict[str, Any], *, parsed: bool) -> dict[str, Any]:
    """The child as the task reports it; ``.sync:2`` has its input and output as JSON, ``.sync`` as text."""
    texts = {"Input": execution["input"]}
    if execution["status"] == "SUCCEEDED":
        texts["Output"] = execution["output"]
    return {
        "ExecutionArn": execution["executionArn"],
        **{name: json.loads(text) if parsed else text for name, text in texts.items()},
        "InputDetails": {"Included": True},
        **({"OutputDetails": {"Included": True}} if "Output" in texts else {}),
        **({"Error": execution["error"]} if execution.get("error") else {}),
        **({"Cause": execution["cause"]} if execution.get("cause") else {}),
        "Name": execution["name"],
        "StartDate": stepfunctions._iso_to_epoch_ms(execution["startDate"]),
        "StateMachineArn": execution["stateMachineArn"],
        "Status": execution["status"],
        "StopDate": stepfunctions._iso_to_epoch_ms(execution["stopDate"]),
    }

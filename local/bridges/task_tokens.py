"""Gap: a task that waits for its token accepts no expression as its timeout, and keeps waiting when its function fails.

On AWS ``TimeoutSeconds`` may be a JSONata expression, and a failing function fails the task, because nothing has the
token then (https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html,
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html). It can be removed once ministack does
the same.
"""

import threading
from typing import Any, Final

from ministack.services import stepfunctions

MACHINES: Final[dict[str, str]] = {}
"""The state machine of each task that ever waited, by its token."""


class _Waiting(threading.local):
    """The token of the task whose function this thread is calling, and its state machine."""

    token: str | None = None
    machine: str = ""


def install() -> None:
    """Evaluate a task's timeout, and fail a task that waits for its token when its function fails."""
    execute_task = stepfunctions._execute_task
    wait_for_token, call_function = stepfunctions._invoke_with_callback, stepfunctions._call_lambda
    waiting = _Waiting()

    def execute_within_limit(state: dict[str, Any], data: Any, execution: Any, context: Any) -> Any:
        if isinstance(state.get("TimeoutSeconds"), str):
            seconds = stepfunctions._jsonata_state_field(state, "TimeoutSeconds", "number", data, context)
            state = {**state, "TimeoutSeconds": seconds}
        waiting.machine = (execution or {}).get("stateMachineArn", "")
        return execute_task(state, data, execution, context)

    def wait_unless_failed(resource: str, data: Any, token: str, state: dict[str, Any]) -> Any:
        waiting.token = token
        MACHINES[token] = waiting.machine
        try:
            return wait_for_token(resource, data, token, state)
        finally:
            waiting.token = None

    def call_and_fail(function: str, event: Any) -> Any:
        try:
            return call_function(function, event)
        except stepfunctions._ExecutionError as error:
            task = stepfunctions._task_tokens.get(waiting.token)
            if task is not None:
                task["error"] = {"Error": error.error, "Cause": error.cause}
                task["event"].set()
            raise

    stepfunctions._execute_task = execute_within_limit
    stepfunctions._invoke_with_callback = wait_unless_failed
    stepfunctions._call_lambda = call_and_fail

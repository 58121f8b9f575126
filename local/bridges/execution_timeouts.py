"""Gap: a state machine's own ``TimeoutSeconds`` is ignored.

AWS ends such an execution TIMED_OUT with ``States.Timeout`` and an event that says so
(https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html). It can be removed once ministack
does.
"""

import contextvars
import json
import threading
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions


def install() -> None:
    """End every execution that outlives its machine's ``TimeoutSeconds``."""
    run = stepfunctions._run_execution

    def run_within_timeout(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        seconds = _timeout(execution)
        if execution is None or seconds is None:
            run(arn)
            return
        timer = threading.Timer(seconds, contextvars.copy_context().run, args=(_expire, execution))
        timer.daemon = True
        timer.start()
        try:
            run(arn)
        finally:
            timer.cancel()

    stepfunctions._run_execution = run_within_timeout


def _timeout(execution: dict[str, Any] | None) -> float | None:
    machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn"))
    seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    return float(seconds) if isinstance(seconds, int | float) else None


def _expire(execution: dict[str, Any]) -> None:
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", error="States.Timeout", cause="", stopDate=now_iso())
    stepfunctions._add_event(
        execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    )
    stepfunctions._emit_execution_status_event(execution)

"""Gap: the history of an execution leaves out the states inside Map and Parallel, and repeats ids when those run
together; and a stopped execution continues inside them.

AWS records every state entered and left
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html). Still incomplete: tasks record
that they were scheduled and how they ended, without their parameters. It can be removed once ministack records inner
states.
"""

import copy
import json
import threading
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

_recording = threading.Lock()


def install() -> None:
    """Record one event at a time, and the states of inner machines too."""
    record = stepfunctions._add_event

    def record_alone(execution: Any, event_type: str, details: Any = None) -> Any:
        with _recording:
            return record(execution, event_type, details)

    stepfunctions._add_event = record_alone
    stepfunctions._run_sub_machine = _run_inner_machine


def _run_inner_machine(states: Any, start_at: str, data: Any, execution: Any, context: Any) -> Any:
    """Run a branch or an iteration to its end and return its output."""
    name: str | None = start_at
    data = copy.deepcopy(data)
    while name is not None:
        if execution["status"] != "RUNNING":
            raise stepfunctions._ExecutionError("States.TaskFailed", f"the execution is {execution['status']}")
        state = states.get(name)
        if state is None:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found")
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        entered = {"name": name, "input": json.dumps(data)}
        stepfunctions._add_event(execution, f"{state['Type']}StateEntered", {"stateEnteredEventDetails": entered})
        current, (data, name) = name, _step(state, data, execution, context)
        left = {"name": current, "output": json.dumps(data)}
        stepfunctions._add_event(execution, f"{state['Type']}StateExited", {"stateExitedEventDetails": left})
    return data


def _step(state: dict[str, Any], data: Any, execution: Any, context: Any) -> tuple[Any, str | None]:
    """One state's output and the state after it."""
    match state["Type"]:
        case "Succeed":
            selected = stepfunctions._apply_input_path(state, data, context)
            return stepfunctions._apply_output_path(state, selected, context), None
        case "Fail":
            raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, data, context))
        case "Task" | "Parallel" | "Map" as kind:
            step = getattr(stepfunctions, f"_execute_{kind.lower()}")(state, data, execution, context)
        case "Pass" | "Choice" | "Wait" as kind:
            step = getattr(stepfunctions, f"_execute_{kind.lower()}")(state, data, context)
        case unknown:
            raise stepfunctions._ExecutionError("States.Runtime", f"Unknown state type: {unknown}")
    output, following = step
    return output, following

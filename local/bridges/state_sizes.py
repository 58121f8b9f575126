"""Gap: any amount of data may pass from state to state.

AWS fails an execution with ``States.DataLimitExceeded`` when a state's output is over 256 KiB as text
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). It can be removed once ministack does.
"""

import json
from typing import Any

from ministack.services import stepfunctions

BYTES = 256 * 1024
STATES = ("pass", "task", "parallel", "map")


def install() -> None:
    """Measure the output of every state that can produce one."""
    for kind in STATES:
        name = f"_execute_{kind}"
        setattr(stepfunctions, name, _measured(getattr(stepfunctions, name)))


def _measured(execute: Any) -> Any:
    def execute_and_measure(state: Any, data: Any, *context: Any) -> Any:
        output, following = execute(state, data, *context)
        if len(json.dumps(output).encode()) > BYTES:
            message = (
                "The state/task returned a result with a size exceeding the maximum number of bytes service limit."
            )
            raise stepfunctions._ExecutionError("States.DataLimitExceeded", message)
        return output, following

    return execute_and_measure

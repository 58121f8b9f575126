"""Gap: ``HeartbeatSeconds`` of a task that waits for its token is ignored.

AWS fails such a task with ``States.HeartbeatTimeout`` when no SendTaskHeartbeat arrives in time
(https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html). It can be removed once ministack does.
"""

import contextvars
import threading
import time
from typing import Any

from ministack.services import stepfunctions

LOOK_EVERY_SECONDS = 0.1


def install() -> None:
    """Watch the heartbeat of every task that declares one."""
    wait_for_token = stepfunctions._invoke_with_callback

    def wait_with_heartbeat(resource: str, data: Any, token: str, state: dict[str, Any]) -> Any:
        seconds = state.get("HeartbeatSeconds")
        if not isinstance(seconds, int | float):
            return wait_for_token(resource, data, token, state)
        finished = threading.Event()
        watch = threading.Thread(
            target=contextvars.copy_context().run, args=(_watch, token, float(seconds), finished), daemon=True
        )
        watch.start()
        try:
            return wait_for_token(resource, data, token, state)
        finally:
            finished.set()

    stepfunctions._invoke_with_callback = wait_with_heartbeat


def _watch(token: str, seconds: float, finished: threading.Event) -> None:
    beat, since = None, time.monotonic()
    while not finished.wait(LOOK_EVERY_SECONDS):
        task = stepfunctions._task_tokens.get(token)
        if task is None:
            continue
        if task["heartbeat"] != beat:
            beat, since = task["heartbeat"], time.monotonic()
        if time.monotonic() - since > seconds:
            task["error"] = {"Error": "States.HeartbeatTimeout", "Cause": ""}
            task["event"].set()
            return

"""Gap: a stopped or timed-out execution becomes FAILED if the task it was in fails afterwards.

An execution ends once. It can be removed once ministack leaves an ended execution alone.
"""

from typing import Any

from ministack.services import stepfunctions


def install() -> None:
    """Allow only a running execution to fail."""
    fail = stepfunctions._fail_execution

    def fail_running(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._fail_execution = fail_running

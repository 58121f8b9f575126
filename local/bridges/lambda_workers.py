"""Gap: every concurrent invocation starts its own worker process, without any limit.

A hundred uploads at the same time meant about three hundred processes and more memory than a developer's machine has.
This bridge lets a few run and the others wait, as an account's concurrency limit would throttle and retry them. An
invocation made by a running function is let through, because its caller holds a slot while it waits. It can be removed
once ministack limits its workers.
"""

import threading
from typing import Any

from ministack.services import lambda_svc


def install(at_once: int) -> None:
    """Let at most ``at_once`` invocations run at the same time."""
    places = threading.BoundedSemaphore(at_once)
    execute = lambda_svc._execute_function_warm

    def execute_in_turn(function: Any, event: Any, request_id: str) -> Any:
        if lambda_svc._invoke_depth.get() > 1:
            return execute(function, event, request_id)
        with places:
            return execute(function, event, request_id)

    lambda_svc._execute_function_warm = execute_in_turn

"""Gap: a failed invocation always reports ``Runtime.HandlerError`` instead of its exception, and ends its worker.

AWS returns ``errorType`` (the class name), ``errorMessage`` and ``stackTrace``, and a state machine's Retry and Catch
match on that class name (https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html). The worker knows the
exception and drops it; this bridge makes the worker send it. The runtime reports the exception and takes the next
invocation (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html), so the worker survives, with its
modules' state. It can be removed once ministack's own worker does both.
"""

import contextvars
import json
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_DROPPED = '"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_SENT = (
    '"status": "ok", "error": str(e), "trace": traceback.format_exc(), "failure": {'
    '"errorMessage": str(e), "errorType": type(e).__name__, '
    '"requestId": context.aws_request_id, "stackTrace": traceback.format_tb(e.__traceback__)}}'
)

_NOT_STARTED = '"status": "error", "error": str(e)}'
_WHY_NOT_STARTED = '"status": "error", "error": json.dumps([type(e).__name__, isinstance(e, ImportError), str(e)])}'
_INIT_FAILED = "Worker init failed: "

_failure: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("lambda_failure", default=None)


def install() -> None:
    """Make workers report the exception, and the engine return it."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_DROPPED) != 1 or script.count(_NOT_STARTED) != 1:
        raise RuntimeError("ministack's Lambda worker has changed: the bridge lambda_errors must be reviewed")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_DROPPED, _SENT).replace(_NOT_STARTED, _WHY_NOT_STARTED)

    invoke_worker = lambda_runtime.Worker.invoke
    execute = lambda_svc._execute_function_warm

    def invoke_and_note(worker: Any, *args: Any, **kwargs: Any) -> Any:
        answer = invoke_worker(worker, *args, **kwargs)
        failure = answer.get("failure")
        _failure.set(failure)
        # ministack ends a worker that responds with "error".
        return {**answer, "status": "error"} if failure else answer

    def execute_and_report(function: Any, event: Any, request_id: str) -> Any:
        _failure.set(None)
        answer = execute(function, event, request_id)
        failure = _failure.get()
        if answer.get("error") and failure:
            answer["body"] = failure
        elif answer.get("error") and str(answer["body"].get("errorMessage")).startswith(_INIT_FAILED):
            answer["body"] = _not_started(function, answer["body"]["errorMessage"])
        return answer

    lambda_runtime.Worker.invoke = invoke_and_note
    lambda_svc._execute_function_warm = execute_and_report


def _not_started(function: Any, message: str) -> dict[str, str]:
    """What AWS returns for a module whose import fails."""
    name, at_import, text = json.loads(message.removeprefix(_INIT_FAILED))
    if not at_import:
        return {"errorMessage": text, "errorType": name}
    module = (function.get("config") or function)["Handler"].rpartition(".")[0]
    message = f"Unable to import module '{module}': {text}"
    return {"errorMessage": message, "errorType": "Runtime.ImportModuleError"}

"""Gap: none. The engine's own paths besides the AWS APIs: health, reset, faults, holds, clock, counts, responses.

Only ``local.engine`` calls them. This stays as long as the engine does.
"""

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import ministack.app

from local.bridges import (
    call_counts,
    database_endpoints,
    database_servers,
    faults,
    holds,
    moments,
    moto_services,
    scripted_answers,
)

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def wrap(application: Application) -> Application:
    """The ASGI application with ``/_belay/...`` in front of it."""

    async def application_with_admin(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/_belay/"):
            await application(scope, receive, send)
            return
        status, document = await _answer(scope["path"], await _body(receive))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(document).encode()})

    return application_with_admin


async def _body(receive: Any) -> dict[str, Any]:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return json.loads(body) if body else {}


async def _answer(path: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    if path == "/_belay/reset":
        await _reset()
        return 200, {}
    if path not in _PATHS:
        return 404, {"error": f"{path} is not one of the engine's own paths"}
    try:
        return 200, _PATHS[path](**document) or {}
    except TypeError as error:
        return 400, {"error": str(error)}


async def _reset() -> None:
    _clear()
    scripted_answers.reset()
    await ministack.app._handle_admin_reset("/_ministack/reset", "POST", {})
    moto_services.reset()
    database_endpoints.endpoints.reset()
    database_servers.servers.reset()


def _clear() -> None:
    faults.pending.clear()
    holds.current.clear()
    moments.clock.go()


_PATHS: Mapping[str, Callable[..., dict[str, Any] | None]] = {
    "/_belay/health": lambda: {"process": os.getpid()},
    "/_belay/faults": lambda **asked: faults.pending.api.append(faults.ApiFault(**asked)),
    "/_belay/resource-faults": lambda **asked: faults.pending.resources.append(faults.ResourceFault(**asked)),
    "/_belay/faults/clear": _clear,
    "/_belay/holds": lambda **asked: {"number": holds.current.begin(**asked)},
    "/_belay/holds/waiting": lambda number: {"waiting": holds.current.waiting(number)},
    "/_belay/holds/let-go": holds.current.let_go,
    "/_belay/holds/end": holds.current.end,
    "/_belay/clock/stop": moments.clock.stop,
    "/_belay/clock/go": moments.clock.go,
    "/_belay/calls/begin": call_counts.current.begin,
    "/_belay/calls/end": call_counts.current.end,
    "/_belay/answers": scripted_answers.script,
}
"""What each path does with the members of the document that it receives, and the document that it returns."""

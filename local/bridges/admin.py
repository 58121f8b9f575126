"""Gap: none. The engine's own paths besides the AWS APIs: health, reset, faults to inject and scripted responses.

Only ``local.engine`` calls them. This stays as long as the engine does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import ministack.app

from local.bridges import faults, moto_services, scripted_answers

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
    try:
        match path:
            case "/_belay/health":
                return 200, {"process": os.getpid()}
            case "/_belay/faults":
                faults.pending.api.append(faults.ApiFault(**document))
            case "/_belay/resource-faults":
                faults.pending.resources.append(faults.ResourceFault(**document))
            case "/_belay/faults/clear":
                faults.pending.clear()
            case "/_belay/answers":
                scripted_answers.script(**document)
            case "/_belay/reset":
                faults.pending.clear()
                scripted_answers.reset()
                await ministack.app._handle_admin_reset("/_ministack/reset", "POST", {})
                moto_services.reset()
            case _:
                return 404, {"error": f"{path} is not one of the engine's own paths"}
    except TypeError as error:
        return 400, {"error": str(error)}
    return 200, {}

"""Requests to the console as by a browser, without one: an ASGI request and its response."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import anyio
from starlette.types import ASGIApp

from cli.console.door import Keys


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def said(self) -> str:
        """The page's text, without markup and runs of blanks."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.text).split())


class AskedConsole:
    """The console served on port 4000, and a browser that was let in."""

    def __init__(self, make: Callable[[Keys], ASGIApp]) -> None:
        self.keys = Keys(4000)
        self.app = make(self.keys)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={"cookie": f"{self.keys.cookie}={self.keys.session}"} | headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        known = {"cookie": f"{self.keys.cookie}={self.keys.session}", "origin": self.keys.origin}
        return self.ask("POST", path, urlencode({"form": self.keys.form} | dict(fields)).encode(), known | headers)

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Request a path; a header whose value is empty is left out."""
        sent = {"host": "127.0.0.1:4000", "content-type": "application/x-www-form-urlencoded"} | dict(headers or {})
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items() if value],
            "server": ("127.0.0.1", 4000),
            "client": ("127.0.0.1", 50_000),
        }
        messages: list[dict[str, Any]] = []
        bodies = [body]

        async def receive() -> dict[str, Any]:
            if not bodies:
                await anyio.sleep_forever()
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        async def run() -> None:
            await self.app(scope, receive, send)

        anyio.run(run)
        start = messages[0]
        text = b"".join(each.get("body", b"") for each in messages[1:]).decode()
        return Answer(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, text)

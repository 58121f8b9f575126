"""Who may come in: the browser that was given the address, on this machine, and nobody whose page it happens to show.

A page on the internet can make a browser send requests to 127.0.0.1, and with DNS rebinding read what is answered; a
page of another port of this machine is even of the same site. So every request has to name this very host and port,
carry the cookie for which the address was exchanged, and come from a page of the console, or from no page at all; what
changes something also carries a token that only those pages know.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESS: Final = "127.0.0.1"
"""The only address that the console is served on."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing inline, nothing from anywhere else, and no text that a script turns into a page."""

_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",  # with no-referrer, a form's request would have no origin that can be checked
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_SAFE: Final = ("GET", "HEAD")
_OWN: Final = ("same-origin", "none")
"""What the browser says of requests from a page of the console, and of an address that a person typed or opened
(https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site)."""


@dataclass
class Keys:
    """The secrets of one console. ``entry`` is in its address and is good once, ``session`` is the cookie's."""

    port: int
    entry: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    form: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    exchanged: bool = False

    @property
    def host(self) -> str:
        """What a request's Host has to be."""
        return f"{ADDRESS}:{self.port}"

    @property
    def origin(self) -> str:
        """Where the console's pages are from."""
        return f"http://{self.host}"

    @property
    def address(self) -> str:
        """What a person opens, once."""
        return f"{self.origin}/?token={self.entry}"

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies do not tell ports apart."""
        return f"belay-console-{self.port}"


class Door:
    """ASGI middleware that lets in what the module says, and sends every answer with what its page may do."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, guarded)

    def _answer(self, scope: Scope) -> Response | None:
        """Return why a request is not let in, or the exchange of the address; None if it is passed on."""
        headers, keys = Headers(scope=scope), self._keys
        if headers.get("host") != keys.host:
            return _refused(f"this console answers to {keys.host} only")
        if not _from_here(headers, scope["method"], keys.origin):
            return _refused("this request comes from a page that is not the console's")
        known = compare_digest(
            cookie_parser(headers.get("cookie", "")).get(keys.cookie, "").encode(), keys.session.encode()
        )
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and token and scope["method"] == "GET":
            return self._exchange(token, known=known)
        if known:
            return None
        return _refused("this browser was not let in: open the address that `belay console` printed, or start it again")

    def _exchange(self, token: str, *, known: bool) -> Response:
        """Give the cookie for the token in the address, once."""
        keys = self._keys
        entry = RedirectResponse("/", status_code=303)
        if known:
            return entry
        if keys.exchanged or not compare_digest(token.encode(), keys.entry.encode()):
            return _refused("this address was already used: start `belay console` again")
        keys.exchanged = True
        entry.set_cookie(keys.cookie, keys.session, path="/", httponly=True, samesite="strict")
        return entry


def _from_here(headers: Mapping[str, str], method: str, origin: str) -> bool:
    """Whether a request comes from a page of the console or, if it changes nothing, from no page.

    A browser that says nothing of the sort is older than what it has to say; the cookie is asked for all the same.
    """
    if headers.get("sec-fetch-site", "none") not in _OWN:
        return False
    if method in _SAFE:
        return headers.get("origin", origin) == origin
    return headers.get("origin") == origin


def _refused(why: str) -> Response:
    return PlainTextResponse(f"belay console: {why}\n", status_code=403)

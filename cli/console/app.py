"""The console's pages: each is a view, shown once and, if it is live, again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from hmac import compare_digest
from urllib.parse import parse_qsl

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from belay.aws.clock import now
from cli.account import Account
from cli.console import pages
from cli.console.acting import ACTS, LONGEST_BODY
from cli.console.desk import HERE, Desk, Shown
from cli.console.door import Door, Keys
from cli.problems import REFUSED, Refused, in_words, status_of

View = Callable[[Desk, Request], Shown]

_LIVE = "/live"
_FORBIDDEN, _NOT_FOUND, _CONFLICT, _UNREACHABLE = 403, 404, 409, 502

VIEWS: dict[str, View] = {
    "/": pages.overview,
    "/applications/{application}": pages.application,
    "/releases/{application}/{name}": pages.release,
    "/compare/{application}": pages.compare,
    "/incidents": pages.incidents,
    "/incidents/{application}/{name}": pages.incident,
    "/history/{application}/{stage}": pages.history,
    "/measures": pages.measures,
    "/approve/{application}/{version}/{stage}": pages.approval,
}


def console(belay: Account, keys: Keys, clock: Callable[[], datetime] = now, *, look_every: float = 2.0) -> Starlette:
    """Return the console's application, behind its door."""
    desk = Desk(belay, keys, clock, look_every)
    routes: list[BaseRoute] = [Mount("/static", StaticFiles(directory=HERE / "static"))]
    for path, view in VIEWS.items():
        routes += [Route(path, _page(desk, view)), Route(f"{_LIVE}{path}", _changes(desk, view))]
    routes += [
        Route("/act/{act}", _asking(desk), methods=["GET"]),
        Route("/act/{act}", _acting(desk), methods=["POST"]),
        Route("/{path:path}", _page(desk, pages.nothing)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Door, keys=keys)])


def _page(desk: Desk, view: View) -> Callable[[Request], Response]:
    """Return what answers requests for a view."""

    def endpoint(request: Request) -> Response:
        shown = seen(desk, view, request)
        page, _ = desk.render(shown, request)
        return HTMLResponse(page, shown.status)

    return endpoint


def _asking(desk: Desk) -> Callable[[Request], Response]:
    """Return what shows an act before it is done."""

    def view(desk: Desk, request: Request) -> Shown:
        act = ACTS.get(request.path_params["act"])
        if act is None or act.shows is None:
            raise Refused(f"there is no page {request.url.path}")
        return act.shows(desk, request.query_params)

    return _page(desk, view)


def _acting(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    """Return what does an act, for a form of one of the console's own pages, and then shows what was done."""

    def act(request: Request, fields: Mapping[str, str]) -> Response:
        wanted = ACTS.get(request.path_params["act"])
        if wanted is None:
            raise Refused(f"there is no action {request.path_params['act']}")
        done = wanted.does(desk, fields)
        return RedirectResponse(f"{done.then}?told={desk.tell(done.said)}", status_code=303)

    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        fields = {} if body is None else dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        if not compare_digest(fields.pop("form", "").encode(), desk.keys.form.encode()):
            return _problem(
                desk, request, "this form is not from a page of this console: open the page again", _FORBIDDEN
            )
        try:
            return await run_in_threadpool(act, request, fields)
        except Exception as error:
            status = status_of(error)
            if status is None:
                raise
            return _problem(desk, request, in_words(error), _CONFLICT if status == REFUSED else _UNREACHABLE)

    return endpoint


async def _body(request: Request) -> bytes | None:
    """Return a form's bytes, None where they are more than any form of the console has."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            return None
    return body


def _problem(desk: Desk, request: Request, why: str, status: int) -> Response:
    shown = Shown("problem.html", "This was not done", {"why": why}, live=False)
    return HTMLResponse(desk.render(shown, request)[0], status)


def seen(desk: Desk, view: View, request: Request) -> Shown:
    """Return what a view shows: why it can show nothing, if so. An error of the console's own is raised."""
    try:
        return view(desk, request)
    except Exception as error:
        status = status_of(error)
        if status is None:
            raise
        code = _NOT_FOUND if status == REFUSED else _UNREACHABLE
        return Shown("problem.html", "This cannot be shown", {"why": in_words(error)}, live=False, status=code)


def _changes(desk: Desk, view: View) -> Callable[[Request], Awaitable[Response]]:
    """Return what tells a page that is open, by server-sent events, that it would now show something else.

    https://html.spec.whatwg.org/multipage/server-sent-events.html
    """

    async def events(request: Request) -> AsyncIterator[str]:
        before = request.query_params.get("digest")
        while True:
            digest = await run_in_threadpool(_digest, desk, view, request)
            yield ": still the same\n\n" if digest == before else f"data: {digest}\n\n"
            before = digest
            await anyio.sleep(desk.look_every)

    async def endpoint(request: Request) -> Response:
        return StreamingResponse(events(request), media_type="text/event-stream")

    return endpoint


def _digest(desk: Desk, view: View, request: Request) -> str:
    """Return the digest of the page whose changes are asked for, as it is now."""
    of_page = Request({**request.scope, "path": request.scope["path"].removeprefix(_LIVE)})
    return desk.render(seen(desk, view, of_page), of_page)[1]

"""A console with a month of releases in its ledger, and the installed browser that opens it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from cli.console.app import console
from cli.console.command import bound
from cli.console.door import Keys
from local.browser import QUIET, installed_browser
from local.console_scene import Put, Scene, furnish, played

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOSTILE = (
    "<img src=x onerror=alert(1)>\"'></script><script>alert(2)</script>{{7*7}}\u202egpj.exe\u2028javascript:alert(3)"
)
"""A text's harmless content, and what an attacker would add."""


@dataclass
class Shown:
    """A served console, its ledger's content, and a browser's page that was let in."""

    scene: Scene
    put: dict[str, Put]
    keys: Keys
    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.keys.origin + path)
        return self.page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or an installed Chrome or Edge."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=60_000)  # the machine may be busy with others
        started = playwright.chromium.launch(executable_path=installed_browser(), args=list(QUIET))
        yield started
        started.close()


@dataclass(frozen=True)
class Served:
    scene: Scene
    put: dict[str, Put]
    keys: Keys


def served(said: object = str) -> Iterator[Served]:
    """Serve a console in a separate thread until the generator is closed."""
    with played(NOW, said) as scene, bound(0) as listening:  # type: ignore[arg-type]
        put = furnish(scene)
        keys = Keys(listening.getsockname()[1])
        app = console(scene.account(), keys, lambda: NOW, look_every=0.5)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield Served(scene, put, keys)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def plain() -> Iterator[Served]:
    yield from served()


@pytest.fixture(scope="module")
def hostile() -> Iterator[Served]:
    yield from served(lambda text: f"{text} {HOSTILE}")


def let_in(context: BrowserContext, found: Served) -> Shown:
    """Open the console's address as a person does; the browser's errors are collected."""
    page = context.new_page()
    shown = Shown(found.scene, found.put, found.keys, page)
    page.on("console", lambda message: shown.complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (shown.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: _at_home(shown, request.url))
    cookie = {"name": found.keys.cookie, "value": found.keys.session, "url": found.keys.origin}
    context.add_cookies([cookie])  # type: ignore[list-item]
    return shown


def _at_home(shown: Shown, url: str) -> None:
    if not url.startswith(shown.keys.origin + "/"):
        shown.complaints.append(f"asked for {url}")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(60_000)
    yield made
    made.close()


@pytest.fixture
def shown(context: BrowserContext, plain: Served) -> Iterator[Shown]:
    found = let_in(context, plain)
    yield found
    assert found.complaints == []


def every_page(put: dict[str, Put]) -> dict[str, str]:
    """Every page of the console, by name."""
    operator, question, approval = (put[each].release for each in ("operator", "question", "approval"))
    return {
        "overview": "/",
        "application": "/applications/orders",
        "release": f"/releases/orders/{operator.version}",
        "going": f"/releases/catalogue/{put['going'].version}",
        "refused": f"/releases/orders/{put['refused'].version}",
        "incidents": "/incidents",
        "operator": f"/incidents/orders/orders-production-{operator.attempt}",
        "question": f"/incidents/search/search-production-{question.attempt}",
        "history": "/history/orders/production",
        "frozen": "/history/billing/production",
        "measures": "/measures",
        "compare": "/compare/orders?before=1.4.0&after=1.5.0",
        "choose": "/compare/orders",
        "approval": f"/approve/payments/{approval.version}/production",
        "act": "/act/pause",
        "problem": "/releases/orders/9.9.9",
    }

"""Takes the pictures of the console in ``docs/pictures``, with an installed browser: ``make pictures``."""

import base64
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from cli.console.app import console
from cli.console.command import bound
from cli.console.door import Keys
from local.browser import QUIET, installed_browser
from local.console_scene import Put, furnish, played

NOW: Final = datetime(2026, 11, 27, 14, 5, tzinfo=UTC)
PICTURES: Final = Path(__file__).parents[1] / "docs" / "pictures"
_SIZES: Final = {"light": (1160, 760), "dark": (1160, 760), "narrow": (390, 780)}
_QUALITY: Final = 82


def _pages(put: dict[str, Put]) -> dict[str, str]:
    operator, approval, going, wave = (put[each].release for each in ("operator", "approval", "going", "wave"))
    return {
        "overview": "/",
        "release": f"/releases/catalogue/{going.version}",
        "wave": f"/releases/basket/{wave.version}",
        "incident": f"/incidents/orders/orders-production-{operator.attempt}",
        "approval": f"/approve/payments/{approval.version}/production",
    }


def take() -> None:
    """Serve a simulated account's console, and take every picture."""
    found = installed_browser()
    PICTURES.mkdir(exist_ok=True)
    with played(NOW) as scene, bound(0) as listening, sync_playwright() as playwright:
        put = furnish(scene)
        keys = Keys(listening.getsockname()[1])
        app = console(scene.account(), keys, lambda: NOW)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        for theme, size in _SIZES.items():
            _take(browser, keys, _pages(put), theme, size)
        browser.close()
        server.should_exit = True


def _take(browser: Browser, keys: Keys, pages: dict[str, str], theme: str, size: tuple[int, int]) -> None:
    viewport = ViewportSize(width=size[0], height=size[1])
    context = browser.new_context(viewport=viewport, color_scheme="dark" if theme == "dark" else "light")
    context.add_cookies([{"name": keys.cookie, "value": keys.session, "url": keys.origin}])
    page = context.new_page()
    page.clock.set_fixed_time(NOW)
    for name, path in pages.items():
        page.goto(keys.origin + path)
        page.locator("#state:not(:text('Connecting'))").wait_for(state="attached")
        for drawer in page.locator("details.executing").all():
            drawer.evaluate("each => { each.open = true; }")
        asked = {"format": "webp", "quality": _QUALITY}
        data = base64.b64decode(context.new_cdp_session(page).send("Page.captureScreenshot", asked)["data"])
        (PICTURES / f"{name}-{theme}.webp").write_bytes(data)
        print(f"docs/pictures/{name}-{theme}.webp  {len(data):,} bytes")
    context.close()


if __name__ == "__main__":
    take()

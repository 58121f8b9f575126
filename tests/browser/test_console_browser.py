"""The console in a real browser: let in once, usable without a mouse, updated live, and confirming before it acts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest.mock import patch

import pytest
from conftest import Served, Shown, every_page, let_in
from playwright.sync_api import Browser, BrowserContext, expect

from belay.release.life import State
from belay.release.records import Outcome
from belay.stack.plan import Progress
from cli import decision

PAGES = [
    "overview",
    "application",
    "release",
    "going",
    "refused",
    "incidents",
    "operator",
    "question",
    "history",
    "frozen",
    "measures",
    "compare",
    "choose",
    "approval",
    "act",
    "problem",
]


def test_the_address_lets_one_browser_in_and_is_gone(browser: Browser, plain: Served) -> None:
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    page.goto(plain.keys.address)
    expect(page).to_have_url(f"{plain.keys.origin}/")
    expect(page.get_by_role("heading", name="Needs a person")).to_be_visible()
    (cookie,) = first.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    other = second.new_page()
    other.goto(plain.keys.address)
    expect(other.get_by_text("already used")).to_be_visible()
    first.close()
    second.close()


@pytest.fixture
def another_program() -> Iterator[str]:
    """The address of a page that another program serves on this machine."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>another</title>")

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_page_of_another_port_cannot_read_or_do_anything(
    context: BrowserContext, plain: Served, another_program: str
) -> None:
    """It is of the same site, so that the browser sends it the cookie; the console does not respond."""
    shown = let_in(context, plain)
    page = context.new_page()
    page.goto(another_program)
    read = "url => fetch(url, {credentials: 'include'}).then(answer => answer.status, error => 'refused')"
    assert page.evaluate(read, f"{shown.keys.origin}/") == "refused"
    sends = (
        "async url => { const frame = Object.assign(document.createElement('iframe'), {name: 'sent'});"
        "document.body.append(frame); const form = Object.assign(document.createElement('form'),"
        "{method: 'post', action: url, target: 'sent'}); document.body.append(form); form.submit(); }"
    )
    with page.expect_response(f"{shown.keys.origin}/act/pause") as answered:
        page.evaluate(sends, f"{shown.keys.origin}/act/pause")
    assert answered.value.status == 403
    assert plain.scene.ssm.get_parameter(Name="/belay/paused")["Parameter"]["Value"] == "false"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole(shown: Shown, name: str) -> None:
    """Nothing is wider than a narrow screen, requested from elsewhere, or blocked by the page's policy."""
    page = shown.open(every_page(shown.put)[name])
    expect(page.locator("h1")).to_have_count(1)
    page.set_viewport_size({"width": 360, "height": 800})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    if name == "problem":
        shown.complaints.clear()  # the browser reports that it was not found


def test_what_needs_a_person_comes_first_and_leads_there(shown: Shown) -> None:
    page = shown.open("/")
    calls = page.locator(".calls > li")
    expect(calls).to_have_count(3)
    expect(calls.first).to_contain_text("A rollback waits for an answer in search / production")
    expect(page.locator(".stage.call")).to_have_count(3)
    calls.nth(1).get_by_role("link").click()
    expect(page.get_by_role("heading", name="Left to a person")).to_be_visible()
    expect(page.get_by_text("continue the rollback without Topic", exact=True)).to_be_visible()


def test_it_is_used_without_a_mouse(shown: Shown) -> None:
    page = shown.open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("bill")
    expect(page.locator("article.app:visible")).to_have_count(1)
    expect(page.locator("#filtered")).to_have_text("1 shown")


def test_the_theme_is_the_system_s_until_somebody_chooses(shown: Shown) -> None:
    page = shown.open("/")
    background = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    assert light != dark
    toggle = page.get_by_role("button", name="Dark")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    assert page.evaluate(background) == light
    page.reload()
    assert page.evaluate(background) == light
    expect(toggle).to_have_attribute("aria-pressed", "false")


def test_a_release_is_followed_live_and_nothing_moves(shown: Shown) -> None:
    """What a person opened stays open, focus is kept, and no part of the page shifts."""
    put, scene = shown.put["going"], shown.scene
    page = shown.open(every_page(shown.put)["going"])
    expect(page.locator("#state")).to_have_text("Live")
    lane = page.get_by_role("article", name="Stage production")
    expect(lane.locator(".lanestate")).to_have_text("executing service")
    stack = lane.locator("details").nth(1)
    stack.locator("summary").click()
    expect(stack).to_contain_text("UPDATE_IN_PROGRESS")
    page.evaluate(
        "() => { window.shifts = []; new PerformanceObserver(list => { for (const each of list.getEntries()) "
        "if (!each.hadRecentInput) window.shifts.push(each.value); }).observe({type: 'layout-shift'}); }"
    )
    scene.plan(put, "production", Progress.EXECUTED, Progress.EXECUTED)
    expect(stack.locator(".stackstate")).to_contain_text("deployed")
    for number, state in enumerate((State.VALIDATED, State.VERIFIED), 1):
        scene.ledger.attempts.record(put.release, state, scene.at(-number), stage="production")
        expect(lane.locator(".lanestate")).to_have_text(state.lower())
    scene.ledger.attempts.end_stage(
        put.release, "production", Outcome.DEPLOYED, good=True, fencing=None, now=scene.at(-3)
    )
    scene.end(put, Outcome.DEPLOYED, -4)
    expect(lane.locator(".lanestate")).to_have_text("DEPLOYED")
    expect(page.locator(".titled .tag")).to_have_text("DEPLOYED")
    expect(stack).to_have_attribute("open", "")
    expect(stack.locator("summary")).to_be_focused()
    expect(lane.locator(".track li.later, .track li.now")).to_have_count(0)
    assert page.evaluate("window.shifts") == []


def test_an_approval_sends_the_seal_that_was_shown(shown: Shown) -> None:
    sent: list[Any] = []

    def post(url: str, document: Any, *_: Any) -> tuple[int, Any]:
        sent.append((url, document))
        return 200, {"by": "arn:aws:iam::123456789012:user/ben"}

    page = shown.open(every_page(shown.put)["approval"])
    seal = page.locator(".facts code").inner_text()
    page.get_by_label("Why").fill("looked at it")
    with patch.object(decision, "post_signed", post):
        page.get_by_role("button", name="Approve").click()
        expect(page.locator(".told")).to_contain_text("was approved by arn:aws:iam::123456789012:user/ben")
    ((url, document),) = sent
    assert url == "https://decide.example/"
    assert document.pop("seal").startswith(seal)
    assert document == {
        "decision": "approve",
        "application": "payments",
        "version": shown.put["approval"].version,
        "stage": "production",
        "comment": "looked at it",
    }


def test_what_is_refused_is_said(shown: Shown) -> None:
    page = shown.open(every_page(shown.put)["question"])
    with patch.object(
        decision, "post_signed", lambda *_: (409, {"error": "AlreadyAnswered", "message": "was denied by ana"})
    ):
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("was denied by ana")).to_be_visible()
    shown.complaints.clear()  # the browser reports a conflict


def test_a_rollback_shows_its_plan_first(shown: Shown) -> None:
    asked: list[Any] = []

    def post(url: str, document: Any, *_: Any) -> tuple[int, Any]:
        asked.append(document)
        done = {} if document.get("plan_only") else {"incident": "orders-production-0123456789ab", "execution": "arn"}
        return 200, {"lines": ["1. network: bring the stack back"], **done}

    page = shown.open("/history/billing/production")
    with patch.object(decision, "post_signed", post):
        page.get_by_role("link", name="Plan a rollback").first.click()
        expect(page.get_by_text("network: bring the stack back")).to_be_visible()
        assert [each.get("plan_only") for each in asked] == [True]
        page.get_by_role("link", name="No, back to the overview").click()
        assert len(asked) == 1


def test_a_pause_is_asked_once_and_ended(shown: Shown) -> None:
    page = shown.open("/")
    page.get_by_role("link", name="Pause releases").click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_text("Releases are paused: new uploads are held.")).to_be_visible()
    expect(page.get_by_text("Releases are paused: 0 held.")).to_be_visible()
    page.get_by_role("link", name="resumes").click()
    with patch("cli.resume.sweep", lambda belay: True):
        page.get_by_role("button", name="Yes, do it").click()
        expect(page.get_by_text("Resumed; held uploads: 0")).to_be_visible()

"""Text chosen by a release, a template or a person is only text, on every page."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from conftest import Served, every_page, let_in
from playwright.sync_api import BrowserContext, expect

from cli import decision


def test_hostile_text_is_only_text(context: BrowserContext, hostile: Served) -> None:
    """Every text chosen by a release, a template or a person, on every page, including forms' hidden fields."""
    shown = let_in(context, hostile)
    for name, path in every_page(shown.put).items():
        page = shown.open(path)
        for drawer in page.locator("details").all():
            drawer.evaluate("each => { each.open = true; }")
        assert page.locator("img[src='x'], script:not([src]), [onerror]").count() == 0, name
        text = page.locator("main").inner_text()
        assert "\u202e" not in text, name
        assert "49" not in text.replace("1.49", "") or "{{7*7}}" in text, name
        if name not in ("overview", "application", "incidents", "history", "measures", "choose", "act", "problem"):
            assert "<img src=x onerror=alert(1)>" in text, f"{name} shows none of it"
    assert [each for each in shown.complaints if "404" not in each] == []


def test_answers_are_sent_as_they_were_shown(context: BrowserContext, hostile: Served) -> None:
    shown = let_in(context, hostile)
    sent: list[Any] = []

    def post(url: str, document: Any, *_: Any) -> tuple[int, Any]:
        sent.append(document)
        return 200, {"by": "ben"}

    page = shown.open(every_page(shown.put)["question"])
    page.get_by_label("Why").fill("<b>no</b>")
    with patch.object(decision, "post_signed", post):
        page.get_by_role("button", name="Deny").click()
        expect(page.get_by_text("update-network was denied by ben.")).to_be_visible()
    assert sent[0]["comment"] == "<b>no</b>"
    assert sent[0]["question"] == "update-network"

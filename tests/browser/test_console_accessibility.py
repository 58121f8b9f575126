"""Every page in both themes, checked against WCAG 2.2 A and AA and axe's best practices."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Served, every_page, let_in
from playwright.sync_api import BrowserContext
from test_console_browser import PAGES

EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
COLORS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""What the other theme may change: colors, and nothing else."""


@pytest.mark.parametrize("name", PAGES)
def test_every_page_can_be_used_by_everybody(context: BrowserContext, plain: Served, name: str) -> None:
    """In both themes. What axe could not decide counts as well: pages are changed until it can."""
    shown = let_in(context, plain)
    page, found = shown.open(every_page(shown.put)[name]), {}
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    for theme, rules in (("light", EVERYTHING), ("dark", COLORS)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        results = Axe().run(page, options={"runOnly": rules}).response
        assert results["passes"], f"axe looked at nothing of {name}"
        found[theme] = [
            f"{kind}: {each['id']}: {each['help']}: {node['html'][:150]} {node.get('any', [{}])[:1]}"
            for kind in ("violations", "incomplete")
            for each in results[kind]
            for node in each["nodes"]
        ]
    assert found == {"light": [], "dark": []}

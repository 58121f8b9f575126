"""Every page's links resolve, and a page's counts are correct."""

import re
from pathlib import Path

import pytest
from project import ROOT, template, tracked_files

from belay.release.place import Power
from cli.commands import COMMANDS

PAGES = sorted(each for each in tracked_files() if each.suffix == ".md")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def text(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.relative_to(ROOT)))
def test_a_pages_links_lead_somewhere(page: Path) -> None:
    for path, anchor in _LINK.findall(text(page)):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), f"{path}#{anchor}"


def test_the_alarms_that_cost_something_are_counted() -> None:
    alarms = [each for each in template("alarms.yaml")["Resources"].values() if each["Type"].endswith("::Alarm")]
    assert f"one KMS key, {len(alarms)} alarms;" in (ROOT / "docs" / "deploying.md").read_text()


def test_the_roles_of_a_spoke_are_counted() -> None:
    assert f"it gets {WORDS[len(Power)]} roles that Belay assumes" in (ROOT / "docs" / "accounts.md").read_text()


def test_the_readme_names_every_command() -> None:
    named = re.findall(
        r"`([a-z ]+)`", (ROOT / "README.md").read_text().partition("## The command\n")[2].partition("\n## ")[0]
    )
    assert {" ".join(words) for words in COMMANDS} - set(named) == set()


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        linked = {(page.parent / path).resolve() for path, _ in _LINK.findall(text(page)) if path.endswith(".md")}
        waiting += linked - reached
    kept = {each for each in PAGES if (ROOT / "tests") not in each.parents}
    assert {str(each.relative_to(ROOT)) for each in kept - reached} == set()

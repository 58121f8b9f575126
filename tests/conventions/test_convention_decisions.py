"""Every decision is one file of the same form, and the index lists them all with their status."""

import re

import pytest
from project import ROOT

DECISIONS = ROOT / "docs" / "decisions"
FILES = sorted(DECISIONS.glob("[0-9]*.md"))
FORM = re.compile(
    r"# (?P<number>\d{4}): (?P<title>[A-Z][^\n]+)\n\n"
    r"- Date: \d{4}-\d{2}-\d{2}\n"
    r"- Status: (?P<status>accepted|superseded by (?P<successor>\d{4}))\n\n"
    r"(?P<reason>\S.+?)\n\n"
    r"## What would change our mind\n\n"
    r"\S.+\n",
    re.DOTALL,
)


def form(text: str) -> dict[str, str]:
    """The parts of a decision; fails if one is missing."""
    found = FORM.fullmatch(text)
    assert found is not None, f"expected a title, date, status, reason and what would change our mind: {text[:80]!r}"
    return found.groupdict()


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_a_decision_has_its_number_date_status_reason_and_what_would_change_it(name: str) -> None:
    decision = form((DECISIONS / name).read_text())

    assert re.fullmatch(rf"{decision['number']}(-[a-z0-9]+)+\.md", name)


def test_numbers_are_consecutive() -> None:
    assert [int(path.name[:4]) for path in FILES] == list(range(1, len(FILES) + 1))


def test_what_supersedes_a_decision_is_a_later_one() -> None:
    successors = {path.name[:4]: form(path.read_text())["successor"] for path in FILES}

    assert {n: s for n, s in successors.items() if s and not n < s <= FILES[-1].name[:4]} == {}


def test_the_index_lists_every_decision_with_its_title_and_status() -> None:
    decisions = {path.name: form(path.read_text()) for path in FILES}
    index = (DECISIONS / "README.md").read_text()

    assert re.findall(r"^\| \[.*$", index, re.MULTILINE) == [
        f"| [{each['number']}]({name}) | {each['title']} | {each['status']} |" for name, each in decisions.items()
    ]

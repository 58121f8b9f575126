"""docs/rollback.md matches the planner: every status, every step, and always up to date."""

from pathlib import Path

from belay.rollback.plan import Action
from belay.stack.status import StackStatus
from cli.rollback_page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "rollback.md"

OF_OTHERS = {
    action
    for action in Action
    if action.name.endswith(("DATABASE", "MEMBER", "ROLE", "ORIGINAL", "RESTORED", "REPLACED", "SCALING", "SERVICE"))
} | {Action.VERIFY, Action.CHECK_CHANGES, Action.UNDO_CHANGES}
"""The steps about databases, services and the stage as a whole."""


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m cli.rollback_page > docs/rollback.md"


def test_the_page_has_every_status_and_every_step_about_stacks() -> None:
    rows = [line.split(" | ")[0].strip("| ") for line in page().splitlines() if line.startswith("| ")]
    assert {status.value for status in StackStatus} <= set(rows)
    assert {action.value for action in set(Action) - OF_OTHERS} <= set(rows)

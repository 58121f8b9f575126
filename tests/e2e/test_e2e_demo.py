"""The demo's scenarios, run once: every release ends as it should, and messages match word for word.

``make demo golden`` updates the expected messages.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from local.demo import play
from local.demo_console import Screen
from local.demo_scenarios import SCENARIOS
from local.golden_messages import DIRECTORY, files

NAMES = [scenario.name for scenario in SCENARIOS]


@pytest.fixture(scope="module")
def played() -> Mapping[str, dict[str, Any]]:
    """The result of each scenario, by its name, from the demo's report."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", "0.1")
        results = play(Screen(Console(file=io.StringIO())), SCENARIOS)
    return {result.scenario.name: result.to_dict() for result in results}


@pytest.mark.parametrize("name", NAMES)
def test_a_release_ends_as_the_demo_says(played: Mapping[str, dict[str, Any]], name: str) -> None:
    assert played[name]["outcome"] == played[name]["expected"]


def test_no_order_is_lost_when_a_change_is_undone_or_the_database_restored(
    played: Mapping[str, dict[str, Any]],
) -> None:
    assert played["undo"]["orders"] == {"before": 5, "changed": 5, "after": 6}
    assert played["database-rollback"]["orders"] == {"before": 6, "changed": 4, "after": 6, "replaced": 5}


@pytest.mark.parametrize("name", NAMES)
def test_people_are_told_this(played: Mapping[str, dict[str, Any]], name: str) -> None:
    expected = {
        path.relative_to(DIRECTORY).as_posix(): path.read_text() for path in sorted((DIRECTORY / name).glob("*.txt"))
    }
    assert files([played[name]]) == expected


def test_no_message_is_kept_of_a_scenario_that_is_gone() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == set(NAMES)


def test_a_good_release_makes_two_messages() -> None:
    kinds = [path.stem.partition("-")[2] for path in sorted((DIRECTORY / "good").glob("*.txt"))]
    assert kinds == ["deployment-started", "release-ended"]

"""The demo's scenarios are complete and its report has the documented shape."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.progress import Execution, ProgressStep
from examples.releases import versions
from local.demo import DemoResult
from local.demo_inbox import Received
from local.demo_scenarios import SCENARIOS, Scenario, UnknownScenarioError, chosen, side_by_side

START = datetime(2026, 1, 2, tzinfo=UTC)
SCENARIO = Scenario("good", "orders", "1.0.0", "DEPLOYED", "A good release.")


def test_every_scenario_has_a_name_of_its_own_and_a_release() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert all(each.version in versions(each.application) for each in SCENARIOS if not each.synthesised)


@pytest.mark.parametrize(("outcome", "good"), [("DEPLOYED", True), ("REJECTED", False), (None, False)])
def test_only_the_expected_outcome_is_good(outcome: str | None, good: bool) -> None:
    assert DemoResult(SCENARIO, outcome, 1.0, (), ()).as_expected is good


def test_the_report_tells_states_in_the_order_in_which_they_were_entered() -> None:
    def step(machine: str, state: str, entered: int, left: int) -> ProgressStep:
        moments = (START + timedelta(seconds=seconds) for seconds in (entered, left))
        return ProgressStep(machine, None, state, "Task", *moments)

    release = Execution(
        "a",
        "deploy_release",
        None,
        START,
        False,
        (step("deploy_release", "A", 0, 1), step("deploy_release", "C", 3, 5)),
    )
    stage = Execution("b", "deploy_stage", "test", START, False, (step("deploy_stage", "B", 2, 3),))
    message = Received("DEPLOYED: orders", "It is deployed.", {"outcome": "DEPLOYED"}, "2026-01-02T00:00:05Z")

    assert DemoResult(SCENARIO, "DEPLOYED", 5.12345, (release, stage), (message,)).to_dict() == {
        "scenario": "good",
        "application": "orders",
        "version": "1.0.0",
        "expected": "DEPLOYED",
        "outcome": "DEPLOYED",
        "seconds": 5.123,
        "states": [
            {"machine": "deploy_release", "state": "A", "seconds": 1.0},
            {"machine": "deploy_stage", "state": "B", "seconds": 1.0},
            {"machine": "deploy_release", "state": "C", "seconds": 2.0},
        ],
        "messages": [
            {"subject": "DEPLOYED: orders", "text": "It is deployed.", "attributes": {"outcome": "DEPLOYED"}},
        ],
        "orders": {},
    }


def test_some_scenarios_are_chosen_with_those_that_they_build_on() -> None:
    assert chosen(None) == SCENARIOS
    assert [each.name for each in chosen("approval, open-ssh")] == ["good", "open-ssh", "approval"]
    assert [each.name for each in chosen("database-rollback")] == ["good", "good-after", "database-rollback"]


def test_a_scenario_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UnknownScenarioError, match=r"expected names of scenarios \(good, .*\), found bad"):
        chosen("bad,good")


def test_what_has_a_stage_elsewhere_is_played_beside_the_others() -> None:
    at_home, elsewhere = side_by_side(SCENARIOS)

    away = ["other-account", "other-account-fails", "two-regions", "waves", "lost-region"]
    assert [each.name for each in elsewhere] == away
    assert list(at_home) == [each for each in SCENARIOS if each not in elsewhere]


def test_scenarios_that_build_on_each_other_are_played_on_one_engine() -> None:
    assert side_by_side(chosen("undo")) == (chosen("undo"),)
    assert side_by_side(chosen("approval")) == (chosen("approval"),)
    assert side_by_side(chosen("other-account-fails")) == (chosen("other-account-fails"),)
    assert side_by_side(chosen("waves,lost-region")) == (chosen("waves,lost-region"),)

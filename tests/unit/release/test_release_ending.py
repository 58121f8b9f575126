from typing import Any

import pytest

from belay.release.ending import Close, Recover, stage_ended, what_is_left
from belay.release.records import Outcome

STAGES = ("test", "production")


def left(**record: Any) -> Recover | Close | None:
    return what_is_left(record, STAGES)


def test_what_was_told_is_over() -> None:
    assert left(state="DEPLOYED", outcome="DEPLOYED", announced=True) is None


@pytest.mark.parametrize("stage", ["", "production"])
def test_an_outcome_that_was_not_told_is_told_as_it_stands(stage: str) -> None:
    ending = left(state="ROLLED_BACK", stage=stage, outcome="ROLLED_BACK", reason="it failed")
    assert ending == Close(Outcome.ROLLED_BACK, "it failed", stage or None)


@pytest.mark.parametrize("state", ["ACCEPTED", "CHECKED"])
def test_a_release_that_entered_no_stage_changed_nothing(state: str) -> None:
    ending = left(state=state, stage="")
    assert isinstance(ending, Close)
    assert (ending.outcome, ending.stage) == (Outcome.NEEDS_OPERATOR, None)
    assert "nothing was changed" in ending.reason


@pytest.mark.parametrize(
    "state",
    ["PLANNING", "AWAITING APPROVAL", "EXECUTING network", "VALIDATED FAIL", "STAGE ROLLBACK", "RECOVERING"],
)
def test_a_release_in_the_middle_of_a_stage_is_recovered_there(state: str) -> None:
    assert left(state=state, stage="production") == Recover("production")


@pytest.mark.parametrize("outcome", Outcome)
def test_the_last_stage_s_outcome_is_the_release_s(outcome: Outcome) -> None:
    ending = left(state=stage_ended(outcome), stage="production")
    assert isinstance(ending, Close)
    assert (ending.outcome, ending.stage) == (outcome, "production")


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.DEPLOYED}))
def test_a_stage_that_was_not_deployed_ends_the_release(outcome: Outcome) -> None:
    ending = left(state=stage_ended(outcome), stage="test")
    assert isinstance(ending, Close)
    assert ending.outcome is outcome


def test_a_release_between_two_stages_is_gone_on_with_by_a_person() -> None:
    ending = left(state=stage_ended(Outcome.DEPLOYED), stage="test")
    assert isinstance(ending, Close)
    assert ending.outcome is Outcome.NEEDS_OPERATOR
    assert "after test and before the next stage" in ending.reason

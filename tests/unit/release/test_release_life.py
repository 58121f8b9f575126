"""The table of an attempt's states, and its page."""

from pathlib import Path

import pytest

from belay.release.life import ENTERING, FOLLOWS, State, before
from cli.life_page import page

PAGE = Path(__file__).parents[3] / "docs" / "release-life.md"
OF_A_STAGE = [each for each in State if each.in_stage or each is State.STAGE_ENDED]
LASTING = [each for each in State if each not in (*OF_A_STAGE, State.ENDED)]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m cli.life_page > docs/release-life.md"


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(FOLLOWS) == set(State)
    reached, looked_at = {State.CLAIMED, *ENTERING}, set()
    while reached - looked_at:
        state = min(reached - looked_at)
        looked_at.add(state)
        reached |= FOLLOWS[state]
    assert reached == set(State)


@pytest.mark.parametrize("state", LASTING)
def test_an_attempt_may_end_from_anywhere(state: State) -> None:
    assert State.ENDED in FOLLOWS[state]


@pytest.mark.parametrize("state", [each for each in State if each.in_stage and each is not State.RECOVERING])
def test_a_stage_may_fail_or_end_from_anywhere_in_it(state: State) -> None:
    assert {State.RECOVERING, State.STAGE_ENDED} <= FOLLOWS[state]


def test_a_recovery_can_only_end() -> None:
    assert FOLLOWS[State.RECOVERING] == {State.STAGE_ENDED}


def test_no_state_of_an_attempt_follows_one_in_a_stage_or_the_other_way() -> None:
    for state, after in FOLLOWS.items():
        assert {each in OF_A_STAGE for each in after} <= {state in OF_A_STAGE}


@pytest.mark.parametrize("state", State)
def test_what_may_come_before_is_what_it_follows_and_itself_unless_it_is_an_end(state: State) -> None:
    again = set() if state in (State.STAGE_ENDED, State.ENDED) else {state}
    assert before(state) == {each for each in State if state in FOLLOWS[each]} | again

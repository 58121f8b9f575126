"""Whose operation was the last: told by the token of the newest event."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from belay.stack.operation import last_token


def event(second: int, token: str | None) -> dict[str, Any]:
    time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(seconds=second)
    return {"Timestamp": time, "LogicalResourceId": "Topic"} | ({"ClientRequestToken": token} if token else {})


@given(seed=st.randoms(use_true_random=False))
def test_the_newest_event_says_it_in_whatever_order_they_come(seed: random.Random) -> None:
    events = [event(1, "belay-1"), event(2, "belay-1"), event(3, "console-1")]
    seed.shuffle(events)
    assert last_token(events) == "console-1"


def test_of_events_at_the_same_time_the_first_in_the_answer_is_the_newest() -> None:
    assert last_token([event(1, "newer"), event(1, "older")]) == "newer"


def test_an_operation_without_a_token_and_a_stack_without_events_have_none() -> None:
    assert last_token([event(2, None), event(1, "belay-1")]) is None
    assert last_token([]) is None

"""Whose operation was the last: told by the token of the newest event."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from belay.stack.operation import last_change_began, last_token


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


def test_the_last_change_began_when_the_stack_itself_last_went_into_one() -> None:
    def of_stack(second: int, status: str, resource: str = "stack") -> dict[str, Any]:
        return event(second, None) | {"ResourceStatus": status, "PhysicalResourceId": resource}

    events = [
        of_stack(9, "UPDATE_ROLLBACK_COMPLETE"),
        of_stack(8, "UPDATE_ROLLBACK_IN_PROGRESS"),
        of_stack(7, "UPDATE_IN_PROGRESS", "topic"),
        of_stack(6, "UPDATE_IN_PROGRESS"),
        of_stack(1, "CREATE_IN_PROGRESS"),
    ]
    began = last_change_began(events, "stack")
    assert began is not None
    assert began.second == 6
    assert last_change_began(events[:2], "stack") is None

"""The owner of the last operation, by the token of the newest event."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.stack.operation import OperationSeen, last_change_began, last_token, operation_seen, taken_over
from belay.stack.status import StackStatus

ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/1"


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


def history(*told: tuple[str, str | None], resource: str = ID) -> list[dict[str, Any]]:
    """A stack's own events, newest first, from (status, token), oldest first."""
    own = [
        event(second, token) | {"ResourceStatus": status, "PhysicalResourceId": resource}
        for second, (status, token) in enumerate(told)
    ]
    return own[::-1]


BEGUN = ("UPDATE_IN_PROGRESS", "belay-1")
CANCELLED = (BEGUN, ("UPDATE_ROLLBACK_IN_PROGRESS", "Console-CancelUpdateStack-1"))


def test_an_operation_is_seen_as_far_as_its_own_events_tell() -> None:
    assert operation_seen([], ID, "belay-1") == OperationSeen(None)
    assert operation_seen(history(("UPDATE_COMPLETE", "other")), ID, "belay-1") == OperationSeen(None)
    assert operation_seen(history(BEGUN), ID, "belay-1") == OperationSeen(StackStatus.UPDATE_IN_PROGRESS)
    own = history(BEGUN, ("UPDATE_ROLLBACK_IN_PROGRESS", "belay-1"))
    assert operation_seen(own, ID, "belay-1") == OperationSeen(StackStatus.UPDATE_ROLLBACK_IN_PROGRESS)
    nested = history(("UPDATE_FAILED", "other"), resource="topic") + history(BEGUN)
    assert operation_seen(nested, ID, "belay-1") == OperationSeen(StackStatus.UPDATE_IN_PROGRESS)


@pytest.mark.parametrize(
    ("told", "by", "did"),
    [
        (
            (*CANCELLED, ("UPDATE_ROLLBACK_COMPLETE", "Console-CancelUpdateStack-1")),
            "a person in the CloudFormation console (client request token Console-CancelUpdateStack-1)",
            "cancelled the update of the stack orders at 09:00:01 UTC",
        ),
        (
            (("CREATE_IN_PROGRESS", "belay-1"), ("DELETE_IN_PROGRESS", None), ("DELETE_COMPLETE", None)),
            "someone other than Belay",
            "deleted the stack orders at 09:00:01 UTC",
        ),
        (
            (BEGUN, ("UPDATE_IN_PROGRESS", "pipeline-7"), ("UPDATE_COMPLETE", "pipeline-7")),
            "someone else (client request token pipeline-7)",
            "began another operation on the stack orders at 09:00:01 UTC",
        ),
    ],
)
def test_another_operation_takes_one_over_that_has_not_ended(
    told: tuple[tuple[str, str | None], ...], by: str, did: str
) -> None:
    seen = operation_seen(history(*told), ID, "belay-1")
    assert seen.status is StackStatus(told[0][0])
    assert seen.taken_over is not None
    assert (seen.taken_over.token, seen.taken_over.by) == ("belay-1", by)
    assert seen.taken_over.in_words("orders") == did
    assert taken_over(history(*told), ID) == seen.taken_over
    assert taken_over(history(*told), ID, told[-1][1]) == seen.taken_over
    after = history(*told, ("UPDATE_IN_PROGRESS", "belay-2"), ("UPDATE_COMPLETE", "belay-2"))
    assert taken_over(after, ID, told[-1][1]) == (seen.taken_over if told[-1][1] else None)


@pytest.mark.parametrize(
    "told",
    [
        (BEGUN, ("UPDATE_COMPLETE", "belay-1"), ("UPDATE_IN_PROGRESS", "other")),
        (BEGUN, ("UPDATE_FAILED", "belay-1"), ("UPDATE_ROLLBACK_IN_PROGRESS", "other")),
        (BEGUN, ("UPDATE_ROLLBACK_FAILED", "belay-1"), ("UPDATE_ROLLBACK_IN_PROGRESS", "other")),
        (("REVIEW_IN_PROGRESS", "belay-1"), ("DELETE_IN_PROGRESS", "other")),
    ],
)
def test_what_begins_after_an_end_takes_nothing_over(told: tuple[tuple[str, str], ...]) -> None:
    seen = operation_seen(history(*told), ID, "belay-1")
    assert (seen.status, seen.taken_over) == (StackStatus(told[-2][0]), None)
    assert taken_over(history(*told), ID) is None


def test_operations_without_tokens_are_told_apart_by_how_they_begin() -> None:
    cancelled = history(BEGUN, ("UPDATE_ROLLBACK_IN_PROGRESS", None), ("UPDATE_ROLLBACK_COMPLETE", None))
    later = history(("UPDATE_IN_PROGRESS", None), ("UPDATE_FAILED", None))
    found = taken_over(cancelled, ID)
    assert found is not None
    assert found.token == "belay-1"
    assert taken_over(later + cancelled, ID) is None

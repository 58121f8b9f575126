"""The first cause: through nested stacks, never a cancellation, whatever order the events come in."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.stack.cause import first_cause, nested_stack_ids

ARN = "arn:aws:cloudformation:eu-west-1:111122223333:stack"
ROOT = f"{ARN}/orders/1"
DATABASE = f"{ARN}/orders-Database-ABC/2"
INNER = f"{ARN}/orders-Database-ABC-Inner-DEF/3"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = "belay-orders-1"
CANCELLED = "Resource creation cancelled"


def event(
    second: float, logical_id: str, status: str, reason: str | None = None, *, stack: str = ROOT, **more: Any
) -> dict[str, Any]:
    values = {
        "StackId": stack,
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"{logical_id}-physical",
        "ResourceType": "AWS::SNS::Topic",
        "ResourceStatus": status,
        "Timestamp": START + timedelta(seconds=second),
        "ClientRequestToken": TOKEN,
    }
    return values | ({"ResourceStatusReason": reason} if reason is not None else {}) | more


def of_stack(
    second: float, status: str, reason: str | None = None, *, stack: str = ROOT, **more: Any
) -> dict[str, Any]:
    own = {"PhysicalResourceId": stack, "ResourceType": "AWS::CloudFormation::Stack"}
    return event(second, stack.split("/")[1], status, reason, stack=stack, **own | more)


def of_nested(second: float, logical_id: str, status: str, reason: str, child: str, **more: Any) -> dict[str, Any]:
    own = {"PhysicalResourceId": child, "ResourceType": "AWS::CloudFormation::Stack"}
    return event(second, logical_id, status, reason, **own | more)


FLAT = [
    of_stack(0, "CREATE_IN_PROGRESS", "User Initiated"),
    event(1, "Queue", "CREATE_IN_PROGRESS"),
    event(2, "Topic", "CREATE_FAILED", "Topic already exists"),
    event(2, "Queue", "CREATE_FAILED", CANCELLED),
    event(3, "Table", "CREATE_FAILED", "Access denied"),
    of_stack(4, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Topic, Queue, Table]."),
    event(5, "Queue", "DELETE_FAILED", "Queue is in use"),
    of_stack(6, "ROLLBACK_FAILED", "The following resource(s) failed to delete: [Queue]."),
]


def test_the_first_resource_that_failed_by_itself_is_the_cause() -> None:
    cause = first_cause(FLAT)
    assert cause is not None
    assert (cause.path, cause.reason, cause.status) == (("Topic",), "Topic already exists", "CREATE_FAILED")
    assert (cause.stack_id, cause.physical_id) == (ROOT, "Topic-physical")
    assert cause.in_words() == "Topic (AWS::SNS::Topic) could not be created at 09:00:02 UTC: Topic already exists"


@given(seed=st.randoms(use_true_random=False))
def test_the_order_of_the_answer_does_not_matter(seed: random.Random) -> None:
    shuffled = list(FLAT)
    seed.shuffle(shuffled)
    assert first_cause(shuffled) == first_cause(FLAT)


def test_of_two_failures_at_the_same_time_the_one_further_down_the_answer_came_first() -> None:
    newest_first = [event(1, "Second", "CREATE_FAILED", "b"), event(1, "First", "CREATE_FAILED", "a")]
    cause = first_cause(newest_first)
    assert cause is not None
    assert cause.path == ("First",)


@pytest.mark.parametrize(
    "reason",
    [
        "Resource creation cancelled",
        "Resource update cancelled",
        "Resource creation Cancelled",
        "Resource deletion canceled",
        "Resource creation cancelled. ",
    ],
)
def test_what_was_cancelled_is_never_the_cause(reason: str) -> None:
    events = [
        event(1, "Queue", "UPDATE_FAILED", reason),
        event(2, "Topic", "UPDATE_FAILED", "no"),
        of_stack(3, "UPDATE_ROLLBACK_IN_PROGRESS"),
    ]
    cause = first_cause(events)
    assert cause is not None
    assert cause.path == ("Topic",)


def test_a_reason_that_only_mentions_a_cancellation_counts() -> None:
    cause = first_cause([event(1, "Build", "CREATE_FAILED", "Deployment failed: Resource creation cancelled by alarm")])
    assert cause is not None
    assert cause.path == ("Build",)


EMBEDDED = "Embedded stack was not successfully created: The following resource(s) failed to create: [Instance]."

NESTED_ROOT = [
    of_stack(0, "CREATE_IN_PROGRESS"),
    event(4, "Topic", "CREATE_FAILED", "Topic already exists"),
    of_nested(9, "Database", "CREATE_FAILED", EMBEDDED, DATABASE),
    of_stack(10, "ROLLBACK_IN_PROGRESS"),
]

NESTED = {
    DATABASE: [
        of_stack(1, "CREATE_IN_PROGRESS", stack=DATABASE),
        event(5, "Secret", "CREATE_FAILED", CANCELLED, stack=DATABASE),
        of_nested(6, "Inner", "CREATE_FAILED", EMBEDDED, INNER, stack=DATABASE),
    ],
    INNER: [
        event(3, "Instance", "CREATE_FAILED", "DB instance class not supported", stack=INNER, ClientRequestToken=None),
    ],
}


def test_the_cause_is_found_two_stacks_down_though_its_parent_failed_last() -> None:
    cause = first_cause(NESTED_ROOT, NESTED, token=TOKEN)
    assert cause is not None
    assert cause.path == ("Database", "Inner", "Instance")
    assert cause.logical_path == "Database/Inner/Instance"
    assert (cause.reason, cause.stack_id) == ("DB instance class not supported", INNER)


def test_without_the_nested_events_the_earliest_known_failure_speaks() -> None:
    cause = first_cause(NESTED_ROOT, {}, token=TOKEN)
    assert cause is not None
    assert cause.path == ("Topic",)
    nested_alone = first_cause([NESTED_ROOT[2]])
    assert nested_alone is not None
    assert (nested_alone.path, nested_alone.reason) == (("Database",), EMBEDDED)


def test_a_nested_stack_in_which_everything_was_cancelled_is_not_the_cause() -> None:
    events = [
        of_nested(1, "Database", "CREATE_FAILED", CANCELLED, DATABASE),
        event(2, "Topic", "CREATE_FAILED", "no"),
    ]
    inner = {DATABASE: [event(1, "Secret", "CREATE_FAILED", CANCELLED, stack=DATABASE)]}
    cause = first_cause(events, inner)
    assert cause is not None
    assert cause.path == ("Topic",)


def test_nested_events_of_an_earlier_operation_do_not_count() -> None:
    old = {DATABASE: [event(-3600, "Instance", "UPDATE_FAILED", "last week's trouble", stack=DATABASE)]}
    cause = first_cause([of_stack(0, "UPDATE_IN_PROGRESS"), NESTED_ROOT[2]], old)
    assert cause is not None
    assert cause.path == ("Database",)


def test_a_nested_stack_is_known_by_its_other_events_where_the_failure_does_not_say_which_it_is() -> None:
    events = [
        of_nested(0, "Database", "CREATE_IN_PROGRESS", "Resource creation Initiated", DATABASE),
        of_nested(9, "Database", "CREATE_FAILED", EMBEDDED, ""),
    ]
    assert nested_stack_ids(events) == (DATABASE,)
    cause = first_cause(events, {DATABASE: [event(3, "Instance", "CREATE_FAILED", "no", stack=DATABASE)]})
    assert cause is not None
    assert cause.path == ("Database", "Instance")


def test_stacks_that_claim_to_be_nested_in_each_other_come_to_an_end() -> None:
    loop = {
        DATABASE: [of_nested(2, "Inner", "CREATE_FAILED", EMBEDDED, INNER, stack=DATABASE)],
        INNER: [of_nested(1, "Again", "CREATE_FAILED", EMBEDDED, DATABASE, stack=INNER)],
    }
    events = [of_stack(0, "CREATE_IN_PROGRESS"), of_nested(3, "Database", "CREATE_FAILED", EMBEDDED, DATABASE)]
    cause = first_cause(events, loop)
    assert cause is not None
    assert cause.path == ("Database", "Inner", "Again")


def test_another_operation_s_failure_is_not_this_one_s() -> None:
    events = [
        of_stack(-61, "UPDATE_IN_PROGRESS", ClientRequestToken="other"),
        event(-60, "Old", "UPDATE_FAILED", "yesterday", ClientRequestToken="other"),
        of_stack(-59, "UPDATE_ROLLBACK_COMPLETE", ClientRequestToken="other"),
        of_stack(1, "UPDATE_IN_PROGRESS"),
        event(2, "New", "UPDATE_FAILED", "today"),
    ]
    for known in (first_cause(events, token=TOKEN), first_cause(events)):
        assert known is not None
        assert known.path == ("New",)
    yesterday = first_cause(events, token="other")
    assert yesterday is not None
    assert yesterday.path == ("Old",)
    assert first_cause(events, token="nobody's") is None


ALARM = "Rollback triggers went into ALARM state: [arn:aws:cloudwatch:eu-west-1:111122223333:alarm:orders-5xx]"
EXPORT = "Export orders-vpc cannot be updated as it is in use by orders-service"


@pytest.mark.parametrize("reason", [ALARM, EXPORT, "Update cancelled by user"])
def test_a_resource_that_failed_while_the_stack_rolled_back_is_not_why_it_did(reason: str) -> None:
    events = [
        of_stack(0, "UPDATE_IN_PROGRESS"),
        event(1, "Queue", "UPDATE_FAILED", "Resource update cancelled"),
        of_stack(2, "UPDATE_ROLLBACK_IN_PROGRESS", reason),
        event(3, "Topic", "UPDATE_FAILED", "Topic is gone"),
        of_stack(4, "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Topic]."),
    ]
    cause = first_cause(events, token=TOKEN)
    assert cause is not None
    assert (cause.path, cause.reason) == ((), reason)


@pytest.mark.parametrize("token", [TOKEN, "cancel-1"])
def test_a_cancellation_is_part_of_the_operation_that_it_stops_though_its_token_is_another(token: str) -> None:
    other = {"ClientRequestToken": "cancel-1"}
    events = [
        of_stack(-9, "UPDATE_COMPLETE", ClientRequestToken="before"),
        of_stack(0, "UPDATE_IN_PROGRESS"),
        event(1, "Queue", "UPDATE_COMPLETE"),
        of_stack(2, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated", **other),
        event(3, "Topic", "UPDATE_FAILED", "Topic is gone", **other),
        of_stack(4, "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Topic].", **other),
    ]
    cause = first_cause(events, token=token)
    assert cause is not None
    assert cause.in_words() == "stack orders was cancelled at 09:00:02 UTC: User Initiated"


def test_the_beginning_of_a_rollback_that_somebody_asked_for_is_no_failure() -> None:
    events = [
        of_stack(-9, "UPDATE_ROLLBACK_FAILED", ClientRequestToken="before"),
        of_stack(0, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"),
        event(3, "Topic", "UPDATE_FAILED", "Topic is gone"),
        of_stack(4, "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Topic]."),
    ]
    cause = first_cause(events, token=TOKEN)
    assert cause is not None
    assert cause.path == ("Topic",)


def test_a_nested_stack_that_failed_before_its_resources_is_the_cause() -> None:
    events = [of_stack(0, "UPDATE_IN_PROGRESS"), of_nested(9, "Database", "UPDATE_FAILED", EMBEDDED, DATABASE)]
    inner = [
        of_stack(1, "UPDATE_IN_PROGRESS", stack=DATABASE),
        of_stack(2, "UPDATE_ROLLBACK_IN_PROGRESS", EXPORT, stack=DATABASE),
        event(3, "Topic", "UPDATE_FAILED", "Topic is gone", stack=DATABASE),
    ]
    cause = first_cause(events, {DATABASE: inner})
    assert cause is not None
    assert (cause.path, cause.reason, cause.stack_id) == (("Database",), EXPORT, DATABASE)


def test_a_nested_stack_is_known_by_the_reason_of_its_failure() -> None:
    reason = f"Embedded stack {DATABASE} was not successfully created: The following resource(s) failed to create: [X]."
    assert nested_stack_ids([of_nested(9, "Database", "CREATE_FAILED", reason, "")]) == (DATABASE,)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("UPDATE_ROLLBACK_IN_PROGRESS", "Rollback triggers went into ALARM state: [arn:aws:cloudwatch:...:orders-5xx]"),
        ("CREATE_FAILED", "Resource creation timed out"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "Update cancelled by user"),
    ],
)
def test_when_no_resource_failed_the_stack_itself_speaks(status: str, reason: str) -> None:
    events = [of_stack(0, "UPDATE_IN_PROGRESS"), event(1, "Topic", "UPDATE_FAILED", "Resource update cancelled")]
    cause = first_cause([*events, of_stack(2, status, reason), of_stack(3, "UPDATE_ROLLBACK_FAILED", "and more")])
    assert cause is not None
    assert (cause.path, cause.reason) == ((), reason)
    assert cause.logical_path == "orders"
    assert cause.in_words().startswith("stack orders ")


def test_nothing_failed_nothing_is_the_cause() -> None:
    assert first_cause([of_stack(0, "UPDATE_IN_PROGRESS"), of_stack(1, "UPDATE_COMPLETE")]) is None
    assert first_cause([]) is None


def test_an_absent_reason_is_said_to_be_absent() -> None:
    cause = first_cause([event(1, "Topic", "CREATE_FAILED")])
    assert cause is not None
    assert cause.reason == "CloudFormation gives no reason"


def test_times_may_be_text_and_are_told_in_utc() -> None:
    cause = first_cause([event(1, "Topic", "CREATE_FAILED", "no", Timestamp="2026-03-02T11:30:00+02:00")])
    assert cause is not None
    assert cause.time == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_a_hook_s_refusal_says_what_the_hook_said() -> None:
    events = [
        event(
            1, "Bucket", "CREATE_IN_PROGRESS", HookStatus="HOOK_COMPLETE_FAILED", HookStatusReason="must be encrypted"
        ),
        event(2, "Bucket", "CREATE_FAILED", "The following hook(s) failed: [Acme::S3::Encrypted]"),
    ]
    cause = first_cause(events)
    assert cause is not None
    assert cause.reason == "The following hook(s) failed: [Acme::S3::Encrypted] must be encrypted"


def test_a_reason_of_many_lines_and_any_length_becomes_one_bounded_line() -> None:
    cause = first_cause([event(1, "Topic", "CREATE_FAILED", "no\n\tway " * 1000)])
    assert cause is not None
    assert "\n" not in cause.reason
    assert len(cause.reason) <= 2003


def test_the_nested_stacks_to_look_into_are_those_that_failed() -> None:
    events = [*NESTED_ROOT, of_nested(2, "Network", "CREATE_COMPLETE", "", f"{ARN}/orders-Network/4")]
    assert nested_stack_ids(events, token=TOKEN) == (DATABASE,)
    assert nested_stack_ids(events, {DATABASE: NESTED[DATABASE]}, token=TOKEN) == (INNER,)
    assert nested_stack_ids(events, NESTED, token=TOKEN) == ()
    assert nested_stack_ids(events, token="nobody's") == ()
    assert nested_stack_ids([of_stack(1, "CREATE_FAILED")]) == ()

"""What a rollback is stuck on: read from the resources, the events of the last rollback and the templates."""

from typing import Any

from belay.stack.stuck import StuckResource, differences_in_words, stuck_in_rollback

ROOT = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/1"
CHILD = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service-Child-ABC/2"
NESTED = "AWS::CloudFormation::Stack"


def resource(name: str, status: str = "UPDATE_FAILED", kind: str = "AWS::SNS::Topic", **values: Any) -> dict[str, Any]:
    return {"LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status, **values}


def event(second: int, name: str, status: str, *, stack: str = ROOT, reason: str = "") -> dict[str, Any]:
    itself = name == "stack"
    return {
        "StackId": stack,
        "LogicalResourceId": stack.split("/")[1] if itself else name,
        "PhysicalResourceId": stack if itself else f"physical-{name}",
        "ResourceType": NESTED if itself else "AWS::SNS::Topic",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": f"2026-11-21T08:00:{second:02}+00:00",
    }


def skips(resources: Any, events: Any, needs: Any = None) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.skip_as, each.needs) for each in stuck_in_rollback(ROOT, resources, events, needs or {})]


def test_only_what_failed_since_the_last_rollback_began_may_be_skipped() -> None:
    resources = {ROOT: [resource("Late"), resource("Early"), resource("Well", "UPDATE_COMPLETE")]}
    events = {
        ROOT: [
            event(1, "Early", "UPDATE_FAILED"),
            event(2, "stack", "UPDATE_ROLLBACK_IN_PROGRESS"),
            event(3, "Late", "UPDATE_FAILED"),
            event(4, "Well", "UPDATE_COMPLETE"),
            event(5, "stack", "UPDATE_ROLLBACK_FAILED"),
        ]
    }
    assert skips(resources, events) == [("Late", ())]
    again = [event(6, "stack", "UPDATE_ROLLBACK_IN_PROGRESS"), event(7, "Early", "UPDATE_FAILED")]
    assert skips(resources, {ROOT: events[ROOT] + again}) == [("Early", ())]


def test_what_was_cancelled_may_not_be_skipped() -> None:
    reason = "Resource update cancelled"
    events = [event(1, "stack", "UPDATE_ROLLBACK_IN_PROGRESS"), event(2, "A", "UPDATE_FAILED", reason=reason)]
    assert skips({ROOT: [resource("A", ResourceStatusReason=reason)]}, {ROOT: events}) == []


def test_without_events_nothing_is_known_to_have_failed_in_the_rollback() -> None:
    assert skips({ROOT: [resource("A")]}, {}) == []
    assert skips({ROOT: [resource("A")]}, {ROOT: [event(1, "A", "UPDATE_COMPLETE")]}) == []


def test_the_first_failure_comes_first_and_what_needs_it_says_so_through_others() -> None:
    resources = {ROOT: [resource("Alarm"), resource("Queue"), resource("Topic")]}
    events = [
        event(1, "stack", "UPDATE_ROLLBACK_IN_PROGRESS"),
        event(3, "Alarm", "UPDATE_FAILED"),
        event(2, "Topic", "UPDATE_FAILED"),
        event(4, "Queue", "UPDATE_FAILED"),
    ]
    needs = {ROOT: {"Alarm": {"Policy"}, "Policy": {"Topic"}, "Queue": set()}}
    assert skips(resources, {ROOT: events}, needs) == [("Topic", ()), ("Alarm", ("Topic",)), ("Queue", ())]


def test_a_nested_resource_is_spelled_by_its_stack_s_name_and_needs_what_its_stack_needs() -> None:
    resources = {
        ROOT: [resource("Topic"), resource("Child", kind=NESTED, PhysicalResourceId=CHILD)],
        CHILD: [resource("Queue")],
    }
    events = {
        ROOT: [event(1, "stack", "UPDATE_ROLLBACK_IN_PROGRESS"), event(4, "Topic", "UPDATE_FAILED")],
        CHILD: [
            event(2, "stack", "UPDATE_ROLLBACK_IN_PROGRESS", stack=CHILD),
            event(3, "Queue", "UPDATE_FAILED", stack=CHILD),
        ],
    }
    assert skips(resources, events, {ROOT: {"Child": {"Topic"}}}) == [
        ("orders-service-Child-ABC.Queue", ("Topic",)),
        ("Topic", ()),
    ]
    assert skips(resources, events, {ROOT: {"Topic": {"Child"}}}) == [
        ("orders-service-Child-ABC.Queue", ()),
        ("Topic", ("Child/Queue",)),
    ]


def test_a_nested_stack_itself_may_be_skipped_only_where_its_deletion_failed() -> None:
    events = {
        ROOT: [
            event(1, "stack", "UPDATE_ROLLBACK_IN_PROGRESS"),
            event(2, "Child", "UPDATE_FAILED"),
            event(3, "Old", "DELETE_FAILED"),
        ]
    }
    resources = {
        ROOT: [
            resource("Child", kind=NESTED, PhysicalResourceId=CHILD),
            resource("Old", "DELETE_FAILED", kind=NESTED, PhysicalResourceId="gone"),
        ]
    }
    assert skips(resources, events) == [("Old", ())]


def test_what_a_stuck_resource_holds() -> None:
    topic = StuckResource("T", "T", ROOT, "T", "AWS::SNS::Topic")
    table = StuckResource("T", "T", ROOT, "T", "AWS::DynamoDB::Table")
    assert (topic.stateful, table.stateful) == (False, True)


def test_how_a_resource_differs_is_said_in_words() -> None:
    differs = {"StackResourceDriftStatus": "MODIFIED", "PropertyDifferences": [{"PropertyPath": "/Value"}]}
    assert differences_in_words(differs) == "/Value"
    assert differences_in_words({"StackResourceDriftStatus": "DELETED"}) == "it no longer exists"
    reason = {"StackResourceDriftStatus": "UNKNOWN", "DriftStatusReason": "not allowed to read it"}
    assert differences_in_words(reason) == "not allowed to read it"

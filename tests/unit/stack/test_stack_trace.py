"""What the events of a rolled-back stack leave in doubt, whoever else changed it meanwhile."""

from typing import Any

from belay.stack.trace import unproved

ROOT = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/1"
CHILD = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service-Child-ABC/2"
NESTED = "AWS::CloudFormation::Stack"

Event = tuple[str, str] | tuple[str, str, str]


def events(*told: Event, stack: str = ROOT) -> list[dict[str, Any]]:
    """Events, oldest first: a logical id (or ``stack``), a status, a physical id."""
    found = []
    for second, (name, status, *physical) in enumerate(told):
        itself = name == "stack"
        found.append(
            {
                "StackId": stack,
                "LogicalResourceId": stack.split("/")[1] if itself else name,
                "PhysicalResourceId": stack if itself else (physical or [f"physical-{name}"])[0],
                "ResourceType": NESTED if itself or name == "Child" else "AWS::SNS::Topic",
                "ResourceStatus": status.partition(":")[0],
                "ResourceStatusReason": status.partition(":")[2],
                "Timestamp": f"2026-11-28T08:00:{second:02}+00:00",
            }
        )
    return found[::-1]


def resources(*names: str, status: str = "UPDATE_COMPLETE", physical: str = "") -> list[dict[str, Any]]:
    known = {"ResourceType": "AWS::SNS::Topic", "ResourceStatus": status}
    return [known | {"LogicalResourceId": each, "PhysicalResourceId": physical or f"physical-{each}"} for each in names]


UPDATED = (("stack", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_COMPLETE"))
BACK = (("stack", "UPDATE_ROLLBACK_IN_PROGRESS"),)
STUCK = (
    *UPDATED,
    *BACK,
    ("Topic", "UPDATE_IN_PROGRESS"),
    ("Topic", "UPDATE_FAILED"),
    ("stack", "UPDATE_ROLLBACK_FAILED"),
)
DONE = (("stack", "UPDATE_ROLLBACK_COMPLETE"),)


def doubts(*told: Event, standing: Any = None) -> list[tuple[str, str]]:
    found = unproved(ROOT, {ROOT: events(*told)}, {ROOT: resources("Topic") if standing is None else standing})
    return [(each.path, each.trace) for each in found]


def test_a_resource_whose_own_rollback_succeeded_is_in_no_doubt() -> None:
    assert doubts(*UPDATED, *BACK, ("Topic", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_COMPLETE"), *DONE) == []
    failed = (("stack", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_FAILED:no"))
    assert doubts(*failed, *BACK, ("Topic", "UPDATE_COMPLETE"), *DONE) == [], "it failed on the way, and went back"
    assert doubts(*STUCK, *BACK, ("Topic", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_COMPLETE"), *DONE) == []
    replaced = (*UPDATED, *BACK, ("Topic", "DELETE_IN_PROGRESS", "new"), ("Topic", "DELETE_COMPLETE", "new"), *DONE)
    assert doubts(*replaced) == [], "its replacement is gone"


def test_what_was_skipped_is_in_doubt_whoever_skipped_it_and_whatever_came_after() -> None:
    skipped = (*STUCK, *BACK, ("Topic", "UPDATE_COMPLETE"), *DONE)
    assert doubts(*skipped) == [("Topic", "SKIPPED")], "it is UPDATE_COMPLETE without an update of its own"
    assert doubts(*STUCK, *BACK, *DONE) == [("Topic", "SKIPPED")], "it keeps its failure"
    assert doubts(*UPDATED, *BACK, ("Topic", "UPDATE_COMPLETE:Resource was skipped"), *DONE) == [("Topic", "SKIPPED")]
    assert doubts(*skipped, *UPDATED, ("stack", "UPDATE_COMPLETE")) == [("Topic", "SKIPPED")]
    undone = (*BACK, ("Topic", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_COMPLETE"), *DONE)
    assert doubts(*skipped, *UPDATED, *undone) == [("Topic", "SKIPPED")], "the update to repair it was undone"


def test_drift_detection_says_nothing_once_the_update_that_was_to_bring_it_back_was_rolled_back() -> None:
    def left(*told: Event) -> str | None:
        (found,) = unproved(ROOT, {ROOT: events(*told)}, {ROOT: resources("Topic")})
        return found.left

    skipped = (*STUCK, *BACK, ("Topic", "UPDATE_COMPLETE"), *DONE)
    revert = (("stack", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_FAILED:denied"))
    failed = (*skipped, *revert, *BACK, ("Topic", "UPDATE_COMPLETE"), *DONE)
    assert left(*skipped) is None
    assert left(*STUCK, *BACK, ("Topic", "UPDATE_COMPLETE"), ("stack", "UPDATE_ROLLBACK_FAILED"), *BACK, *DONE) is None
    assert "rolled back (Topic: denied)" in str(left(*failed))
    assert left(*failed, *UPDATED, ("stack", "UPDATE_COMPLETE")) is None, "a later update brought it back"
    other = (("stack", "UPDATE_IN_PROGRESS"), ("Other", "UPDATE_COMPLETE"), ("stack", "UPDATE_COMPLETE"))
    assert "denied" in str(left(*failed, *other)), "a later update left it out"


def test_a_change_of_which_no_event_says_that_it_went_back_is_in_doubt_as_long_as_the_resource_is_there() -> None:
    assert doubts(*UPDATED, *BACK, *DONE) == [("Topic", "SILENT")]
    assert doubts(*UPDATED, ("stack", "UPDATE_COMPLETE")) == []
    assert doubts(*UPDATED, *BACK, *DONE, standing=[]) == []


def test_what_was_not_deleted_is_in_doubt_unless_it_is_gone_or_the_stack_s_again() -> None:
    deleted = (*UPDATED, ("stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), ("Old", "DELETE_IN_PROGRESS", "old"))
    done = ("stack", "UPDATE_COMPLETE")
    assert doubts(*deleted, ("Old", "DELETE_FAILED:in use", "old"), done) == [("Old", "UNDELETED")]
    assert doubts(*deleted, ("Old", "DELETE_SKIPPED", "old"), done) == [("Old", "RETAINED")]
    again = (("Old", "DELETE_FAILED:in use", "old"), ("Old", "DELETE_COMPLETE", "old"))
    assert doubts(*deleted, *again, done) == [], "CloudFormation tries three times"
    kept = (*deleted, ("Old", "DELETE_SKIPPED", "old"), done)
    assert doubts(*kept, standing=resources("Old", physical="old")) == [], "it was imported"
    assert doubts(*kept, standing=resources("Old", physical="new")) == [("Old", "RETAINED")]
    left = resources("Old", status="DELETE_FAILED", physical="old")
    assert doubts(*deleted, ("Old", "DELETE_FAILED:in use", "old"), done, standing=left) == [("Old", "UNDELETED")]


def test_a_nested_stack_speaks_for_itself() -> None:
    parent = events(
        ("stack", "UPDATE_IN_PROGRESS"),
        ("Child", "UPDATE_COMPLETE", CHILD),
        *BACK,
        ("Child", "UPDATE_FAILED", CHILD),
        ("stack", "UPDATE_ROLLBACK_FAILED"),
        *BACK,
        ("Child", "UPDATE_COMPLETE", CHILD),
        *DONE,
    )
    child = events(*STUCK, *BACK, ("Topic", "UPDATE_COMPLETE"), *DONE, stack=CHILD)
    standing = {ROOT: resources("Child"), CHILD: resources("Topic")}
    (found,) = unproved(ROOT, {ROOT: parent, CHILD: child}, standing)
    assert (found.path, found.stack_id, found.logical_id) == ("Child/Topic", CHILD, "Topic")

"""Each predicate over the 23 statuses, checked against the API's own model and AWS's table of status codes."""

import botocore.session
import pytest

from belay.stack.status import StackStatus

IN_PROGRESS = {
    "CREATE_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
    "DELETE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
}


def which(predicate: str) -> set[str]:
    return {status.value for status in StackStatus if getattr(status, predicate)}


def test_the_statuses_are_those_of_the_api() -> None:
    model = botocore.session.get_session().get_service_model("cloudformation")
    assert [status.value for status in StackStatus] == list(model.shape_for("StackStatus").enum)
    assert len(StackStatus) == 23


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("in_progress", IN_PROGRESS),
        ("terminal", {status.value for status in StackStatus} - IN_PROGRESS),
        ("succeeded", {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}),
        ("rolled_back", {"ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}),
        (
            "failed",
            {
                "CREATE_FAILED",
                "ROLLBACK_FAILED",
                "DELETE_FAILED",
                "UPDATE_FAILED",
                "UPDATE_ROLLBACK_FAILED",
                "IMPORT_ROLLBACK_FAILED",
            },
        ),
        (
            "rolling_back",
            {
                "ROLLBACK_IN_PROGRESS",
                "UPDATE_ROLLBACK_IN_PROGRESS",
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
                "IMPORT_ROLLBACK_IN_PROGRESS",
            },
        ),
        (
            "updatable",
            {
                "CREATE_COMPLETE",
                "UPDATE_COMPLETE",
                "UPDATE_ROLLBACK_COMPLETE",
                "IMPORT_COMPLETE",
                "IMPORT_ROLLBACK_COMPLETE",
            },
        ),
        ("holds_nothing", {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"}),
    ],
)
def test_a_predicate_holds_for_just_these_statuses(predicate: str, expected: set[str]) -> None:
    assert which(predicate) == expected


def test_an_operation_that_was_turned_back_did_not_succeed() -> None:
    assert which("turned_back") == which("failed") | which("rolled_back") | which("rolling_back")
    assert not which("turned_back") & which("succeeded")

"""The rule on failed stacks, checked against every stack status."""

import pytest
from test_convention_events import matching, sample

from belay.stack.status import StackStatus

NEEDS_NO_REACTION = {
    StackStatus.CREATE_COMPLETE,
    StackStatus.DELETE_COMPLETE,
    StackStatus.IMPORT_COMPLETE,
    StackStatus.UPDATE_COMPLETE,
}


@pytest.mark.parametrize("status", StackStatus)
def test_a_stack_that_failed_starts_something_and_no_other_does(status: StackStatus) -> None:
    event = sample("aws.cloudformation/stack_status_change.update_failed.json")
    event["detail"]["status-details"]["status"] = status.value
    failed = not status.in_progress and status not in NEEDS_NO_REACTION and status is not StackStatus.REVIEW_IN_PROGRESS
    assert matching(event) == ({"FailedStack"} if failed else set())

"""Uploads and releases that wait, and uploads that end without a release, on an AWS simulated by moto."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from simulated_ledger import bring
from test_aws_unfinished import NOW, RELEASE, UPLOAD, House

from belay.approval.asked import GivenAnswer
from belay.aws.stepfunctions import Executions
from belay.control.held_releases import HeldReleases
from belay.control.held_uploads import HeldUploads
from belay.control.stage import StageContext
from belay.errors import ReleaseSuperseded
from belay.release.attempt import Superseded
from belay.release.life import State
from belay.release.reason import ReleaseProblems
from belay.release.records import Outcome

REFUSED = ReleaseProblems(("expected a stack",))
UNREADABLE = replace(REFUSED, by_registration=True)


class Task:
    """Step Functions' task, which notes that it was completed."""

    def __init__(self) -> None:
        self.completed: list[str] = []

    def send_task_success(self, taskToken: str, output: str) -> None:  # noqa: N803 - boto3's names
        self.completed.append(taskToken)


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> House:
    return House(simulated)


def hold(house: House, task: Task, token: str = "token") -> None:
    event = {"release": RELEASE.to_dict(), "stage": "production", "fencing": None}
    run = StageContext.enter(event, house.ledger, house.artifacts)
    HeldReleases(house.endings, Executions(task)).hold(run, token, "it is Friday", "Monday 09:00")


# -- outside the windows -----------------------------------------------------------------------------------------------


def test_a_release_that_waits_is_told_once_with_how_to_let_it_continue(house: House) -> None:
    house.in_stage()
    bring(house.ledger, RELEASE, "production", State.REHEARSED)
    for token in ("token", "token of the next try"):
        hold(house, Task(), token)
    (message,) = house.messages()
    assert message["kind"] == "release-held"
    assert "belay override orders/1.0.0 --stage production" in str(message)
    (held,) = house.ledger.holds.of_attempt(RELEASE)
    assert (held.task_token, held.until) == ("token of the next try", "Monday 09:00")
    standing = house.attempt().in_stage("production")
    assert standing is not None
    assert standing.state is State.HELD


def test_one_that_was_let_through_meanwhile_goes_on_and_nobody_is_told(house: House) -> None:
    house.in_stage()
    bring(house.ledger, RELEASE, "production", State.REHEARSED)
    let_through = GivenAnswer("override", "arn:aws:iam::123456789012:user/ann", NOW)
    house.ledger.holds.record_override(RELEASE, "production", let_through)
    task = Task()
    hold(house, task)
    assert task.completed == ["token"]
    assert house.messages() == []


def test_one_that_a_newer_release_overtook_does_not_wait(house: House) -> None:
    house.in_stage()
    bring(house.ledger, RELEASE, "production", State.REHEARSED)
    assert house.ledger.attempts.supersede(RELEASE, Superseded("production", "1.1.0"))
    with pytest.raises(ReleaseSuperseded):
        hold(house, Task())
    assert house.messages() == []


# -- while releases are paused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [True, False])
def test_an_upload_that_waits_is_told_on_its_application_s_topic_if_belay_can_publish_to_it(
    house: House, own: bool
) -> None:
    topic, inbox = house.subscribed("orders")
    house.register(f"stages: [test, production]\ntopic: {topic if own else topic.replace('eu-west-1', 'us-east-1')}\n")
    HeldUploads(house.ledger, house.topics).hold(UPLOAD, {"detail": {}}, "execution-1")
    (message,) = house.messages(inbox if own else None)
    assert message["kind"] == "release-held"
    assert house.messages(None if own else inbox) == []
    assert [each.upload for each in house.ledger.uploads.held()] == [UPLOAD]


# -- the ends of uploads -----------------------------------------------------------------------------------------------


def test_an_upload_that_another_execution_claimed_is_left_to_that_one(house: House) -> None:
    house.ledger.attempts.claim(UPLOAD, "execution-1", NOW)
    assert house.uploads.close(UPLOAD, "execution-2", Outcome.REJECTED, REFUSED) is Outcome.REJECTED
    assert house.attempt().outcome is None
    assert house.messages() == []


def test_an_upload_whose_execution_died_before_it_claimed_it_is_told(house: House) -> None:
    assert house.uploads.close(UPLOAD, "execution-1", Outcome.REJECTED, REFUSED) is Outcome.REJECTED
    assert house.told() == [("release-ended", "REJECTED")]


def test_the_outcome_that_was_recorded_first_is_returned(house: House) -> None:
    house.uploads.close(UPLOAD, "execution-1", Outcome.REJECTED, REFUSED)
    assert house.uploads.close(UPLOAD, "execution-1", Outcome.ABORTED, None) is Outcome.REJECTED


@pytest.mark.parametrize(("reason", "by"), [(REFUSED, []), (UNREADABLE, ["orders"])])
def test_who_corrects_a_registration_is_told_however_the_upload_ended(
    house: House, reason: ReleaseProblems, by: list[str]
) -> None:
    house.ledger.attempts.claim(UPLOAD, "execution-1", NOW)
    house.uploads.close_attempt(house.attempt(), Outcome.REJECTED, reason)
    (message,) = house.messages()
    assert [each["subject"] for each in message["left_to_do"]] == by

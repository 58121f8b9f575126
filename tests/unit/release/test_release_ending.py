from dataclasses import replace

import pytest

from belay.notify.told import in_words
from belay.release.attempt import Attempt
from belay.release.ending import Close, Recover, outcome_of_stage, what_is_left
from belay.release.life import State
from belay.release.reason import PersonDecided, from_document
from belay.release.records import Outcome, Upload

STAGES = ("test", "production")
UPLOAD = Upload("orders", "releases-bucket", "releases/orders/1.0.0.zip", "v1", 4711)
ACCEPTED = Attempt(UPLOAD, "e1", "2026-01-01T10:00:00.000+00:00", State.ACCEPTED, version="1.0.0", digest="d")


def at(state: State, stage: str = "production", stage_outcome: Outcome | None = None) -> Attempt:
    return replace(ACCEPTED, state=state, stage=stage, stage_outcome=stage_outcome)


def test_what_was_told_is_over() -> None:
    told = replace(at(State.ENDED), outcome=Outcome.DEPLOYED, announced=True)
    assert what_is_left(told, STAGES) is None


@pytest.mark.parametrize("stage", [None, "production"])
def test_an_outcome_that_was_not_told_is_told_as_it_stands(stage: str | None) -> None:
    ended = replace(
        ACCEPTED, state=State.ENDED, stage=stage, outcome=Outcome.ROLLED_BACK, reason=from_document("it failed")
    )
    assert what_is_left(ended, STAGES) == Close(Outcome.ROLLED_BACK, from_document("it failed"))


@pytest.mark.parametrize("state", [State.ACCEPTED, State.CHECKED])
def test_a_release_that_entered_no_stage_changed_nothing(state: State) -> None:
    ending = what_is_left(replace(ACCEPTED, state=state), STAGES)
    assert isinstance(ending, Close)
    assert ending.outcome is Outcome.NEEDS_OPERATOR
    assert "before any stage was entered: nothing was changed" in in_words(ending.reason)


def test_an_upload_that_became_no_release_changed_nothing() -> None:
    ending = what_is_left(Attempt(UPLOAD, "e1", ACCEPTED.claimed_at), ())
    assert isinstance(ending, Close)
    assert ending.outcome is Outcome.NEEDS_OPERATOR
    assert "before the upload was accepted: nothing was changed" in in_words(ending.reason)


@pytest.mark.parametrize("state", [each for each in State if each.in_stage])
def test_a_release_in_the_middle_of_a_stage_is_recovered_there(state: State) -> None:
    assert what_is_left(at(state), STAGES) == Recover("production")


@pytest.mark.parametrize("outcome", Outcome)
def test_the_last_stage_s_outcome_is_the_release_s(outcome: Outcome) -> None:
    ending = what_is_left(at(State.STAGE_ENDED, "production", outcome), STAGES)
    assert isinstance(ending, Close)
    assert ending.outcome is outcome


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.DEPLOYED}))
def test_a_stage_that_was_not_deployed_ends_the_release(outcome: Outcome) -> None:
    ending = what_is_left(at(State.STAGE_ENDED, "test", outcome), STAGES)
    assert isinstance(ending, Close)
    assert ending.outcome is outcome


def test_what_a_person_stopped_between_two_stages_is_left_to_nobody() -> None:
    ann = PersonDecided("ann", "stopped it", "not today")
    for attempt in (at(State.STAGE_ENDED, "test", Outcome.DEPLOYED), ACCEPTED):
        assert what_is_left(attempt, STAGES, stopped=ann) == Close(Outcome.ABORTED, ann)
    assert what_is_left(at(State.EXECUTING), STAGES, stopped=ann) == Recover("production")


def test_a_release_between_two_stages_is_gone_on_with_by_a_person() -> None:
    ending = what_is_left(at(State.STAGE_ENDED, "test", Outcome.DEPLOYED), STAGES)
    assert isinstance(ending, Close)
    assert ending.outcome is Outcome.NEEDS_OPERATOR
    assert "after test and before the next stage" in in_words(ending.reason)


def test_a_stage_s_outcome_is_its_own() -> None:
    ended = at(State.STAGE_ENDED, "test", Outcome.DEPLOYED)
    assert outcome_of_stage(ended, "test") is Outcome.DEPLOYED
    assert outcome_of_stage(ended, "production") is None
    assert outcome_of_stage(at(State.PLANNING), "production") is None
    assert outcome_of_stage(None, "production") is None

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.notify.told import in_words
from belay.policy.verdict import Finding, Severity, Verdict
from belay.release.attempt import Attempt, InStage, Superseded
from belay.release.ending import Close, Recover, TakeBack, conclusion, outcome_of_stage, what_is_left
from belay.release.life import State
from belay.release.reason import (
    FoundInStages,
    PersonDecided,
    PolicyFindings,
    StageEnd,
    Statement,
    WaveEnd,
    Why,
    from_document,
)
from belay.release.records import Outcome, Upload
from belay.release.registration import Application
from belay.release.waves import Waves

ONE_AFTER_THE_OTHER: Waves = (("test",), ("production",))
UPLOAD = Upload("orders", "releases-bucket", "releases/orders/1.0.0.zip", "v1", 4711)
ACCEPTED = Attempt(UPLOAD, "e1", "2026-01-01T10:00:00.000+00:00", State.ACCEPTED, version="1.0.0", digest="d")
WHY = Statement(Why.NOT_VERIFIED, "it does not answer")
ORDERS = Application("orders", ONE_AFTER_THE_OTHER, None, {})
TOGETHER = Application("orders", (("test",), ("eu", "us"), ("production",)), None, {})
TAKEN_BACK = replace(TOGETHER, wave_failure="wave")


def at(state: State, stage: str = "production") -> InStage:
    return InStage(stage, state, "2026-01-01T10:00:00.000+00:00")


def ended(stage: str, outcome: Outcome) -> InStage:
    reason = None if outcome is Outcome.DEPLOYED else WHY
    return replace(at(State.STAGE_ENDED, stage), outcome=outcome, reason=reason)


def attempt(*stages: InStage, application: Application = ORDERS) -> Attempt:
    return replace(ACCEPTED, state=State.DEPLOYING, stages=stages, waves=application.waves)


TESTED = ended("test", Outcome.DEPLOYED)


# -- a wave whose stages have ended ------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", Outcome)
def test_a_stage_alone_ends_its_wave(outcome: Outcome) -> None:
    end = ended("production", outcome)
    assert conclusion(attempt(TESTED, end), ORDERS) == Close(outcome, end.reason)


def test_a_wave_has_not_ended_while_one_of_its_stages_goes_on_or_has_not_begun() -> None:
    failed = ended("eu", Outcome.ROLLED_BACK)
    assert conclusion(attempt(TESTED, failed, at(State.EXECUTING, "us")), TAKEN_BACK) is None
    assert conclusion(attempt(TESTED, failed), TAKEN_BACK) is None
    assert conclusion(attempt(), TAKEN_BACK) is None


def test_a_wave_is_deployed_when_all_of_it_is() -> None:
    deployed = [ended(stage, Outcome.DEPLOYED) for stage in ("eu", "us")]
    assert conclusion(attempt(TESTED, *deployed), TAKEN_BACK) == Close(Outcome.DEPLOYED, None)


def test_a_failed_stage_leaves_the_others_of_its_wave_or_takes_them_with_it_as_registered() -> None:
    stages = (TESTED, ended("eu", Outcome.ROLLED_BACK), ended("us", Outcome.DEPLOYED))
    ends = (StageEnd("eu", Outcome.ROLLED_BACK, WHY), StageEnd("us", Outcome.DEPLOYED))
    assert conclusion(attempt(*stages), TOGETHER) == Close(Outcome.ROLLED_BACK, WaveEnd(ends))
    assert conclusion(attempt(*stages), TAKEN_BACK) == TakeBack(("us",), ends)


def test_all_stages_of_a_wave_list_as_many_findings_as_one_may() -> None:
    finding = Finding("network.yaml", "Web", "ssh-open", Verdict.FAIL, Severity.HIGH, 4, 9, "P", "Open.", "Close it.")
    refused = PolicyFindings.of([FoundInStages(finding)] * 30)
    stages = [replace(ended(f"s{number}", Outcome.REJECTED), reason=refused) for number in range(10)]
    wave = replace(ORDERS, waves=(tuple(each.stage for each in stages),))
    concluded = conclusion(attempt(*stages, application=wave), wave)
    assert isinstance(concluded, Close)
    assert isinstance(concluded.reason, WaveEnd)
    told = [each.reason for each in concluded.reason.stages if isinstance(each.reason, PolicyFindings)]
    assert sum(len(each.findings) for each in told) == len(refused.findings) == 20
    assert sum(len(each.findings) + each.left_out for each in told) == 300


def test_what_a_newer_release_took_the_turn_of_takes_nothing_with_it() -> None:
    stages = (TESTED, ended("eu", Outcome.ABORTED), ended("us", Outcome.DEPLOYED))
    overtaken = replace(attempt(*stages), superseded=(Superseded("eu", "1.1.0"),))
    assert isinstance(conclusion(attempt(*stages), TAKEN_BACK), TakeBack), "a person said no"
    concluded = conclusion(overtaken, TAKEN_BACK)
    assert isinstance(concluded, Close)
    assert concluded.outcome is Outcome.ABORTED


@given(st.lists(st.sampled_from(Outcome), min_size=2, max_size=5), st.booleans())
def test_whatever_ends_how_each_is_told_and_only_what_is_deployed_is_taken_back(
    outcomes: list[Outcome], whole: bool
) -> None:
    wave = tuple(f"s{number}" for number in range(len(outcomes)))
    application = Application("orders", (wave, ("production",)), None, {}, "wave" if whole else "stage")
    stages = [ended(stage, outcome) for stage, outcome in zip(wave, outcomes, strict=True)]
    concluded = conclusion(attempt(*stages, application=application), application)
    deployed = {each.stage for each in stages if each.outcome is Outcome.DEPLOYED}
    if whole and deployed and len(deployed) < len(wave):
        assert isinstance(concluded, TakeBack)
        assert {*concluded.stages} == deployed
        assert tuple(each.outcome for each in concluded.ends) == tuple(outcomes)
        return
    assert isinstance(concluded, Close)
    assert concluded.outcome in outcomes
    if concluded.outcome is Outcome.DEPLOYED:
        assert concluded.reason is None
        return
    assert isinstance(concluded.reason, WaveEnd)
    assert [(each.stage, each.outcome) for each in concluded.reason.stages] == [*zip(wave, outcomes, strict=True)]
    told = in_words(concluded.reason)
    assert all(f"{stage} {outcome}" in told for stage, outcome in zip(wave, outcomes, strict=True))


# -- an execution that ended without an outcome ------------------------------------------------------------------------


def test_what_was_told_is_over() -> None:
    told = replace(attempt(at(State.EXECUTING)), state=State.ENDED, outcome=Outcome.DEPLOYED, announced=True)
    assert what_is_left(told, ORDERS) is None


@pytest.mark.parametrize("stages", [(), (at(State.RECOVERING),)])
def test_an_outcome_that_was_not_told_is_told_as_it_stands(stages: tuple[InStage, ...]) -> None:
    reason = from_document("it failed")
    over = replace(attempt(*stages), state=State.ENDED, outcome=Outcome.ROLLED_BACK, reason=reason)
    assert what_is_left(over, ORDERS) == Close(Outcome.ROLLED_BACK, reason)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.CHECKED])
def test_a_release_that_entered_no_stage_changed_nothing(state: State) -> None:
    ending = what_is_left(replace(ACCEPTED, state=state), ORDERS)
    assert isinstance(ending, Close)
    assert ending.outcome is Outcome.NEEDS_OPERATOR
    assert "before any stage was entered: nothing was changed" in in_words(ending.reason)


def test_an_upload_that_became_no_release_changed_nothing() -> None:
    ending = what_is_left(Attempt(UPLOAD, "e1", ACCEPTED.claimed_at), None)
    assert isinstance(ending, Close)
    assert ending.outcome is Outcome.NEEDS_OPERATOR
    assert "before the upload was accepted: nothing was changed" in in_words(ending.reason)


@pytest.mark.parametrize("state", [each for each in State if each.in_stage])
def test_a_release_in_the_middle_of_a_stage_is_recovered_there(state: State) -> None:
    assert what_is_left(attempt(TESTED, at(state)), ORDERS) == Recover(("production",))


def test_every_stage_that_it_is_in_the_middle_of_is_recovered() -> None:
    going = (at(State.EXECUTING, "eu"), at(State.AWAITING_APPROVAL, "us"))
    assert what_is_left(attempt(TESTED, *going), TOGETHER) == Recover(("eu", "us"))
    assert what_is_left(attempt(TESTED, ended("eu", Outcome.DEPLOYED), going[1]), TOGETHER) == Recover(("us",))


@pytest.mark.parametrize("outcome", Outcome)
def test_the_last_stage_s_outcome_is_the_release_s(outcome: Outcome) -> None:
    ending = what_is_left(attempt(TESTED, ended("production", outcome)), ORDERS)
    assert isinstance(ending, Close)
    assert ending.outcome is outcome
    assert ending.reason == WHY or "right after production" in in_words(ending.reason)


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.DEPLOYED}))
def test_a_stage_that_was_not_deployed_ends_the_release(outcome: Outcome) -> None:
    assert what_is_left(attempt(ended("test", outcome)), ORDERS) == Close(outcome, WHY)


def test_a_wave_of_which_a_stage_was_never_entered_ends_with_what_was() -> None:
    failed = attempt(TESTED, ended("eu", Outcome.ROLLED_BACK))
    assert what_is_left(failed, TOGETHER) == Close(Outcome.ROLLED_BACK, WHY)
    ending = what_is_left(attempt(TESTED, ended("eu", Outcome.DEPLOYED)), TOGETHER)
    assert isinstance(ending, Close)
    assert "after eu and before the next stage" in in_words(ending.reason)


def test_a_wave_is_taken_back_though_the_release_s_execution_has_died() -> None:
    stages = (TESTED, ended("eu", Outcome.ROLLED_BACK), ended("us", Outcome.DEPLOYED))
    left = what_is_left(attempt(*stages), TAKEN_BACK)
    assert isinstance(left, TakeBack)
    assert left.stages == ("us",)


def test_what_a_person_stopped_between_two_stages_is_left_to_nobody() -> None:
    ann = PersonDecided("ann", "stopped it", "not today")
    for stopped in (attempt(TESTED), ACCEPTED):
        assert what_is_left(stopped, ORDERS, stopped=ann) == Close(Outcome.ABORTED, ann)
    assert what_is_left(attempt(TESTED, at(State.EXECUTING)), ORDERS, stopped=ann) == Recover(("production",))


def test_a_release_between_two_stages_is_gone_on_with_by_a_person() -> None:
    ending = what_is_left(attempt(TESTED), ORDERS)
    assert isinstance(ending, Close)
    assert ending.outcome is Outcome.NEEDS_OPERATOR
    assert "after test and before the next stage" in in_words(ending.reason)


def test_a_stage_s_outcome_is_its_own() -> None:
    assert outcome_of_stage(attempt(TESTED), "test") is Outcome.DEPLOYED
    assert outcome_of_stage(attempt(TESTED), "production") is None
    assert outcome_of_stage(attempt(TESTED, at(State.PLANNING)), "production") is None
    assert outcome_of_stage(None, "production") is None

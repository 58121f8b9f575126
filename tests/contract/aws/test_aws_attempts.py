"""Attempts, versions and stages in the ledger, on a DynamoDB simulated by moto."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from simulated_ledger import accepted, bring, empty_ledger, end, end_stage

from belay.approval.principal import Principal
from belay.aws.dynamodb import Item, Table
from belay.errors import IllegalTransition, ReleaseSuperseded
from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt, HeldUpload, Superseded, TakenBack, VersionHead
from belay.release.life import ENTERING, FOLLOWS, Occurrence, State
from belay.release.lock import Claim
from belay.release.reason import from_document
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.release.waves import Waves, stages_of

LIVES = int(os.environ.get("BELAY_LIVES", "8"))
WAVES = (("test",), ("staging",), ("production",))
NOW, LATER = "2026-01-01T10:00:00.000+00:00", "2026-01-01T10:05:00.000+00:00"
NO_ZIP = from_document("no zip")
UPLOAD = Upload("orders", "releases-bucket", "releases/orders/orders-1.0.0.zip", "v1", 4711)
AGAIN = replace(UPLOAD, version_id="v2")


def attempt(ledger: Ledger, about: Upload | ReleaseReference = UPLOAD) -> Attempt:
    found = ledger.attempts.get(about)
    assert found is not None
    return found


# -- claims ------------------------------------------------------------------------------------------------------------


def test_an_upload_is_claimed_by_one_execution(ledger: Ledger) -> None:
    assert ledger.attempts.claim(UPLOAD, "e1", NOW)
    assert not ledger.attempts.claim(UPLOAD, "e2", NOW)
    assert ledger.attempts.claim(UPLOAD, "e1", LATER), "an execution that tries again finds its own claim"
    assert ledger.attempts.claim(AGAIN, "e2", NOW), "another version of the object is another upload"
    assert attempt(ledger) == Attempt(UPLOAD, "e1", NOW)


def test_a_version_is_claimed_by_one_attempt(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    assert ledger.attempts.accept(release, UPLOAD, WAVES, LATER) is None, "the same attempt finds its own claim"
    ledger.attempts.claim(AGAIN, "e2", NOW)
    standing = ledger.attempts.accept(replace(release, attempt=AGAIN.attempt), AGAIN, WAVES, NOW)
    assert standing == VersionHead("orders", "1.0.0", UPLOAD.attempt, under_way=True)
    assert attempt(ledger, AGAIN).state is State.CLAIMED


@pytest.mark.parametrize(
    ("deployed", "digest", "free"),
    [(False, "d1", True), (False, "d2", True), (True, "d1", True), (True, "d2", False)],
)
def test_a_version_that_ended_is_free_but_for_other_content_than_was_deployed(
    ledger: Ledger, deployed: bool, digest: str, free: bool
) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    if deployed:
        end_stage(ledger, release)
    end(ledger, release, Outcome.REJECTED)
    ledger.attempts.claim(AGAIN, "e2", LATER)
    again = ReleaseReference("orders", "1.0.0", digest, AGAIN.attempt)
    standing = ledger.attempts.accept(again, AGAIN, WAVES, LATER)
    assert (standing is None) is free
    if standing is not None:
        assert standing.deployed_digest == "d1"
    assert attempt(ledger).outcome is Outcome.REJECTED, "an earlier attempt keeps what became of it"


def test_an_upload_whose_execution_was_stopped_becomes_no_release(ledger: Ledger) -> None:
    ledger.attempts.claim(UPLOAD, "e1", NOW)
    ledger.attempts.close(attempt(ledger), Outcome.NEEDS_OPERATOR, from_document("stopped"), NOW)
    with pytest.raises(ReleaseSuperseded):
        ledger.attempts.accept(ReleaseReference("orders", "1.0.0", "d1", UPLOAD.attempt), UPLOAD, WAVES, LATER)
    assert ledger.attempts.head("orders", "1.0.0") is None


# -- ends --------------------------------------------------------------------------------------------------------------


def test_an_attempt_is_open_from_its_claim_until_its_end_is_told(ledger: Ledger) -> None:
    ledger.attempts.claim(UPLOAD, "e1", NOW)
    (open_one,) = ledger.attempts.open_ones()
    assert (open_one.upload, open_one.execution) == (UPLOAD, "e1")
    assert ledger.attempts.close(attempt(ledger), Outcome.REJECTED, NO_ZIP, NOW)
    assert len(ledger.attempts.open_ones()) == 1, "whoever recorded the end may have died before telling it"
    assert ledger.attempts.close(attempt(ledger), Outcome.REJECTED, NO_ZIP, LATER), "closed, but nobody was told yet"
    assert not ledger.attempts.close(attempt(ledger), Outcome.DEPLOYED, None, LATER), "an outcome is not replaced"
    ledger.attempts.announced(attempt(ledger))
    assert not ledger.attempts.close(attempt(ledger), Outcome.REJECTED, NO_ZIP, LATER)
    assert ledger.attempts.open_ones() == []
    ended = attempt(ledger)
    assert (ended.outcome, ended.reason, ended.ended_at, ended.announced) == (
        Outcome.REJECTED,
        NO_ZIP,
        NOW,
        True,
    )


def test_an_upload_that_was_accepted_meanwhile_is_not_closed_as_none(ledger: Ledger) -> None:
    ledger.attempts.claim(UPLOAD, "e1", NOW)
    before = attempt(ledger)
    ledger.attempts.accept(ReleaseReference("orders", "1.0.0", "d1", UPLOAD.attempt), UPLOAD, WAVES, NOW)
    assert not ledger.attempts.close(before, Outcome.NEEDS_OPERATOR, from_document("it died"), LATER)
    assert attempt(ledger).state is State.ACCEPTED


def test_who_lost_the_lock_ends_no_stage(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    bring(ledger, release, "production", State.PLANNING)
    claim = Claim.of_release(release, "production", "e1")
    locked = {"expires_at": 4102444800, "now": NOW}
    assert ledger.locks.acquire(claim, seen=None, **locked) == 1
    seen = ledger.locks.get("orders", "production")
    assert ledger.locks.acquire(replace(claim, execution="e2", incident="i"), seen=seen, **locked) == 2
    ended = {"good": True, "now": NOW}
    assert not ledger.attempts.end_stage(release, "production", Outcome.DEPLOYED, fencing=1, **ended)
    assert ledger.stages.runs("orders", "production") is None
    assert attempt(ledger).under_way[0].state is State.PLANNING
    assert ledger.attempts.end_stage(release, "production", Outcome.DEPLOYED, fencing=2, **ended)
    assert not ledger.attempts.end_stage(release, "production", Outcome.DEPLOYED, fencing=2, **ended), "it is done"
    assert ledger.locks.held() == []
    (*_, production) = attempt(ledger).stages
    assert (production.state, production.outcome) == (State.STAGE_ENDED, Outcome.DEPLOYED)


def test_another_execution_continues_an_attempt_until_it_has_ended(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    assert not ledger.attempts.continue_in(replace(release, attempt="bbbbbbbbbbbb"), "e1", "e2"), "another attempt"
    assert not ledger.attempts.continue_in(release, "e0", "e2"), "another execution"
    assert ledger.attempts.continue_in(release, "e1", "e2")
    assert ledger.attempts.continue_in(release, "e1", "e2"), "a rerun finds it done"
    assert attempt(ledger).execution == "e2"
    assert [each.execution for each in ledger.attempts.open_ones()] == ["e2"]
    end(ledger, release, Outcome.ABORTED)
    assert not ledger.attempts.continue_in(release, "e2", "e3")


# -- lives -------------------------------------------------------------------------------------------------------------


ALL_WAVES = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3), min_size=1, max_size=4).map(
    lambda drawn: tuple(wave for wave in _once(drawn) if wave)
)


def _once(waves: list[list[str]]) -> list[tuple[str, ...]]:
    """Each stage in the first of its waves."""
    seen: set[str] = set()
    return [tuple(stage for stage in wave if stage not in seen and not seen.add(stage)) for wave in waves]  # type: ignore[func-returns-value]


@given(ALL_WAVES, st.data())
@settings(max_examples=LIVES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_life_is_read_back_as_it_was_written(no_account: None, waves: Waves, data: st.DataObject) -> None:
    """Takes a random legal path through random waves, beside a model of it; illegal transitions change nothing."""
    with mock_aws():
        ledger = empty_ledger(boto3.client("dynamodb"))
        release = accepted(ledger, UPLOAD, "1.0.0", waves=waves)
        ledger.attempts.record(release, State.CHECKED, LATER)
        model: dict[str, tuple[State, Outcome | None]] = {}
        for step in range(12):
            stage = data.draw(st.sampled_from(stages_of(waves)))
            state = data.draw(st.sampled_from(sorted(each for each in State if each.in_stage or each in ENTERING)))
            outcome = data.draw(st.sampled_from(Outcome)) if state is State.STAGE_ENDED else None
            if _legal(model, waves, stage, state):
                model[stage] = (state, outcome)
                _record(ledger, release, stage, model[stage], step)
            elif outcome is None:
                with pytest.raises(IllegalTransition, match="which does not allow"):
                    ledger.attempts.record(release, state, LATER, stage=stage)
            else:
                ended = {"good": False, "fencing": None, "now": LATER}
                assert not ledger.attempts.end_stage(release, stage, outcome, **ended)
            now = attempt(ledger)
            assert {each.stage: (each.state, each.outcome) for each in now.stages} == model
            assert [each.stage for each in now.stages] == [*model], "in the order in which they were entered"
            assert now.state is (State.DEPLOYING if model else State.CHECKED)
        assert ledger.attempts.close(attempt(ledger), Outcome.NEEDS_OPERATOR, from_document("why"), LATER)
        with pytest.raises(IllegalTransition):
            ledger.attempts.record(release, State.PLANNING, LATER, stage=waves[0][0])
        with pytest.raises(IllegalTransition):
            ledger.attempts.record(release, State.RECOVERING, LATER, stage=waves[0][0])


def _legal(model: Mapping[str, tuple[State, Outcome | None]], waves: Waves, stage: str, state: State) -> bool:
    if stage in model:
        standing, outcome = model[stage]
        recovered = standing is State.RECOVERING and state is State.STAGE_ENDED
        return outcome is None and not recovered and (state is standing or state in FOLLOWS[standing])
    number = next(number for number, wave in enumerate(waves) if stage in wave)
    before = [each for wave in waves[:number] for each in wave]
    return state in ENTERING and all(model.get(each, ("", ""))[1] is Outcome.DEPLOYED for each in before)


def _record(ledger: Ledger, release: ReleaseReference, stage: str, to: tuple[State, Outcome | None], step: int) -> None:
    state, outcome = to
    at = f"2026-01-01T11:{step:02}:00.000+00:00"
    if outcome is None:
        ledger.attempts.record(release, state, at, stage=stage)
    else:
        assert ledger.attempts.end_stage(release, stage, outcome, good=False, fencing=None, now=at)


def test_the_stages_of_a_wave_are_entered_and_left_on_their_own(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0", waves=(("eu", "us"), ("production",)))
    bring(ledger, release, "eu", State.EXECUTING, about="network")
    bring(ledger, release, "us", State.AWAITING_APPROVAL)
    assert attempt(ledger).standing == "EXECUTING network in eu, AWAITING APPROVAL in us"
    assert ledger.attempts.end_stage(release, "eu", Outcome.DEPLOYED, good=True, fencing=None, now=LATER)
    assert [each.stage for each in attempt(ledger).under_way] == ["us"]
    with pytest.raises(IllegalTransition):
        ledger.attempts.record(release, State.PLANNING, LATER, stage="production")
    assert ledger.attempts.end_stage(release, "us", Outcome.ABORTED, NO_ZIP, good=False, fencing=None, now=LATER)
    with pytest.raises(IllegalTransition):
        ledger.attempts.record(release, State.PLANNING, LATER, stage="production")
    ended = {each.stage: (each.outcome, each.reason) for each in attempt(ledger).stages}
    assert ended == {"eu": (Outcome.DEPLOYED, None), "us": (Outcome.ABORTED, NO_ZIP)}


def test_an_attempt_that_had_one_state_for_itself_and_its_stage_goes_on(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    key = ("APPLICATION#orders", f"ATTEMPT#{UPLOAD.attempt}")
    before = {":state": "AWAITING APPROVAL", ":stage": "production", ":about": "until noon"}
    names = {"#state": "state", "#stage": "stage"}
    ledger.attempts._table.update(
        *key, "SET #state = :state, #stage = :stage, about = :about", None, before, names=names
    )
    found = attempt(ledger)
    assert (found.state, found.standing, found.stage) == (
        State.DEPLOYING,
        "AWAITING APPROVAL until noon",
        "production",
    )
    ledger.attempts.record(release, State.APPROVED, LATER, stage="production")
    assert [(each.state, each.about) for each in attempt(ledger).stages] == [(State.APPROVED, "")]
    assert ledger.attempts.end_stage(release, "production", Outcome.DEPLOYED, good=True, fencing=None, now=LATER)


def test_a_stage_is_not_left_before_it_has_ended_well(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    bring(ledger, release, "test", State.EXECUTING)
    with pytest.raises(IllegalTransition):
        ledger.attempts.record(release, State.EXECUTING, LATER, stage="production")
    assert ledger.attempts.end_stage(release, "test", Outcome.REJECTED, good=False, fencing=None, now=LATER)
    with pytest.raises(IllegalTransition):
        ledger.attempts.record(release, State.PLANNING, LATER, stage="production")


def test_a_recovery_is_ended_by_its_incident_alone(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    bring(ledger, release, "production", State.RECOVERING)
    assert not ledger.attempts.end_stage(release, "production", Outcome.DEPLOYED, good=True, fencing=None, now=LATER)
    assert ledger.stages.runs("orders", "production") is None
    back = {"good": False, "fencing": None, "now": LATER, "recovered": True}
    assert ledger.attempts.end_stage(release, "production", Outcome.ROLLED_BACK, NO_ZIP, **back)
    assert not ledger.attempts.end_stage(release, "production", Outcome.ROLLED_BACK, NO_ZIP, **back), "it is done"


def recorded(ledger: Ledger, release: ReleaseReference, state: State) -> bool:
    try:
        ledger.attempts.record(release, state, LATER, stage="production")
    except IllegalTransition:
        return False
    return True


def ended(ledger: Ledger, release: ReleaseReference, outcome: Outcome) -> bool:
    good = outcome is Outcome.DEPLOYED
    return ledger.attempts.end_stage(release, "production", outcome, good=good, fencing=None, now=LATER)


Writer = Callable[[Ledger, ReleaseReference], bool]
RACES: dict[str, tuple[State, Writer, Writer]] = {
    "deployed, and recovered": (
        State.VERIFIED,
        lambda ledger, release: ended(ledger, release, Outcome.DEPLOYED),
        lambda ledger, release: recorded(ledger, release, State.RECOVERING),
    ),
    "recovered, and deployed": (
        State.VERIFIED,
        lambda ledger, release: recorded(ledger, release, State.RECOVERING),
        lambda ledger, release: ended(ledger, release, Outcome.DEPLOYED),
    ),
    "aborted, and approved": (
        State.AWAITING_APPROVAL,
        lambda ledger, release: ended(ledger, release, Outcome.ABORTED),
        lambda ledger, release: recorded(ledger, release, State.APPROVED),
    ),
    "changed, and superseded": (
        State.REHEARSED,
        lambda ledger, release: recorded(ledger, release, State.EXECUTING),
        lambda ledger, release: ledger.attempts.supersede(release, Superseded("production", "2.0.0")),
    ),
    "closed, and entered": (
        State.CHECKED,
        lambda ledger, release: ledger.attempts.close(attempt(ledger), Outcome.NEEDS_OPERATOR, NO_ZIP, LATER),
        lambda ledger, release: recorded(ledger, release, State.PLANNING),
    ),
    "closed, and recovered": (
        State.EXECUTING,
        lambda ledger, release: ledger.attempts.close(attempt(ledger), Outcome.NEEDS_OPERATOR, NO_ZIP, LATER),
        lambda ledger, release: recorded(ledger, release, State.RECOVERING),
    ),
}
"""What two concurrent writers do, from a state: the first one writes between the other's read and write."""


@pytest.mark.parametrize("race", RACES)
def test_of_two_writers_at_once_the_slower_writes_nothing_illegal(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, race: str
) -> None:
    state, faster, slower = RACES[race]
    release, transact, won = accepted(ledger, UPLOAD, "1.0.0"), Table.transact, []
    if state is State.CHECKED:
        ledger.attempts.record(release, state, NOW)
    else:
        bring(ledger, release, "production", state)

    def overtaken(table: Table, *changes: Item) -> bool:
        if not won:
            won.append(True)
            assert faster(ledger, release)
            won.append(attempt(ledger))
        return transact(table, *changes)

    monkeypatch.setattr(Table, "transact", overtaken)
    assert not slower(ledger, release)
    assert attempt(ledger) == won[1], "it is as the faster one left it"


def test_what_nobody_knows_comes_to_no_state(ledger: Ledger) -> None:
    with pytest.raises(IllegalTransition, match="attempt lost, is not known"):
        ledger.attempts.record(ReleaseReference("orders", "1.0.0", "d", "lost"), State.CHECKED, NOW)


def test_a_remark_moves_nothing(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    bring(ledger, release, "production", State.AWAITING_APPROVAL)
    ledger.attempts.note(release, Occurrence.LET_THROUGH, LATER, stage="production", detail="hotfix")
    assert attempt(ledger).under_way[0].state is State.AWAITING_APPROVAL
    assert ledger.attempts.history(attempt(ledger))[-1].what is Occurrence.LET_THROUGH


def test_the_incident_of_a_requested_rollback_is_known(simulated: Callable[[str], Any], ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    ledger.attempts.note(release, Occurrence.ROLLBACK_ASKED, LATER, stage="production", incident="orders-1")
    told = ledger.attempts.history(attempt(ledger))[-1]
    assert (told.incident, told.about) == ("orders-1", "")

    table = Table(simulated("dynamodb"), "ledger")
    (item,) = [each for each in table.query(f"ATTEMPT#orders#{UPLOAD.attempt}") if each.get("incident")]
    earlier = {name: value for name, value in item.items() if name != "incident"} | {"about": "orders-1"}
    table.put(earlier)
    assert ledger.attempts.history(attempt(ledger))[-1] == told, "as earlier versions wrote it"


# -- finding -----------------------------------------------------------------------------------------------------------


def test_attempts_are_found_by_application_version_and_file(ledger: Ledger) -> None:
    first = accepted(ledger, UPLOAD, "1.0.0")
    end(ledger, first, Outcome.ROLLED_BACK)
    ledger.attempts.claim(AGAIN, "e2", LATER)
    other = replace(UPLOAD, key="releases/orders/other.zip")
    accepted(ledger, other, "2.0.0", now="2026-01-01T10:10:00.000+00:00")
    assert [each.id for each in ledger.attempts.newest("orders", 2)] == [other.attempt, AGAIN.attempt]
    assert [each.id for each in ledger.attempts.newest("orders", 9)][2:] == [UPLOAD.attempt]
    assert [each.id for each in ledger.attempts.of_version("orders", "1.0.0")] == [UPLOAD.attempt]
    assert [each.id for each in ledger.attempts.of_file("orders", UPLOAD.file)] == [UPLOAD.attempt, AGAIN.attempt]
    assert ledger.attempts.newest("payments", 9) == []
    current = ledger.attempts.current("orders", "1.0.0")
    assert current is not None
    assert (current.id, current.outcome) == (UPLOAD.attempt, Outcome.ROLLED_BACK)
    assert ledger.attempts.current("orders", "9.9.9") is None


def test_what_became_no_release_is_forgotten_after_a_while_and_a_release_is_not(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = "2025-01-01T10:00:00.000+00:00"
    release = accepted(ledger, UPLOAD, "1.0.0", now=long_ago)
    monkeypatch.setenv("HISTORY_DAYS", "31")
    ledger.attempts.claim(AGAIN, "e2", long_ago)
    ledger.attempts.note(release, Occurrence.LET_THROUGH, long_ago, stage="production")
    assert ledger.attempts.get(AGAIN) is None, "DynamoDB has not deleted it yet"
    assert [each.id for each in ledger.attempts.newest("orders", 9)] == [release.attempt]
    assert [each.words for each in ledger.attempts.history(attempt(ledger))] == ["ACCEPTED"]


# -- stages ------------------------------------------------------------------------------------------------------------


def test_what_a_stage_runs_is_its_own(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    assert ledger.stages.runs("orders", "production") is None
    end_stage(ledger, release)
    runs = ledger.stages.runs("orders", "production")
    assert runs is not None
    assert (runs.release, runs.since, runs.incident) == (release, NOW, None)
    assert ledger.stages.runs("orders", "test") is None
    assert ledger.attempts.head("orders", "1.0.0") == VersionHead("orders", "1.0.0", UPLOAD.attempt, True, "d1")


def test_a_stage_that_does_not_last_runs_nothing(ledger: Ledger) -> None:
    release = accepted(ledger, UPLOAD, "1.0.0")
    bring(ledger, release, "test", State.PLANNING)
    assert ledger.attempts.end_stage(release, "test", Outcome.DEPLOYED, good=False, fencing=None, now=NOW)
    assert ledger.stages.runs("orders", "test") is None
    head = ledger.attempts.head("orders", "1.0.0")
    assert head is not None
    assert head.deployed_digest is None


def test_a_stage_says_what_was_taken_back_when_and_by_whom(ledger: Ledger) -> None:
    versions = ("1.0.0", "1.1.0", "1.2.0")
    releases = []
    for number, version in enumerate(versions):
        uploaded = replace(UPLOAD, key=f"releases/orders/{version}.zip")
        releases.append(accepted(ledger, uploaded, version, now=f"2026-01-0{number + 1}T10:00:00.000+00:00"))
        end_stage(ledger, releases[-1], now=f"2026-01-0{number + 1}T10:00:00.000+00:00")
    back = TakenBack("2026-01-05T10:00:00.000+00:00", "incident", "arn:ann")
    for _ in range(2):  # a rerun records nothing again
        ledger.stages.went_back("orders", "production", releases[0], "incident", "arn:ann", back.at)
    runs = ledger.stages.runs("orders", "production")
    assert runs is not None
    assert (runs.release.version, runs.since, runs.incident) == ("1.0.0", back.at, "incident")
    history = ledger.stages.history("orders", "production")
    assert [(each.release.version, each.taken_back) for each in history] == [
        ("1.0.0", None),
        ("1.1.0", back),
        ("1.2.0", back),
        ("1.0.0", None),
    ]


def test_a_stage_that_goes_back_to_where_nothing_was_runs_nothing(ledger: Ledger) -> None:
    end_stage(ledger, accepted(ledger, UPLOAD, "1.0.0"))
    ledger.stages.went_back("orders", "production", None, "incident", "arn:ann", LATER)
    assert ledger.stages.runs("orders", "production") is None
    (deployment,) = ledger.stages.history("orders", "production")
    assert deployment.taken_back == TakenBack(LATER, "incident", "arn:ann")


# -- uploads -----------------------------------------------------------------------------------------------------------


def test_held_uploads_come_back_oldest_first(ledger: Ledger) -> None:
    ledger.uploads.hold(AGAIN, {"detail": {"size": 2}}, LATER)
    ledger.uploads.hold(UPLOAD, {"detail": {"size": 1}}, NOW)
    first, second = ledger.uploads.held()
    assert first == HeldUpload(UPLOAD, {"detail": {"size": 1}}, NOW)
    assert second.upload == AGAIN
    ledger.uploads.unhold(first)
    assert ledger.uploads.held() == [second]


def test_who_uploaded_is_told_once(ledger: Ledger) -> None:
    maria, jo = Principal("arn:maria", "AIDA1"), Principal("arn:jo", "AIDA2")
    assert ledger.uploads.uploader(UPLOAD) is None
    ledger.uploads.record_uploader(UPLOAD, maria, NOW)
    ledger.uploads.record_uploader(UPLOAD, jo, NOW)
    assert ledger.uploads.uploader(UPLOAD) == maria
    assert ledger.uploads.uploader(AGAIN) is None

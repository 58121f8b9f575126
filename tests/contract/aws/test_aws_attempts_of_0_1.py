"""Belay 0.1's uploads, releases and stages can be read, and are converted on the next write."""

from typing import Any

import pytest
import v0_1
from simulated_ledger import end

from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt, VersionHead
from belay.release.life import Occurrence, State
from belay.release.records import Outcome, ReleaseReference, Upload

WAVES = (("test",), ("production",))
LATER = "2026-12-02T10:00:00.000+00:00"
STATES = {
    "ACCEPTED": (State.ACCEPTED, ""),
    "CHECKED": (State.CHECKED, ""),
    "REFUSED BY POLICY": (State.REFUSED, ""),
    "PLANNING": (State.PLANNING, ""),
    "REHEARSED ready": (State.REHEARSED, "ready"),
    "REHEARSED not ready": (State.REHEARSED, "not ready"),
    "REHEARSED not known": (State.REHEARSED, "not known"),
    "AWAITING APPROVAL": (State.AWAITING_APPROVAL, ""),
    "APPROVED": (State.APPROVED, ""),
    "APPROVAL DENIED": (State.APPROVAL_DENIED, ""),
    "LET THROUGH": (State.HELD, ""),
    "HELD": (State.HELD, ""),
    "SNAPSHOTS TAKEN": (State.SNAPSHOTS_TAKEN, ""),
    "EXECUTING network": (State.EXECUTING, "network"),
    "VALIDATED PASS": (State.VALIDATED, "PASS"),
    "VALIDATED REVIEW": (State.VALIDATED, "REVIEW"),
    "VERIFIED PASS": (State.VERIFIED, "PASS"),
    "PIPELINE STARTED": (State.PIPELINE_STARTED, ""),
    "STAGE ROLLBACK": (State.PIPELINE_ROLLING_BACK, ""),
    "RECOVERING": (State.RECOVERING, ""),
    "STAGE DEPLOYED": (State.STAGE_ENDED, ""),
    "STAGE REJECTED": (State.STAGE_ENDED, ""),
    "STAGE ABORTED": (State.STAGE_ENDED, ""),
}


@pytest.fixture
def old(ledger: Ledger, simulated: Any) -> Ledger:
    """A ledger that Belay 0.1 wrote."""
    v0_1.put(simulated("dynamodb"), "ledger", v0_1.all_items())
    return ledger


def current(ledger: Ledger, application: str, version: str) -> Attempt:
    found = ledger.attempts.current(application, version)
    assert found is not None
    return found


def release_of(attempt: Attempt) -> ReleaseReference:
    assert attempt.release is not None
    return attempt.release


def test_every_upload_is_an_attempt(old: Ledger) -> None:
    for application in {item["upload"]["application"] for item in v0_1.items("upload")}:
        uploads = [item for item in v0_1.items("upload") if item["upload"]["application"] == application]
        attempts = {each.id: each for each in old.attempts.newest(application, 100)}
        assert len(attempts) == len(uploads)
        for item in uploads:
            attempt = attempts[Upload(**item["upload"]).attempt]
            assert attempt.version == item.get("version")
            assert attempt.outcome == item.get("outcome", attempt.outcome)
            assert (attempt.execution, attempt.claimed_at) == (item["execution"], item["claimed_at"])
            assert attempt == old.attempts.get(attempt.upload)


def test_every_state_is_read(old: Ledger) -> None:
    items = [item for item in v0_1.items("release") if item["PK"] == "APPLICATION#release-states"]
    assert {item["state"] for item in items} == set(STATES)
    for item in items:
        attempt = current(old, "release-states", item["version"])
        (state, about), digest = STATES[item["state"]], item["digest"]
        assert (attempt.stage, attempt.digest) == (item["stage"] or None, digest)
        if attempt.stage is None:
            assert (attempt.state, attempt.stages) == (state, ())
            continue
        (standing,) = attempt.stages
        ended = item["state"].removeprefix("STAGE ") if state is State.STAGE_ENDED else None
        assert attempt.state is State.DEPLOYING
        assert (standing.state, standing.about, standing.outcome) == (state, about, ended)


def test_what_it_went_through_is_read(old: Ledger) -> None:
    attempt = current(old, "waiting-approval", "1.4.0")
    written = [item for item in v0_1.items("transition") if item["attempt"] == attempt.id]
    history = old.attempts.history(attempt)
    assert len(history) == len(written) > 3
    assert {each.words for each in history} == {item["state"] for item in written}


def test_what_a_stage_runs_is_read(old: Ledger) -> None:
    for item in v0_1.items("stage"):
        application, stage = item["PK"].split("#")[1], item["SK"].split("#")[1]
        runs = old.stages.runs(application, stage)
        assert runs is not None
        assert (runs.release.to_dict(), runs.since, runs.incident) == (item["release"], item["deployed_at"], None)
        assert old.stages.history(application, stage)[-1].release == runs.release


def test_what_is_open_is_read(old: Ledger) -> None:
    written = {i["SK"].removeprefix("UPLOAD#") for i in v0_1.items("open") if i["SK"].startswith("UPLOAD#")}
    assert {each.upload.attempt for each in old.attempts.open_ones()} == written


def test_what_goes_on_becomes_an_attempt_of_today(old: Ledger) -> None:
    before = current(old, "waiting-approval", "1.4.0")
    old.attempts.record(release_of(before), State.APPROVED, LATER, stage="production")
    after = current(old, "waiting-approval", "1.4.0")
    states = [each.state for one in (before, after) for each in one.stages]
    assert states == [State.AWAITING_APPROVAL, State.APPROVED]
    assert [each.id for each in old.attempts.of_version("waiting-approval", "1.4.0")] == [after.id]
    assert [each.words for each in old.attempts.history(after)][-1] == "APPROVED"
    end(old, release_of(after), Outcome.ABORTED, now=LATER)
    assert old.attempts.head("waiting-approval", "1.4.0") == VersionHead("waiting-approval", "1.4.0", after.id, False)


def test_one_that_holds_something_open_is_adopted_once(old: Ledger) -> None:
    (upload,) = (each.upload for each in old.attempts.open_ones() if each.upload.file == "waiting-approval-1.4.0.zip")
    before = old.attempts.get(upload)
    for _ in range(2):
        old.attempts.adopt(upload)
    assert old.attempts.of_id(upload.application, upload.attempt) == before == old.attempts.get(upload)
    assert [each.id for each in old.attempts.newest("waiting-approval", 9)].count(upload.attempt) == 1


def test_a_version_is_still_bound_to_what_was_deployed(old: Ledger) -> None:
    """Other content is refused, the same is accepted again, and earlier attempts keep their outcome."""
    deployed = current(old, "orders", "1.4.1")
    upload = Upload("orders", "releases-bucket", "releases/orders/again.zip", "v9", 7)
    assert old.attempts.claim(upload, "e9", LATER)
    other = ReleaseReference("orders", "1.4.1", "other", upload.attempt)
    standing = old.attempts.accept(other, upload, WAVES, LATER)
    assert standing is not None
    assert (standing.under_way, standing.deployed_digest) == (False, deployed.digest)
    same = ReleaseReference("orders", "1.4.1", str(deployed.digest), upload.attempt)
    assert old.attempts.accept(same, upload, WAVES, LATER) is None
    assert [each.outcome for each in old.attempts.of_version("orders", "1.4.1")] == [Outcome.DEPLOYED, None]


def test_an_upload_that_comes_twice_is_claimed_once(old: Ledger) -> None:
    known = current(old, "orders", "1.4.1")
    assert not old.attempts.claim(known.upload, "another", LATER)
    assert old.attempts.claim(known.upload, known.execution, LATER)


def test_a_stage_goes_back_to_what_it_ran_then(old: Ledger) -> None:
    first, *later = old.stages.history("orders", "production")
    old.stages.went_back("orders", "production", first.release, "incident", "arn:ann", LATER)
    history = old.stages.history("orders", "production")
    assert [each.taken_back is not None for each in history] == [False, *(True for _ in later), False]
    runs = old.stages.runs("orders", "production")
    assert runs is not None
    assert (runs.release, runs.incident) == (first.release, "incident")


def test_held_uploads_and_uploaders_are_read(old: Ledger) -> None:
    assert [each.name for each in old.uploads.held()] == sorted(item["SK"] for item in v0_1.items("held"))
    for item in v0_1.items("uploader"):
        _, key, version = item["SK"].split("#")
        found = old.uploads.uploader(Upload(item["PK"].split("#")[1], "b", key, version, 0))
        assert found is not None
        assert found.arn == item["uploader"]["arn"]


def test_going_on_outside_of_the_windows_was_a_state(old: Ledger) -> None:
    lines = [
        each.what
        for item in v0_1.items("upload")
        if (attempt := old.attempts.get(Upload(**item["upload"]))) is not None
        for each in old.attempts.history(attempt)
    ]
    written = [item for item in v0_1.items("transition") if item["state"] == "LET THROUGH"]
    assert lines.count(Occurrence.LET_THROUGH) == len(written) > 0

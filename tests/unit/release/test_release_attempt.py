"""What is read from attempts, and from a stage's deployments."""

from dataclasses import replace

import pytest

from belay.errors import InvalidRelease, ReleaseSuperseded
from belay.release.attempt import (
    Attempt,
    StageDeployment,
    TakenBack,
    Transition,
    VersionHead,
    left_by,
    numbered,
    refusal,
    standing_in,
)
from belay.release.life import Occurrence, State
from belay.release.records import Outcome, ReleaseReference, Upload

NOW = "2026-01-01T10:00:00.000+00:00"
UPLOAD = Upload("orders", "releases-bucket", "releases/orders/orders-1.0.0.zip", "v1", 4711)
CLAIMED = Attempt(UPLOAD, "e1", NOW)
ACCEPTED = replace(CLAIMED, state=State.ACCEPTED, version="1.0.0", digest="d1")


def release(version: str) -> ReleaseReference:
    return ReleaseReference("orders", version, "d", f"attempt-{version}")


def history(*versions: str) -> list[StageDeployment]:
    return [StageDeployment("production", release(version), f"2026-01-{n:02}") for n, version in enumerate(versions, 1)]


def versions(deployments: tuple[StageDeployment, ...]) -> list[str]:
    return [each.release.version for each in deployments]


def test_an_upload_is_no_release_until_it_is_accepted() -> None:
    assert CLAIMED.release is None
    assert replace(CLAIMED, version="1.0.0").release is None
    assert ACCEPTED.release == ReleaseReference("orders", "1.0.0", "d1", UPLOAD.attempt)


def test_what_has_no_version_is_named_by_its_file() -> None:
    assert (CLAIMED.name, ACCEPTED.name) == ("orders-1.0.0.zip", "1.0.0")


@pytest.mark.parametrize(
    ("what", "about", "outcome", "said"),
    [
        (State.EXECUTING, "network", None, "EXECUTING network"),
        (State.VALIDATED, "PASS", None, "VALIDATED PASS"),
        (State.PLANNING, "", None, "PLANNING"),
        (State.STAGE_ENDED, "", Outcome.DEPLOYED, "STAGE DEPLOYED"),
        (State.ENDED, "", Outcome.ROLLED_BACK, "ROLLED_BACK"),
        (Occurrence.ROLLBACK_ASKED, "", None, "ROLLBACK ASKED"),
    ],
)
def test_a_line_of_the_history_is_said_in_words(
    what: State | Occurrence, about: str, outcome: Outcome | None, said: str
) -> None:
    assert Transition(NOW, what, "production", about, outcome).words == said


def test_attempts_are_numbered_from_the_oldest() -> None:
    other = replace(CLAIMED, upload=replace(UPLOAD, version_id="v2"))
    assert [numbered([CLAIMED, other], each.id) for each in (CLAIMED, other)] == [1, 2]


@pytest.mark.parametrize(
    ("head", "digest", "error", "said"),
    [
        (
            VersionHead("orders", "1.0.0", ACCEPTED.id, True),
            "d1",
            ReleaseSuperseded,
            "is already being deployed, in e1",
        ),
        (
            VersionHead("orders", "1.0.0", ACCEPTED.id, True),
            "d2",
            InvalidRelease,
            "is being deployed with other content",
        ),
        (
            VersionHead("orders", "1.0.0", ACCEPTED.id, False, "d1"),
            "d2",
            InvalidRelease,
            "was deployed with other content",
        ),
    ],
)
def test_a_refusal_says_what_stands_against_the_version(
    head: VersionHead, digest: str, error: type[Exception], said: str
) -> None:
    refused = refusal(ReleaseReference("orders", "1.0.0", digest, "another"), head, ACCEPTED)
    assert type(refused) is error
    assert f"orders 1.0.0 {said}" in str(refused)


def test_what_a_stage_went_back_from_no_longer_stands() -> None:
    assert versions(standing_in(history("1.0.0", "1.1.0", "1.2.0", "1.1.0", "1.3.0"))) == ["1.0.0", "1.1.0", "1.3.0"]


def test_what_was_taken_back_no_longer_stands() -> None:
    first, second = history("1.0.0", "1.1.0")
    back = TakenBack(NOW, "incident", "arn:jo")
    assert versions(standing_in([first, replace(second, taken_back=back)])) == ["1.0.0"]
    assert standing_in([replace(first, taken_back=back)]) == ()


@pytest.mark.parametrize(
    ("target", "left"),
    [("1.2.0", []), ("1.1.0", ["1.2.0"]), ("1.0.0", ["1.1.0", "1.2.0"]), (None, ["1.0.0", "1.1.0", "1.2.0"])],
)
def test_what_is_gone_once_a_stage_is_back(target: str | None, left: list[str]) -> None:
    gone = left_by(history("1.0.0", "1.1.0", "1.2.0"), release(target) if target else None)
    assert versions(gone) == left

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.release.lock import Claim, Lock, LockDecision, Waiter, decide, overtaken, superseded_by
from belay.release.records import ReleaseReference
from belay.release.version import Version

NOW = 10_000


def lock(**changed: Any) -> Lock:
    known: dict[str, Any] = {
        "owner": "theirs",
        "label": "1.0.0",
        "execution": "their-execution",
        "incident": None,
        "expires_at": NOW + 900,
        "fencing": 7,
        "held": True,
    }
    return Lock("orders", "production", **known | changed)


def deploys(attempt: str = "mine", version: str = "1.1.0") -> Claim:
    return Claim.of_release(ReleaseReference("orders", version, "digest", attempt), "production", "my-execution")


DEPLOYS = deploys()
RECOVERS = Claim("orders", "production", "mine", "1.1.0", "my-recovery", "my-incident")


@pytest.mark.parametrize(
    ("claim", "found", "owner_runs", "decision"),
    [
        (DEPLOYS, None, False, LockDecision.TAKE),
        (DEPLOYS, lock(held=False), True, LockDecision.TAKE),
        (DEPLOYS, lock(owner="mine", execution="my-execution"), True, LockDecision.MINE),
        (RECOVERS, lock(owner="mine", execution="my-recovery", incident="my-incident"), True, LockDecision.MINE),
        # Another release's.
        (DEPLOYS, lock(), True, LockDecision.WAIT),
        (DEPLOYS, lock(), False, LockDecision.WAIT),
        (DEPLOYS, lock(expires_at=NOW - 1), True, LockDecision.WAIT),
        (DEPLOYS, lock(expires_at=NOW), False, LockDecision.WAIT),
        (DEPLOYS, lock(expires_at=NOW - 1), False, LockDecision.TAKE),
        (RECOVERS, lock(), True, LockDecision.WAIT),
        (RECOVERS, lock(expires_at=NOW - 1), False, LockDecision.TAKE),
        # The failed release hands over to its own incident, even while its execution waits for that to end.
        (RECOVERS, lock(owner="mine", execution="my-execution"), True, LockDecision.TAKE),
        # One recovery of an incident at a time; the next one begins where the last one died.
        (RECOVERS, lock(owner="mine", execution="earlier-recovery", incident="my-incident"), True, LockDecision.WAIT),
        (RECOVERS, lock(owner="mine", execution="earlier-recovery", incident="my-incident"), False, LockDecision.TAKE),
        # A deployment that is being recovered has lost.
        (DEPLOYS, lock(owner="mine", execution="my-recovery", incident="my-incident"), True, LockDecision.LOST),
        (DEPLOYS, lock(owner="mine", execution="my-recovery", expires_at=NOW - 1), False, LockDecision.LOST),
    ],
)
def test_who_may_take_the_lock(claim: Claim, found: Lock | None, owner_runs: bool, decision: LockDecision) -> None:
    assert decide(claim, found, now=NOW, owner_runs=owner_runs) is decision


locks = st.builds(
    lock,
    owner=st.sampled_from(["mine", "theirs"]),
    execution=st.sampled_from(["my-execution", "my-recovery", "another"]),
    incident=st.sampled_from([None, "my-incident", "their-incident"]),
    expires_at=st.integers(NOW - 1000, NOW + 1000),
    held=st.booleans(),
)


@given(found=locks, claim=st.sampled_from([DEPLOYS, RECOVERS]), owner_runs=st.booleans())
def test_a_running_stranger_is_never_robbed(found: Lock, claim: Claim, owner_runs: bool) -> None:
    decision = decide(claim, found, now=NOW, owner_runs=owner_runs)
    strange = found.held and found.owner != "mine" and found.execution != claim.execution
    if strange and (owner_runs or found.expires_at >= NOW):
        assert decision is LockDecision.WAIT


def waiting(attempt: str, version: str | None, seen_at: int = NOW) -> Waiter:
    return Waiter("orders", "production", attempt, version, seen_at)


@pytest.mark.parametrize(
    ("queue", "newer"),
    [
        ([], None),
        ([waiting("mine", "9.9.9")], None),
        ([waiting("theirs", "1.0.0")], None),
        ([waiting("theirs", "1.1.0")], None),
        ([waiting("theirs", "1.10.0"), waiting("others", "1.9.0")], "1.10.0"),
        ([waiting("theirs", "1.1.0-rc.1")], None),
        ([waiting("theirs", "1.2.0", NOW - 1799)], "1.2.0"),
        ([waiting("theirs", "1.2.0", NOW - 1800)], None),
        # A recovery waits too, of a stack or of a pipeline's execution, which have no version.
        ([waiting("recovery", None), waiting("theirs", "1.2.0")], "1.2.0"),
    ],
)
def test_only_the_newest_in_the_queue_is_deployed(queue: list[Waiter], newer: str | None) -> None:
    assert superseded_by(DEPLOYS, queue, now=NOW) == newer
    assert superseded_by(RECOVERS, queue, now=NOW) is None


@given(versions=st.lists(st.sampled_from(["1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0", "2.0.0"]), min_size=1, max_size=6))
def test_of_all_who_wait_somebody_goes_on(versions: list[str]) -> None:
    queue = [waiting(f"a{number}", version) for number, version in enumerate(versions)]
    going = [
        version
        for each, version in zip(queue, versions, strict=True)
        if superseded_by(deploys(each.attempt, version), queue, now=NOW) is None
    ]
    assert going
    assert set(going) == {max(versions, key=Version.parse)}


@pytest.mark.parametrize(
    ("version", "deployed", "downgrade", "passed"),
    [
        ("1.1.0", None, False, False),
        ("1.1.0", "1.0.0", False, False),
        ("1.1.0", "1.1.0", False, False),
        ("1.1.0", "1.10.0", False, True),
        ("1.1.0", "1.10.0", True, False),
        ("1.1.0-rc.1", "1.1.0", False, True),
    ],
)
def test_an_older_version_goes_back_only_on_purpose(
    version: str, deployed: str | None, downgrade: bool, passed: bool
) -> None:
    assert overtaken(Version.parse(version), deployed, downgrade=downgrade) is passed

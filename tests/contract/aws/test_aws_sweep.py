"""The sweep on an AWS that moto plays: what one part of it meets hinders no other."""

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from modules import function
from simulated_ledger import bring
from test_aws_unfinished import INCIDENT, RELEASE, ROLE, House

from belay.aws.gateways import own_aws
from belay.control.unfinished import Unfinished
from belay.errors import MissingDocument
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.records import Outcome, upload_of

DEPLOY = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-deploy-release"
LATE = upload_of("orders", "releases-bucket", "releases/orders/1.1.0.zip", "v2", 4711)


@pytest.fixture
def sweep() -> Any:
    return function("sweep")


@pytest.fixture
def house(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    own_aws.cache_clear()
    house = House(simulated)
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    house.states.create_state_machine(name="belay-deploy-release", definition=definition, roleArn=ROLE)
    house.ssm.put_parameter(Name="/belay/paused", Value="false", Type="String")
    for name, value in {
        "LEDGER_TABLE": "ledger",
        "ARTIFACT_BUCKET": "artifacts",
        "NOTIFICATION_TOPIC_ARN": house.topic,
        "PAUSE_PARAMETER": "/belay/paused",
        "DEPLOY_RELEASE_MACHINE_ARN": DEPLOY,
        "ROLLBACK_STAGE_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-rollback-stage",
    }.items():
        monkeypatch.setenv(name, value)
    yield house
    own_aws.cache_clear()


def started(house: House) -> int:
    return len(house.states.list_executions(stateMachineArn=DEPLOY)["executions"])


def test_what_is_left_is_taken_up_and_what_was_held_is_started(house: House, sweep: ModuleType) -> None:
    house.accept()
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    swept = sweep.handler({}, None)
    assert "orders 1.0.0" in swept["taken_up"]
    assert (swept["resumed"], swept["failed_stacks"], swept["locks_held_past_expiry"]) == (1, [], [])
    assert house.told() == [("release-ended", "NEEDS_OPERATOR")]
    assert started(house) == 1
    assert house.ledger.uploads.held() == []


def test_nothing_held_is_started_during_a_pause(house: House, sweep: ModuleType) -> None:
    house.ssm.put_parameter(Name="/belay/paused", Value="true", Type="String", Overwrite=True)
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    assert sweep.handler({}, None)["resumed"] == 0
    assert len(house.ledger.uploads.held()) == 1


def test_a_lock_past_its_expiry_is_counted(house: House, sweep: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    claim = Claim.of_release(RELEASE, "production", "e")
    house.ledger.locks.acquire(claim, expires_at=1, seen=None, now="2026-03-02T09:00:00.000+00:00")
    assert sweep.handler({}, None)["locks_held_past_expiry"] == ["orders#production"]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "LocksHeldPastExpiry" in line]
    assert metrics[-1]["LocksHeldPastExpiry"] == [1.0]


def test_what_cannot_be_taken_up_hinders_nothing_else_and_is_told_in_the_end(house: House, sweep: ModuleType) -> None:
    house.accept()
    house.s3.delete_object(Bucket="artifacts", Key=RELEASE.document_key)
    other = upload_of("orders", "releases-bucket", "releases/orders/broken.zip", "v3", 7)
    house.ledger.attempts.claim(other, "execution-3", "2026-01-01T10:00:00.000+00:00")
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    with pytest.raises(ExceptionGroup) as caught:
        sweep.handler({}, None)
    assert {type(fault) for fault in caught.value.exceptions} == {MissingDocument}
    assert [message["outcome"] for message in house.messages()] == ["NEEDS_OPERATOR"], "the other upload"
    assert started(house) == 1
    assert house.ledger.uploads.held() == []


def test_a_mistake_of_ours_in_one_part_hinders_nothing_else(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.accept()
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    monkeypatch.setattr(Unfinished, "take_up_attempt", lambda *_: Outcome("ROLLBACK"))
    with pytest.raises(ExceptionGroup) as caught:
        sweep.handler({}, None)
    assert {type(fault) for fault in caught.value.exceptions} == {ValueError}
    assert started(house) == 1
    assert house.ledger.uploads.held() == []


def test_a_release_whose_pipeline_s_rollback_died_is_recovered_by_the_sweep(house: House, sweep: ModuleType) -> None:
    house.accept()
    bring(house.ledger, RELEASE, "production", State.PIPELINE_ROLLING_BACK)
    assert INCIDENT in sweep.handler({}, None)["taken_up"]
    assert house.recoveries() == [INCIDENT]

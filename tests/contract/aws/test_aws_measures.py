"""Metrics are written where they happen, on an AWS simulated by moto."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from modules import step
from simulated_ledger import bring, end_stage
from test_aws_unfinished import RELEASE, ROLE, House, recorded

from belay.aws.gateways import own_aws
from belay.control.closing import Ended
from belay.control.recovery import Recovery
from belay.release.life import State
from belay.release.reason import from_document
from belay.release.records import Outcome
from belay.subject.incident import Incident
from belay.subject.subjects import AskedRollback

WHY = from_document("it failed")


@pytest.fixture
def house(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    own_aws.cache_clear()
    monkeypatch.setenv("NOTIFICATION_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:belay")
    yield House(simulated)
    own_aws.cache_clear()


@pytest.fixture
def measured(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """The metrics written since the last call, durations as true."""

    def look() -> dict[str, Any]:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        described = [(line, line["_aws"]["CloudWatchMetrics"][0]) for line in lines]
        assert all(line["service"] == "belay" and line["application"] == "orders" for line in lines)
        return {
            f"{metric['Metrics'][0]['Name']} {line.get('stage') or line.get('outcome')}": metric["Metrics"][0]["Unit"]
            == "Seconds"
            or line[metric["Metrics"][0]["Name"]]
            for line, metric in described
        }

    return look


def finish(outcome: Outcome) -> None:
    about = {"release": RELEASE.to_dict(), "stage": "production", "execution": "e"}
    event = {**about, "outcome": outcome, "fencing": None, "reason": None}
    step("follow_release", "finish_stage").handler(event, None)


def test_a_release_that_a_stage_runs_is_a_deployment_and_a_change_once(
    house: House, measured: Callable[[], dict[str, Any]]
) -> None:
    house.accept()
    bring(house.ledger, RELEASE, "production", State.VALIDATED)
    for _ in range(2):
        finish(Outcome.DEPLOYED)
    of_stage = {"Deployments": 1, "LeadTime": True, "Changes": 1, "ChangeFailures": 0}
    assert measured() == {f"{name} production": value for name, value in of_stage.items()}


def test_a_release_that_a_stage_refused_is_none(house: House, measured: Callable[[], dict[str, Any]]) -> None:
    house.in_stage()
    finish(Outcome.REJECTED)
    assert measured() == {}


def test_an_upload_s_end_is_counted_when_it_was_told(house: House, measured: Callable[[], dict[str, Any]]) -> None:
    house.in_stage()
    for _ in range(2):
        house.endings.close(house.attempt(), Outcome.REJECTED, reason=WHY)
    assert measured() == {"Releases REJECTED": 1, "ReleaseTime REJECTED": True}


def test_a_failed_change_is_counted_with_its_incident_and_the_time_until_it_was_restored(
    house: House, measured: Callable[[], dict[str, Any]]
) -> None:
    house.in_stage()
    for _ in range(2):
        house.incidents.open_for_release(RELEASE, "production", WHY)
    assert measured() == {"Changes production": 1, "ChangeFailures production": 1}
    recovery = Recovery(recorded(house), house.artifacts, house.ledger)
    house.closing.close(recovery, Ended(Outcome.ROLLED_BACK, WHY))
    assert measured() == {
        "Releases ROLLED_BACK": 1,
        "ReleaseTime ROLLED_BACK": True,
        "TimeToRestore production": True,
    }


def test_what_a_person_has_taken_back_has_failed(house: House, measured: Callable[[], dict[str, Any]]) -> None:
    house.in_stage()
    end_stage(house.ledger, RELEASE)
    asked = AskedRollback(RELEASE, "production", None, "arn:ann", None, RELEASE.attempt)
    incident = Incident("orders-production-asked", asked, WHY, ROLE)
    house.incidents.open(incident)
    recovery = Recovery(recorded(house, incident.name), house.artifacts, house.ledger)
    house.closing.close(recovery, Ended(Outcome.ROLLED_BACK, WHY))
    assert measured() == {"ChangeFailures production": 1, "TimeToRestore production": True}

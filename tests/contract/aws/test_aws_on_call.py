"""Acknowledging and closing incidents: each recorded, and announced once."""

from collections.abc import Callable
from typing import Any

import pytest
from test_aws_mixed_stages import MIXED, mixed
from test_aws_unfinished import House

from belay.approval.asked import GivenAnswer
from belay.approval.decision import Decision
from belay.approval.principal import Principal
from belay.aws.sns import Notifications
from belay.control.on_call import OnCall
from belay.events.function_url import Refusal
from belay.ledger.incidents import IncidentRecord
from belay.release.records import ReleaseReference
from belay.subject.life import IncidentState
from belay.subject.names import incident_of

NOW, LATER = "2026-01-02T10:00:00.000+00:00", "2026-01-02T11:00:00.000+00:00"
ANN, JO = (Principal(f"arn:aws:iam::111122223333:user/{name}", f"AIDA{name}") for name in ("ann", "jo"))


class Left:
    """A House in which a release was left to a person, and the person on call there."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.failed: ReleaseReference = mixed(house)
        self.incident = incident_of(self.failed.origin, "production")
        self.on_call = OnCall(house.ledger, Notifications(house.sns), house.topic)
        house.messages()

    def say(self, word: Any, by: Principal, now: str = NOW, comment: str = "") -> GivenAnswer | Refusal:
        return self.on_call.take(Decision(word, "orders", incident=self.incident, comment=comment), by, now)

    @property
    def record(self) -> IncidentRecord:
        record = self.house.ledger.incidents.get("orders", self.incident)
        assert record is not None
        return record

    def is_left(self) -> bool:
        return self.house.ledger.incidents.left() == [("orders", self.incident)]

    def told(self) -> list[tuple[str, str]]:
        return [(each["kind"], each["by"]) for each in self.house.messages()]


@pytest.fixture
def left(simulated: Callable[[str], Any]) -> Left:
    return Left(House(simulated))


def test_what_is_left_to_a_person_is_closed_once_the_stage_is_deployed_to(left: Left) -> None:
    assert left.is_left()
    assert left.record.state(left=left.is_left()) is IncidentState.LEFT_TO_A_PERSON
    left.on_call.supersede("orders", "test", "1.2.0 was deployed since")
    assert left.is_left()
    for _ in range(2):
        left.on_call.supersede("orders", "production", "1.2.0 was deployed since")
    assert left.house.ledger.incidents.left("orders", "production") == []
    assert left.record.closed is not None
    assert left.record.closed.in_words == "closed by Belay: 1.2.0 was deployed since"
    (told,) = left.house.messages()
    assert (told["kind"], told["state"], told["by"], told["closes"]) == ("incident-closed", "closed", "Belay", [1])


def test_what_a_person_closed_before_is_told_as_theirs(left: Left) -> None:
    left.house.ledger.incidents.shut(left.record.incident, GivenAnswer("close", ANN.arn, NOW, "restored"))
    left.on_call.supersede("orders", "production", "1.2.0 was deployed since")
    assert left.told() == [("incident-closed", ANN.arn)]
    assert not left.is_left()


def test_who_is_on_it_is_recorded_and_told_once_and_another_takes_over(left: Left) -> None:
    assert left.say("acknowledge", ANN, comment="looking") == left.say("acknowledge", ANN, LATER)
    assert left.record.acknowledged == GivenAnswer("acknowledge", ANN.arn, NOW, "looking", ANN.principal_id)
    assert left.told() == [("incident-acknowledged", ANN.arn)]
    left.say("acknowledge", JO, LATER)
    assert left.record.acknowledged == GivenAnswer("acknowledge", JO.arn, LATER, "", JO.principal_id)
    assert left.told() == [("incident-acknowledged", JO.arn)]
    assert left.is_left()


def test_an_acknowledgement_that_could_not_be_told_is_told_when_it_is_sent_again(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dead:
        dead.setattr(OnCall, "_tell", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            left.say("acknowledge", ANN)
    left.say("acknowledge", ANN, LATER)
    assert left.told() == [("incident-acknowledged", ANN.arn)]


def test_a_person_closes_it_once_and_the_stage_is_as_mixed_as_it_was(left: Left) -> None:
    assert left.say("close", ANN, comment="restored") == left.say("close", ANN, LATER, comment="restored")
    assert left.record.closed == GivenAnswer("close", ANN.arn, NOW, "restored", ANN.principal_id)
    (told,) = left.house.messages()
    assert (told["kind"], told["state"], told["by"]) == ("incident-closed", "closed", ANN.arn)
    assert told["left_to_do"][0]["why"] == f"it runs {MIXED}"
    assert not left.is_left()
    assert left.house.ledger.stages.in_words("orders", "production") == MIXED
    again = left.say("close", JO, LATER, comment="me too")
    assert isinstance(again, Refusal)
    assert again.error == "AlreadyClosed"


def test_an_unstable_stack_or_an_unknown_incident_is_not_closed(left: Left) -> None:
    stack = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-service/6a7e8fe0"
    left.house.ledger.incidents.watch(left.record.incident, [stack], more=False)
    refused = left.say("close", ANN, comment="done")
    assert isinstance(refused, Refusal)
    assert (refused.error, "orders-service" in refused.message) == ("Unstable", True)
    left.incident = "orders-production-other"
    for word in ("acknowledge", "close"):
        unknown = left.say(word, ANN, comment="done")
        assert isinstance(unknown, Refusal)
        assert unknown.status == 404
    assert left.told() == []


def test_who_closed_it_first_closed_it(left: Left) -> None:
    first = GivenAnswer("close", JO.arn, NOW, "restored", JO.principal_id)
    assert left.house.ledger.incidents.shut(left.record.incident, first) == first
    second = GivenAnswer("close", ANN.arn, LATER, "restored", ANN.principal_id)
    assert left.house.ledger.incidents.shut(left.record.incident, second) == first

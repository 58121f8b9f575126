"""An incident that leaves unstable stacks to a person stays open until they are stable, and is then closed once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber
from test_aws_unfinished import INCIDENT, RELEASE, ROLE, House, closed

from belay.aws.gateways import Aws
from belay.aws.sns import Notifications
from belay.control.places import Places
from belay.control.unhealthy import Unhealthy
from belay.errors import Throttled
from belay.ledger.incidents import IncidentRecord
from belay.ledger.operations import Purpose
from belay.release.left_to_do import LeftToDo
from belay.release.place import Power
from belay.release.reason import from_document
from belay.release.records import Outcome
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt

NETWORK, SERVICE = (
    f"arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-{name}/6a7e8fe0" for name in ("network", "service")
)
OF_RELEASE = Incident(INCIDENT, ReleaseAttempt(RELEASE, "production", None), from_document("no capacity"), ROLE)
STACKS, LEFT = {NETWORK: "network", SERVICE: "service"}, [LeftToDo("service", "continue its rollback")]


class Watched:
    """A House whose stacks have the statuses that a test sets."""

    def __init__(self, house: House, client: Any, stub: Stubber) -> None:
        self.house = house
        self._stub = stub
        places = Places(Aws(make=lambda *_, **__: client), Power.LOOK, "sweep")
        self.unhealthy = Unhealthy(house.ledger, places, Notifications(house.sns), house.topic)

    def stand(self, **statuses: str | None) -> None:
        """Set CloudFormation's next responses, stack by stack; None is a deleted stack."""
        for name, status in statuses.items():
            stack_id = {"network": NETWORK, "service": SERVICE}[name]
            if status is None:
                message = f"Stack with id {stack_id} does not exist"
                self._stub.add_client_error("describe_stacks", "ValidationError", message, 400)
                continue
            stack = {"StackId": stack_id, "StackName": f"orders-{name}", "StackStatus": status}
            answer = {"Stacks": [{**stack, "CreationTime": datetime(2026, 1, 1, tzinfo=UTC)}]}
            self._stub.add_response("describe_stacks", answer, {"StackName": stack_id})

    def refuse(self, code: str = "AccessDenied") -> None:
        """Make CloudFormation refuse the next read."""
        self._stub.add_client_error("describe_stacks", code, "no", 400)

    def last_happened(self, stack_id: str, token: str, *resources: str) -> None:
        """Set CloudFormation's next two responses about a stack's events: these are a topic's."""
        told = [(stack_id, "UPDATE_ROLLBACK_IN_PROGRESS"), *(("topic", status) for status in resources)]
        events = [
            {
                "StackId": stack_id,
                "EventId": "e1",
                "StackName": stack_id.split("/")[1],
                "LogicalResourceId": "Topic",
                "PhysicalResourceId": physical_id,
                "ResourceType": "AWS::SNS::Topic",
                "ResourceStatus": status,
                "Timestamp": datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC),
                "ClientRequestToken": token,
            }
            for second, (physical_id, status) in enumerate(told)
        ]
        for _ in range(2):
            self._stub.add_response("describe_stack_events", {"StackEvents": events[::-1]}, {"StackName": stack_id})


@pytest.fixture
def watched(house: House, stubbed: Callable[[str], tuple[Any, Stubber]]) -> Watched:
    return Watched(house, *stubbed("cloudformation"))


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> House:
    return House(simulated)


def test_an_incident_stays_open_until_every_stack_that_was_unstable_is_stable(watched: Watched) -> None:
    watched.stand(network="UPDATE_ROLLBACK_COMPLETE", service="UPDATE_ROLLBACK_FAILED")
    watched.unhealthy.watch(OF_RELEASE, STACKS, LEFT)

    watched.stand(service="UPDATE_ROLLBACK_FAILED")
    assert closed(watched.house, watched.unhealthy) == []
    watched.stand(service="UPDATE_ROLLBACK_IN_PROGRESS")
    assert closed(watched.house, watched.unhealthy) == []
    assert watched.house.messages() == []

    watched.stand(service="UPDATE_ROLLBACK_COMPLETE")
    watched.last_happened(SERVICE, "by-hand")
    assert closed(watched.house, watched.unhealthy) == [INCIDENT]
    repair = watched.house.ledger.operations.get(SERVICE, "by-hand")
    assert repair is not None
    assert repair.purpose is Purpose.REPAIR, "an event about it that comes late opens no other incident"
    (told,) = watched.house.messages()
    assert (told["kind"], told["state"], told["thread"]) == ("healthy-again", "closed", RELEASE.thread)
    assert told["stacks"] == ["orders-service is UPDATE_ROLLBACK_COMPLETE"]
    assert closed(watched.house, watched.unhealthy) == [], "it is told once"


def recovered(watched: Watched) -> IncidentRecord:
    """The incident's record, once its stack is stable again and the sweep has seen it."""
    watched.stand(service="UPDATE_ROLLBACK_COMPLETE")
    watched.last_happened(SERVICE, "by-hand")
    assert closed(watched.house, watched.unhealthy) == [INCIDENT]
    record = watched.house.ledger.incidents.get("orders", INCIDENT)
    assert record is not None
    return record


def left_to_a_person(watched: Watched, *left_to_do: LeftToDo) -> None:
    """End the incident with this left to a person, and an unstable stack."""
    ledger = watched.house.ledger
    ledger.incidents.open(OF_RELEASE, "2026-01-01T10:00:00.000+00:00")
    ledger.incidents.close(OF_RELEASE, Outcome.NEEDS_OPERATOR, OF_RELEASE.reason, "2026-01-01T10:10:00.000+00:00")
    ledger.incidents.leave(OF_RELEASE)
    watched.stand(service="UPDATE_ROLLBACK_FAILED")
    watched.unhealthy.watch(OF_RELEASE, {SERVICE: "service"}, left_to_do)


def test_an_incident_that_left_nothing_but_stacks_is_closed_with_them(watched: Watched) -> None:
    left_to_a_person(watched, *LEFT)
    record = recovered(watched)
    assert record.closed is not None
    assert record.closed.in_words == "closed by Belay: all stacks that it left to a person are stable again"
    assert watched.house.ledger.incidents.left() == []


def test_an_incident_that_left_more_stays_open_until_a_person_closes_it(watched: Watched) -> None:
    left_to_a_person(watched, *LEFT, LeftToDo("orders-db", "restore it"))
    assert recovered(watched).closed is None
    (told,) = watched.house.messages()
    assert (told["kind"], told["state"], told["closes"]) == ("healthy-again", "open", [])
    assert watched.house.ledger.incidents.left() == [("orders", INCIDENT)]
    assert watched.house.ledger.incidents.watched_of(OF_RELEASE) is None


def test_what_a_person_made_a_stack_stable_without_is_told(watched: Watched) -> None:
    watched.stand(service="UPDATE_ROLLBACK_FAILED")
    watched.unhealthy.watch(OF_RELEASE, {SERVICE: "service"}, LEFT)
    watched.stand(service="UPDATE_ROLLBACK_COMPLETE")
    watched.last_happened(SERVICE, "by-hand", "UPDATE_FAILED", "UPDATE_COMPLETE")
    assert closed(watched.house, watched.unhealthy) == [INCIDENT]
    (told,) = watched.house.messages()
    (left,) = told["left_to_do"]
    assert left["what"].endswith("compare Topic (AWS::SNS::Topic) with the template")
    assert told["severity"] == "warning"


def test_what_belay_itself_repaired_stays_its_own(watched: Watched) -> None:
    watched.stand(service="UPDATE_ROLLBACK_FAILED")
    watched.unhealthy.watch(OF_RELEASE, {SERVICE: "service"}, LEFT)
    watched.house.ledger.operations.record(
        SERVICE, "ours", RELEASE, "production", purpose=Purpose.DEPLOY, now="2026-01-01T10:00:00.000+00:00"
    )
    watched.stand(service="UPDATE_COMPLETE")
    watched.last_happened(SERVICE, "ours")
    assert closed(watched.house, watched.unhealthy) == [INCIDENT]
    ours = watched.house.ledger.operations.get(SERVICE, "ours")
    assert ours is not None
    assert ours.purpose is Purpose.DEPLOY


@pytest.mark.parametrize("status", [None, "DELETE_COMPLETE"])
def test_a_stack_that_is_gone_is_nobody_s_trouble_any_more(watched: Watched, status: str | None) -> None:
    watched.stand(service="ROLLBACK_COMPLETE")
    watched.unhealthy.watch(OF_RELEASE, {SERVICE: "service"}, LEFT)
    watched.stand(service=status)
    assert closed(watched.house, watched.unhealthy) == [INCIDENT]
    assert watched.house.messages()[0]["stacks"] == ["orders-service is deleted"]


def test_an_incident_whose_stacks_are_stable_is_not_watched(watched: Watched) -> None:
    watched.stand(network="UPDATE_ROLLBACK_COMPLETE", service="UPDATE_COMPLETE")
    watched.unhealthy.watch(OF_RELEASE, STACKS, LEFT)
    assert closed(watched.house, watched.unhealthy) == []
    assert watched.house.messages() == []


def test_stacks_that_cannot_be_looked_at_are_watched_and_keep_no_incident_from_its_end(watched: Watched) -> None:
    watched.refuse()
    watched.unhealthy.watch(OF_RELEASE, STACKS, LEFT)
    (found,) = watched.house.ledger.incidents.watched()
    assert found.stack_ids == (NETWORK, SERVICE)
    watched.stand(network="UPDATE_COMPLETE", service="UPDATE_ROLLBACK_FAILED")
    assert closed(watched.house, watched.unhealthy) == []


def test_what_passes_by_itself_is_looked_at_again(watched: Watched) -> None:
    watched.refuse("Throttling")
    with pytest.raises(Throttled):
        watched.unhealthy.watch(OF_RELEASE, STACKS, LEFT)

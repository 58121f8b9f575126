import json
from typing import Any

from belay.release.records import ReleaseReference
from belay.release.registration import Stage
from belay.rollback.incident import Incident, foreign_incident
from belay.stack.status import StackStatus

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-network/6a7e8fe0"
ROLE = "arn:aws:iam::111122223333:role/orders"
STAGE = Stage("orders", "production", ROLE, {}, recover_foreign=True)


def foreign(**changed: Any) -> Incident:
    values: dict[str, Any] = {
        "stack_id": STACK,
        "status": StackStatus.UPDATE_ROLLBACK_COMPLETE,
        "token": "their-token",
        "operation": "their-token",
        "reason": "it failed",
        "topic": None,
    }
    return foreign_incident(STAGE, "network", **values | changed)


def test_an_incident_of_a_release_is_about_all_its_stacks() -> None:
    incident = Incident(
        name="i",
        release=ReleaseReference("orders", "1.0.0", "d", "a"),
        stage="production",
        reason="r",
        service_role=ROLE,
    )
    assert not incident.foreign


def test_an_incident_is_kept_as_a_document() -> None:
    for incident in (foreign(), foreign(token=None, topic="arn:topic")):
        assert Incident.from_dict(json.loads(json.dumps(incident.to_dict()))) == incident


def test_a_foreign_incident_is_about_one_stack_and_what_its_registration_allows() -> None:
    incident = foreign(topic="arn:topic")
    assert incident.foreign
    assert (incident.stack, incident.stack_id, incident.token) == ("network", STACK, "their-token")
    assert (incident.stage, incident.service_role, incident.topic) == ("production", ROLE, "arn:topic")
    assert incident.recover_foreign
    assert not incident.ephemeral
    assert incident.release.application == "orders"


def test_the_same_failure_is_the_same_incident_whoever_saw_it_and_however_far_it_has_come() -> None:
    assert foreign(reason="seen by the sweep").name == foreign().name
    assert foreign(status=StackStatus.UPDATE_ROLLBACK_FAILED).name == foreign().name
    assert foreign().release == foreign(reason="seen by the sweep").release


def test_other_failures_are_other_incidents_with_locks_of_their_own() -> None:
    others = [
        foreign(operation="another-token"),
        foreign(stack_id=f"{STACK}-again"),
        foreign(status=StackStatus.DELETE_FAILED),
    ]
    assert len({incident.name for incident in [foreign(), *others]}) == 4
    assert len({incident.release.attempt for incident in [foreign(), *others]}) == 4

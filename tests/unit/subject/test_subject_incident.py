"""Incidents' names, threads and tokens are idempotency keys: those of Belay 0.1 are fixed here."""

import json
from dataclasses import replace
from typing import Any

import pytest
import v0_1

from belay.errors import UnknownSchema
from belay.pipeline.execution import origin_of
from belay.release.names import client_request_token
from belay.release.reason import from_document
from belay.release.records import ReleaseReference, upload_of
from belay.release.registration import Stage
from belay.stack.status import StackStatus
from belay.subject.incident import Incident
from belay.subject.names import asked_attempt, incident_of, pipeline_incident_of
from belay.subject.subjects import (
    AskedRollback,
    ForeignOperation,
    PipelineDeployment,
    ReleaseAttempt,
    foreign_operation,
)

ROLE = "arn:aws:iam::111122223333:role/orders"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:orders"
ADA = "arn:aws:iam::111122223333:user/ada"
STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-network/6a7e8fe0-1c5d-11ef-9a9e-0a1b2c3d4e5f"
UPLOAD = upload_of("orders", "belay-releases", "releases/orders/1.3.0.zip", "v1", 4711)
RELEASE = ReleaseReference("orders", "1.3.0", "d" * 64, UPLOAD.attempt)
TARGET = ReleaseReference("orders", "1.2.0", "c" * 64, "1c2d3e4f5a6b")
EXECUTION = "6bc22e0f-1f00-4f7c-9d1e-0123456789ab"
AT = "2026-11-20T10:00:00.000+00:00"


def foreign(**changed: Any) -> ForeignOperation:
    values: dict[str, Any] = {
        "stack_id": STACK,
        "status": StackStatus.UPDATE_ROLLBACK_COMPLETE,
        "token": "their-token",
        "operation": "their-token",
        "topic": None,
    }
    return foreign_operation(Stage("orders", "production", ROLE, {}), "network", **values | changed)


def incidents() -> dict[str, Incident]:
    """One of each kind, as today's events and requests create them."""
    attempt = asked_attempt(RELEASE.attempt, TARGET.attempt, AT)
    undone = replace(RELEASE, attempt=attempt)
    about = origin_of("orders", "orders-pipeline", EXECUTION)
    asked = f"{ADA} asked to go back from 1.3.0 to 1.2.0"
    return {
        "release": Incident(
            incident_of(RELEASE.origin, "production"),
            ReleaseAttempt(RELEASE, "production", TOPIC),
            from_document("orders-network is UPDATE_ROLLBACK_COMPLETE: no capacity"),
            ROLE,
            recover_foreign=True,
        ),
        "pipeline": Incident(
            pipeline_incident_of(about, "production", "deploy/network action-1"),
            PipelineDeployment("orders", "production", None, "orders-pipeline", EXECUTION),
            from_document("the action failed"),
            ROLE,
            recover_foreign=True,
        ),
        "foreign": Incident(foreign().incident, foreign(), from_document("it failed"), ROLE, recover_foreign=True),
        "asked": Incident(
            incident_of(undone.origin, "production"),
            AskedRollback(undone, "production", TOPIC, ADA, TARGET, RELEASE.attempt),
            from_document(asked),
            ROLE,
        ),
    }


FROZEN = {
    "release": (
        "orders-production-6e43fef84790",
        "orders-6e43fef84790",
        "6e43fef84790",
        "update-to-baseline-orders-production-1-3-0-network-orders-production-6e43fef84790-0-25ea3cc19a2f",
    ),
    "pipeline": (
        "orders-production-8ef75ab1bff1-370068",
        "orders-8ef75ab1bff1",
        "8ef75ab1bff1",
        "update-to-baseline-orders-production-6bc22e0f-1f00-4f7c-9d1e-0123456789ab-network-"
        "orders-production-8ef75ab1bff1-37-9b9691b35312",
    ),
    "foreign": (
        "orders-network-35a91c8ff5c904ca",
        "orders-network-35a91c8ff5c904ca",
        "4968a93afb1b",
        "update-to-baseline-orders-production-none-network-orders-network-35a91c8ff5c904ca-0-d53a43e92e1b",
    ),
    "asked": (
        "orders-production-b4bc15e78182",
        "orders-b4bc15e78182",
        "b4bc15e78182",
        "update-to-baseline-orders-production-1-3-0-network-orders-production-b4bc15e78182-0-a1eaf54b8214",
    ),
}
"""From commit 8deb935: the incident's name, its thread, its attempt, and the token of its first step."""


@pytest.mark.parametrize("kind", FROZEN)
def test_names_threads_attempts_and_tokens_are_what_they_always_were(kind: str) -> None:
    incident = incidents()[kind]
    origin = incident.subject.origin
    token = client_request_token(
        "orders", "production", origin.name, "network", "update_to_baseline", f"{incident.name}-0"
    )
    assert (incident.name, incident.subject.thread, incident.subject.attempt, token) == FROZEN[kind]
    assert (
        origin.stage_key("production", "rollback.json") == f"attempts/orders/{FROZEN[kind][2]}/production/rollback.json"
    )


def kept_by_0_1() -> dict[str, dict[str, Any]]:
    return {item["incident"]: item["details"] for item in v0_1.items("incident")}


@pytest.mark.parametrize("kind", FROZEN)
def test_what_belay_0_1_kept_is_read_as_what_is_made_today(kind: str) -> None:
    made = incidents()[kind]
    assert Incident.from_dict(kept_by_0_1()[made.name]) == made


@pytest.mark.parametrize("kind", FROZEN)
def test_an_incident_is_kept_as_a_document(kind: str) -> None:
    made = incidents()[kind]
    for incident in (made, replace(made, subject=replace(made.subject, topic="arn:topic"))):
        assert Incident.from_dict(json.loads(json.dumps(incident.to_dict()))) == incident


def test_what_a_newer_belay_kept_is_refused() -> None:
    document = {**incidents()["release"].to_dict(), "schema": 3}
    with pytest.raises(UnknownSchema, match="the incident has schema 3, and this Belay reads up to 2"):
        Incident.from_dict(document)


def test_each_is_told_as_what_it_is() -> None:
    labels = {kind: incident.subject.told_as.in_words for kind, incident in incidents().items()}
    assert labels == {
        "release": "orders 1.3.0 in production",
        "pipeline": f"orders {EXECUTION} in production",
        "foreign": "orders network in production",
        "asked": "orders 1.3.0 in production",
    }


def test_the_same_failure_is_the_same_incident_however_far_it_has_come() -> None:
    assert foreign(status=StackStatus.UPDATE_ROLLBACK_FAILED) == foreign()


def test_other_failures_are_other_incidents_with_locks_of_their_own() -> None:
    others = [
        foreign(),
        foreign(operation="another-token"),
        foreign(stack_id=f"{STACK}-again"),
        foreign(stack_id=STACK.replace("111122223333", "444455556666")),
        foreign(stack_id=STACK.replace("eu-west-1", "eu-central-1")),
        foreign(status=StackStatus.DELETE_FAILED),
    ]
    assert len({each.incident for each in others}) == len(others)
    assert len({each.attempt for each in others}) == len(others)


def test_a_rollback_is_overtaken_by_what_stands_there_neither_before_nor_after_it() -> None:
    asked = AskedRollback(replace(RELEASE, attempt="a"), "production", None, ADA, TARGET, RELEASE.attempt)
    assert not asked.is_overtaken_by(RELEASE.attempt)
    assert not asked.is_overtaken_by(TARGET.attempt)
    assert asked.is_overtaken_by("another")

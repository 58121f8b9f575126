"""Observing an incident's databases when AWS denies it, which must not block the stacks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber
from conftest import SESSION
from simulated_ledger import remembered
from test_aws_unfinished import INCIDENT, MANIFEST, RELEASE, STAGE, House

from belay.aws.gateways import own_aws
from belay.aws.rds import Databases
from belay.control.recovered_databases import RecoveredDatabases
from belay.control.recovery import Recovery
from belay.control.stage import CHANGE_PLAN
from belay.database.executor import ChangeOutcome, ChangeResult, StoredDocument
from belay.database.instance import INSTANCE
from belay.errors import AccessDenied, Throttled
from belay.release.change_plan import ChangePlan, ChangeState, PendingChange
from belay.release.reason import from_document
from belay.release.registration import Database, RegisteredExecutor
from belay.rollback.plan import Action, Kind
from belay.rollback.situation import DatabaseSeen, StackSeen
from belay.rollback.taken import StepTaken
from belay.sql.changes import Engine
from belay.stack.status import StackStatus

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:change"
REGISTERED = f"databases: [{{instance: orders-db, executor: '{FUNCTION}', database: orders}}]\n"
APPLIED = ChangePlan(
    database=Database(INSTANCE, "orders-db"),
    executor=RegisteredExecutor(FUNCTION, "orders"),
    engine=Engine.POSTGRESQL,
    stored=StoredDocument("artifacts", "attempts/orders/a/production/changes.json", "v1", "b" * 64),
    pending=(PendingChange("1", "", "database/1.sql", 0, "b" * 64),),
    results=(ChangeResult("1", "b" * 64, ChangeOutcome.APPLIED),),
    state=ChangeState.APPLIED,
)
CHANGED = StackSeen("network", "orders-network", "arn:n", StackStatus.UPDATE_COMPLETE, changed_by_release=True)


@pytest.fixture
def house(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    own_aws.cache_clear()
    monkeypatch.setattr("test_aws_unfinished.STAGE", STAGE + REGISTERED)
    changes = 'database: {changes: database, engine: postgresql, schema: {from: "3", to: "4"}}\n'
    more = MANIFEST.replace("digests: {", f"digests: {{database/1.sql: {'b' * 64}, ")
    monkeypatch.setattr("test_aws_unfinished.MANIFEST", more + changes)
    house = House(simulated)
    house.in_stage()
    house.artifacts.put_json(RELEASE.stage_key("production", CHANGE_PLAN), APPLIED.to_dict())
    house.incidents.open_for_release(RELEASE, "production", from_document("it is bad"))
    yield house
    own_aws.cache_clear()


def look(code: str) -> DatabaseSeen:
    """Observe the one database, on an RDS that returns this error to the first call."""
    event = {"application": "orders", "stage": "production", "incident": INCIDENT, "fencing": None}
    rds = SESSION.client("rds")
    with Stubber(rds) as stub:
        stub.add_client_error("describe_db_snapshots", code, "no")
        recovered = RecoveredDatabases(Recovery.enter(event, *remembered()), Databases(rds))
        (seen,) = recovered.look((CHANGED,))
    return seen


def test_a_database_that_may_not_be_seen_is_told_so_and_a_throttle_is_not(house: House) -> None:
    assert "AccessDenied: no" in str(look("AccessDenied").unseen)
    with pytest.raises(Throttled):
        look("Throttling")


def test_once_a_restore_has_begun_nothing_is_planned_without_a_look(house: House) -> None:
    record = house.ledger.incidents.get("orders", INCIDENT)
    assert record is not None
    step = StepTaken(Action.RENAME_ORIGINAL, Kind.DATABASE, "orders-db", "swap", "2026-01-01T10:00:00+00:00")
    house.ledger.incidents.record_step(record.incident, step, 0)

    with pytest.raises(AccessDenied):
        look("AccessDenied")

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.stub import Stubber

from belay.aws import database_copies
from belay.aws.database_copies import DatabaseCopies
from belay.database.cluster import CLUSTER, MEMBER
from belay.database.copy import Copy, CopySettings, FoundCopy, newest_usable
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind
from belay.database.kinds import KINDS, UNIT_KINDS
from belay.errors import AccessDenied

LOGIN = {"MasterUsername": "admin1", "MasterUserPassword": "not-a-secret-1"}
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:belay-forecast-changes:a1"


@pytest.fixture
def client(simulated: Callable[[str], Any]) -> Any:
    client = simulated("rds")
    small = {"DBInstanceClass": "db.r6g.large", "AllocatedStorage": 20}
    client.create_db_instance(DBInstanceIdentifier="orders-db", Engine="postgres", **small, **LOGIN)
    client.create_db_cluster(DBClusterIdentifier="orders-db", Engine="aurora-postgresql", **LOGIN)
    return client


def copy(kind: DatabaseKind) -> Copy:
    until = datetime(2026, 3, 3, tzinfo=UTC)
    return Copy(kind, "orders-db", "orders", "production", "1.4.0", "a1", EXECUTION, until, CopySettings(("sg-1",)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_copy_is_made_of_a_snapshot_found_and_deleted(client: Any, kind: DatabaseKind) -> None:
    copies = DatabaseCopies(client)
    getattr(client, xform_name(kind.snapshot.create))(
        **{kind.identifier: "orders-db", kind.snapshot.identifier: "belay-1"}
    )
    original = getattr(client, xform_name(kind.describe))(**{kind.identifier: "orders-db"})[kind.listed][0]
    # moto's snapshots lack the resource id of their database.
    snapshots = [{**each, kind.id_key: original[kind.id_key]} for each in copies.snapshots(kind, "orders-db")]
    taken = newest_usable(kind, snapshots, original[kind.id_key])
    assert taken is not None

    _, parameters = copy(kind).restore(original, taken)
    # moto has no default option groups.
    copies.make(kind, {name: value for name, value in parameters.items() if name != "OptionGroupName"})

    (found,) = copies.all()
    assert (found.kind, found.name, found.execution) == (kind, copy(kind).name, EXECUTION)
    copies.delete(found)
    copies.delete(found)
    assert copies.all() == []
    assert getattr(client, xform_name(kind.describe))(**{kind.identifier: "orders-db"})[kind.listed]


def faults(operation: str) -> set[str]:
    model = botocore.session.get_session().get_service_model("rds").operation_model(operation)
    return {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}


def test_the_codes_are_those_of_rds() -> None:
    made = set().union(*(faults(kind.made_by) for kind in UNIT_KINDS))
    deleted = set().union(*(faults(kind.delete) for kind in KINDS.values()))
    assert made >= database_copies._EXISTS
    assert deleted >= database_copies._GONE
    assert deleted >= database_copies._BUSY


@pytest.mark.parametrize("code", ["DBInstanceAlreadyExists", "InvalidDBClusterStateFault"])
def test_what_was_begun_before_or_has_to_wait_is_left(simulated: Callable[[str], Any], code: str) -> None:
    client = simulated("rds")
    with Stubber(client) as stub:
        stub.add_client_error("create_db_instance", code)
        DatabaseCopies(client).make(
            MEMBER, {"DBInstanceIdentifier": "c", "DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql"}
        )


def test_a_copy_that_is_busy_is_deleted_later_and_a_refusal_is_told(simulated: Callable[[str], Any]) -> None:
    client = simulated("rds")
    found = FoundCopy(INSTANCE, "orders-db-belay-copy-1", EXECUTION, datetime(2026, 3, 3, tzinfo=UTC), "creating")
    with Stubber(client) as stub:
        stub.add_client_error("delete_db_instance", "InvalidDBInstanceState")
        DatabaseCopies(client).delete(found)
        stub.add_client_error("delete_db_instance", "AccessDenied")
        with pytest.raises(AccessDenied, match=r"RDS\.DeleteDBInstance"):
            DatabaseCopies(client).delete(found)


def test_a_cluster_without_a_snapshot_has_none(client: Any) -> None:
    assert [s for s in DatabaseCopies(client).snapshots(CLUSTER, "orders-db") if s["SnapshotType"] == "manual"] == []

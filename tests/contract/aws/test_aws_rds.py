from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from belay.aws import rds
from belay.aws.rds import Databases
from belay.errors import AccessDenied, AwsFault
from belay.release.registration import Database

INSTANCE = Database("instance", "orders-db")
CLUSTER = Database("cluster", "orders-cluster")
TAGS = {"belay:application": "orders", "belay:stage": "production"}


@pytest.fixture
def client(simulated: Callable[[str], Any]) -> Any:
    client = simulated("rds")
    client.create_db_instance(
        DBInstanceIdentifier="orders-db",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="admin1",
        MasterUserPassword="not-a-secret-1",
    )
    client.create_db_cluster(
        DBClusterIdentifier="orders-cluster",
        Engine="aurora-postgresql",
        MasterUsername="admin1",
        MasterUserPassword="not-a-secret-1",
    )
    return client


@pytest.mark.parametrize(
    ("database", "identifier"), [(INSTANCE, "DBInstanceIdentifier"), (CLUSTER, "DBClusterIdentifier")]
)
def test_a_database_is_described_as_rds_does(client: Any, database: Database, identifier: str) -> None:
    found = Databases(client).describe(database)
    assert found is not None
    assert found[identifier] == database.identifier


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_a_database_that_is_not_there_yet_is_none(client: Any, kind: Any) -> None:
    assert Databases(client).describe(Database(kind, "billing")) is None


@pytest.mark.parametrize(
    ("database", "listed", "key"),
    [
        (INSTANCE, "describe_db_snapshots", "DBSnapshots"),
        (CLUSTER, "describe_db_cluster_snapshots", "DBClusterSnapshots"),
    ],
)
def test_a_snapshot_is_taken_once_and_tagged(client: Any, database: Database, listed: str, key: str) -> None:
    databases = Databases(client)
    assert databases.describe_snapshot(database, "belay-1") is None
    databases.create_snapshot(database, "belay-1", TAGS)
    databases.create_snapshot(database, "belay-1", TAGS)
    found = databases.describe_snapshot(database, "belay-1") or {}
    assert found["SnapshotType"] == "manual"
    assert {tag["Key"]: tag["Value"] for tag in found["TagList"]} == TAGS
    assert [each["SnapshotType"] for each in getattr(client, listed)()[key]].count("manual") == 1


def codes(operation: str) -> set[str]:
    """The error codes of an operation as RDS's model spells them."""
    model = botocore.session.get_session().get_service_model("rds").operation_model(operation)
    return {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}


@pytest.mark.parametrize(
    ("operation", "known"),
    [
        ("DescribeDBInstances", rds._NO_DATABASE),
        ("DescribeDBClusters", rds._NO_DATABASE),
        ("DescribeDBSnapshots", rds._NO_SNAPSHOT),
        ("DescribeDBClusterSnapshots", rds._NO_SNAPSHOT),
        ("CreateDBSnapshot", rds._SNAPSHOT_EXISTS),
        ("CreateDBClusterSnapshot", rds._SNAPSHOT_EXISTS),
        ("CreateDBSnapshot", rds._BUSY),
        ("CreateDBClusterSnapshot", rds._BUSY),
    ],
)
def test_absence_is_known_by_the_code_that_rds_gives_it(operation: str, known: set[str]) -> None:
    assert codes(operation) & known


@pytest.mark.parametrize(
    ("code", "fault"),
    [("SnapshotQuotaExceeded", AwsFault), ("AccessDenied", AccessDenied)],
)
def test_a_snapshot_that_is_refused_is_a_fault(
    stubbed: Callable[[str], tuple[Any, Stubber]], code: str, fault: type[AwsFault]
) -> None:
    client, stub = stubbed("rds")
    asked = {
        "DBInstanceIdentifier": "orders-db",
        "DBSnapshotIdentifier": "belay-1",
        "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()],
    }
    stub.add_client_error("create_db_snapshot", code, expected_params=asked)
    with pytest.raises(fault) as caught:
        Databases(client).create_snapshot(INSTANCE, "belay-1", TAGS)
    assert (caught.value.operation, caught.value.code) == ("RDS.CreateDBSnapshot", code)


@pytest.mark.parametrize(
    ("database", "call", "code"),
    [
        (INSTANCE, "create_db_snapshot", "InvalidDBInstanceState"),
        (CLUSTER, "create_db_cluster_snapshot", "InvalidDBClusterStateFault"),
    ],
)
def test_a_database_that_is_busy_is_left_for_later(
    stubbed: Callable[[str], tuple[Any, Stubber]], database: Database, call: str, code: str
) -> None:
    client, stub = stubbed("rds")
    stub.add_client_error(call, code)
    Databases(client).create_snapshot(database, "belay-1", TAGS)


@pytest.mark.parametrize("database", [INSTANCE, CLUSTER])
def test_a_database_that_is_gone_is_known_by_its_snapshots(client: Any, database: Database) -> None:
    databases = Databases(client)
    before = databases.was_snapshotted(database, "orders", "production")
    databases.create_snapshot(database, "belay-1", TAGS)
    client.delete_db_instance(DBInstanceIdentifier="orders-db", SkipFinalSnapshot=True)
    client.delete_db_cluster(DBClusterIdentifier="orders-cluster", SkipFinalSnapshot=True)

    assert not before
    assert databases.describe(database) is None
    assert databases.was_snapshotted(database, "orders", "production")
    assert not databases.was_snapshotted(database, "orders", "staging")
    assert not databases.was_snapshotted(database, "billing", "production")

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.stub import Stubber

from belay.aws import rds
from belay.aws.rds import Databases
from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind, UnitKind
from belay.database.kinds import UNIT_KINDS
from belay.database.restore import OPERATIONS
from belay.database.retention import Quota
from belay.errors import AccessDenied, AwsFault
from belay.release.registration import Database

ORDERS = Database(INSTANCE, "orders-db")
AURORA = Database(CLUSTER, "orders-cluster")
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
    ("database", "identifier"), [(ORDERS, "DBInstanceIdentifier"), (AURORA, "DBClusterIdentifier")]
)
def test_a_database_is_described_as_rds_does(client: Any, database: Database, identifier: str) -> None:
    found = Databases(client).describe(database.kind, database.identifier)
    assert found is not None
    assert found[identifier] == database.identifier


@pytest.mark.parametrize("kind", UNIT_KINDS, ids=str)
def test_a_database_that_is_not_there_yet_is_none(client: Any, kind: UnitKind) -> None:
    assert Databases(client).describe(kind, "billing") is None


@pytest.mark.parametrize(
    ("database", "listed", "key"),
    [
        (ORDERS, "describe_db_snapshots", "DBSnapshots"),
        (AURORA, "describe_db_cluster_snapshots", "DBClusterSnapshots"),
    ],
)
def test_a_snapshot_is_taken_once_and_tagged(client: Any, database: Database, listed: str, key: str) -> None:
    databases = Databases(client)
    assert databases.describe_snapshot(database.kind, "belay-1") is None
    databases.create_snapshot(database, "belay-1", TAGS)
    databases.create_snapshot(database, "belay-1", TAGS)
    found = databases.describe_snapshot(database.kind, "belay-1") or {}
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
        Databases(client).create_snapshot(ORDERS, "belay-1", TAGS)
    assert (caught.value.operation, caught.value.code) == ("RDS.CreateDBSnapshot", code)


@pytest.mark.parametrize(
    ("database", "call", "code"),
    [
        (ORDERS, "create_db_snapshot", "InvalidDBInstanceState"),
        (AURORA, "create_db_cluster_snapshot", "InvalidDBClusterStateFault"),
    ],
)
def test_a_database_that_is_busy_is_left_for_later(
    stubbed: Callable[[str], tuple[Any, Stubber]], database: Database, call: str, code: str
) -> None:
    client, stub = stubbed("rds")
    stub.add_client_error(call, code)
    Databases(client).create_snapshot(database, "belay-1", TAGS)


@pytest.mark.parametrize("database", [ORDERS, AURORA])
def test_a_database_that_is_gone_is_known_by_its_snapshots(client: Any, database: Database) -> None:
    databases = Databases(client)
    before = databases.was_snapshotted(database, "orders", "production")
    databases.create_snapshot(database, "belay-1", TAGS)
    client.delete_db_instance(DBInstanceIdentifier="orders-db", SkipFinalSnapshot=True)
    client.delete_db_cluster(DBClusterIdentifier="orders-cluster", SkipFinalSnapshot=True)

    assert not before
    assert databases.describe(database.kind, database.identifier) is None
    assert databases.was_snapshotted(database, "orders", "production")
    assert not databases.was_snapshotted(database, "orders", "staging")
    assert not databases.was_snapshotted(database, "billing", "production")


class TestRestoring:
    def test_only_what_a_recovery_does_can_be_called(self, client: Any) -> None:
        with pytest.raises(ValueError, match="found DeleteDBInstance"):
            Databases(client).perform("DeleteDBInstance", {"DBInstanceIdentifier": "orders-db"})

    def test_every_operation_is_one_that_rds_has_and_none_deletes(self) -> None:
        model = botocore.session.get_session().get_service_model("rds")
        assert set(OPERATIONS) <= set(model.operation_names)
        assert not [each for each in OPERATIONS if "Delete" in each or "Remove" in each]

    def test_an_instance_is_restored_beside_and_renamed(self, client: Any) -> None:
        databases = Databases(client)
        databases.create_snapshot(ORDERS, "belay-1", TAGS)
        beside = {"DBInstanceIdentifier": "orders-db-new", "DBSnapshotIdentifier": "belay-1"}
        assert databases.perform("RestoreDBInstanceFromDBSnapshot", beside)
        assert not databases.perform("RestoreDBInstanceFromDBSnapshot", beside)
        for old, new in (("orders-db", "orders-db-old"), ("orders-db-new", "orders-db")):
            renamed = {"DBInstanceIdentifier": old, "NewDBInstanceIdentifier": new, "ApplyImmediately": True}
            assert databases.perform("ModifyDBInstance", renamed)
        assert not databases.perform("ModifyDBInstance", renamed)
        assert databases.describe(INSTANCE, "orders-db-new") is None
        assert databases.describe(INSTANCE, "orders-db-old") is not None

    @pytest.mark.parametrize(
        ("code", "operation"),
        [
            ("DBInstanceAlreadyExists", "RestoreDBInstanceFromDBSnapshot"),
            ("InvalidDBInstanceState", "ModifyDBInstance"),
            ("DBInstanceNotFound", "ModifyDBInstance"),
            ("DBClusterAlreadyExistsFault", "RestoreDBClusterFromSnapshot"),
            ("InvalidDBClusterStateFault", "ModifyDBCluster"),
            ("DBInstanceRoleAlreadyExists", "AddRoleToDBInstance"),
            ("DBClusterRoleAlreadyExists", "AddRoleToDBCluster"),
        ],
    )
    def test_what_was_begun_or_cannot_be_now_is_seen_by_the_next_look(
        self, stubbed: Callable[[str], tuple[Any, Stubber]], code: str, operation: str
    ) -> None:
        assert code in codes(operation)
        client, stub = stubbed("rds")
        stub.add_client_error(xform_name(operation), code)
        parameters = {
            "DBInstanceIdentifier": "orders-db",
            "DBClusterIdentifier": "orders-cluster",
            "SnapshotIdentifier": "belay-1",
            "Engine": "aurora-postgresql",
            "RoleArn": "arn:aws:iam::111122223333:role/import",
            "FeatureName": "s3Import",
        }
        model = botocore.session.get_session().get_service_model("rds").operation_model(operation).input_shape
        asked = {name: value for name, value in parameters.items() if name in model.required_members}
        assert not Databases(client).perform(operation, asked)

    def test_what_rds_refuses_is_a_fault(self, stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
        client, stub = stubbed("rds")
        stub.add_client_error("restore_db_instance_from_db_snapshot", "InsufficientDBInstanceCapacity")
        with pytest.raises(AwsFault, match="RestoreDBInstanceFromDBSnapshot"):
            Databases(client).perform("RestoreDBInstanceFromDBSnapshot", {"DBInstanceIdentifier": "orders-db-new"})


@pytest.mark.parametrize(
    ("database", "target", "leads"),
    [
        (ORDERS, {"RdsResourceId": "orders-db"}, True),
        (ORDERS, {"RdsResourceId": "billing-db"}, False),
        (ORDERS, {"TrackedClusterId": "orders-db"}, False),
        (AURORA, {"TrackedClusterId": "orders-cluster"}, True),
    ],
)
def test_a_proxy_is_found_by_its_targets(
    stubbed: Callable[[str], tuple[Any, Stubber]], database: Database, target: dict[str, str], leads: bool
) -> None:
    client, stub = stubbed("rds")
    stub.add_response("describe_db_proxies", {"DBProxies": [{"DBProxyName": "gone"}, {"DBProxyName": "orders"}]})
    stub.add_client_error("describe_db_proxy_targets", "DBProxyNotFoundFault")
    stub.add_response("describe_db_proxy_targets", {"Targets": [target]}, {"DBProxyName": "orders"})
    assert Databases(client).proxies_of(database) == (["orders"] if leads else [])


def test_a_deployment_is_found_by_its_source_and_its_target(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("rds")
    arn = "arn:aws:rds:eu-west-1:111122223333:db:orders-db"
    found = [
        {"BlueGreenDeploymentName": "blue", "Source": arn, "Target": "x", "Status": "AVAILABLE"},
        {"BlueGreenDeploymentName": "green", "Source": "x", "Target": arn, "Status": "AVAILABLE"},
        {"BlueGreenDeploymentName": "over", "Source": arn, "Target": "x", "Status": "SWITCHOVER_COMPLETED"},
        {"BlueGreenDeploymentName": "other", "Source": "x", "Target": "y", "Status": "AVAILABLE"},
    ]
    stub.add_response("describe_blue_green_deployments", {"BlueGreenDeployments": found})
    assert Databases(client).deployments_of(arn) == ["blue", "green"]


@pytest.mark.parametrize("database", [ORDERS, AURORA])
def test_manual_snapshots_are_listed_and_deleted(client: Any, database: Database) -> None:
    databases, kind = Databases(client), database.kind
    databases.create_snapshot(database, "belay-1", TAGS)
    (found,) = databases.manual_snapshots(kind)
    assert (found.name, found.source, found.tags) == ("belay-1", database.identifier, TAGS)
    databases.delete_snapshot(kind, "belay-1")
    databases.delete_snapshot(kind, "belay-1")
    assert databases.manual_snapshots(kind) == []


@pytest.mark.parametrize(("kind", "used"), [(INSTANCE, 7), (CLUSTER, 3)])
def test_the_quota_of_snapshots_is_read(
    stubbed: Callable[[str], tuple[Any, Stubber]], kind: DatabaseKind, used: int
) -> None:
    quotas = [
        {"AccountQuotaName": "DBInstances", "Used": 1, "Max": 40},
        {"AccountQuotaName": "ManualSnapshots", "Used": 7, "Max": 100},
        {"AccountQuotaName": "ManualClusterSnapshots", "Used": 3, "Max": 100},
    ]
    client, stub = stubbed("rds")
    stub.add_response("describe_account_attributes", {"AccountQuotas": quotas})
    assert Databases(client).snapshot_quota(kind) == Quota(used, 100)
    stub.add_response("describe_account_attributes", {"AccountQuotas": quotas[:1]})
    assert Databases(client).snapshot_quota(kind) is None

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import botocore.validate
import pytest

from belay.database.cluster import CLUSTER
from belay.database.copy import (
    Copy,
    CopySettings,
    found_copy,
    newest_usable,
    not_copied,
)
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind, UnitKind

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:belay-forecast-changes:a-production"
CLOSED = CopySettings(("sg-closed",), "copies", "cluster-copies")

INSTANCE_SEEN: Mapping[str, Any] = {
    "DBInstanceIdentifier": "orders-db",
    "DBInstanceStatus": "available",
    "DbiResourceId": "db-1",
    "DBInstanceClass": "db.r6g.large",
    "Engine": "postgres",
    "EngineVersion": "18.1",
    "Endpoint": {"Address": "orders-db.example", "Port": 6432},
    "DBSubnetGroup": {"DBSubnetGroupName": "orders"},
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-orders"}],
    "DBParameterGroups": [{"DBParameterGroupName": "orders"}],
    "OptionGroupMemberships": [{"OptionGroupName": "orders"}],
    "MultiAZ": True,
    "AvailabilityZone": "eu-west-1a",
    "PubliclyAccessible": True,
    "DeletionProtection": True,
    "BackupRetentionPeriod": 14,
    "PreferredBackupWindow": "01:00-02:00",
    "AllocatedStorage": 100,
    "StorageType": "gp3",
    "Iops": 12000,
    "StorageThroughput": 500,
    "IAMDatabaseAuthenticationEnabled": True,
    "EnabledCloudwatchLogsExports": ["postgresql"],
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::111122223333:role/monitoring",
    "AssociatedRoles": [{"RoleArn": "arn:aws:iam::111122223333:role/export", "FeatureName": "s3Export"}],
    "CopyTagsToSnapshot": True,
    "TagList": [{"Key": "team", "Value": "orders"}],
}
CLUSTER_SEEN: Mapping[str, Any] = {
    "DBClusterIdentifier": "orders-db",
    "Status": "available",
    "DbClusterResourceId": "cluster-1",
    "Engine": "aurora-postgresql",
    "EngineMode": "provisioned",
    "Port": 5432,
    "DBSubnetGroup": "orders",
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-orders"}],
    "DBClusterParameterGroup": "orders",
    "DeletionProtection": True,
    "BackupRetentionPeriod": 14,
    "BacktrackWindow": 3600,
    "AssociatedRoles": [{"RoleArn": "arn:aws:iam::111122223333:role/export"}],
    "DBClusterMembers": [{"DBInstanceIdentifier": "orders-db-1", "IsClusterWriter": True}],
}
MEMBER_SEEN: Mapping[str, Any] = {
    "DBInstanceIdentifier": "orders-db-1",
    "DBInstanceStatus": "available",
    "DBInstanceClass": "db.r6g.large",
    "Engine": "aurora-postgresql",
    "DBParameterGroups": [{"DBParameterGroupName": "orders"}],
    "PubliclyAccessible": True,
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::111122223333:role/monitoring",
    "PerformanceInsightsEnabled": True,
}


def snapshot(name: str, created: datetime | None = NOW, source: str = "db-1", **more: Any) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": name,
        "DBInstanceIdentifier": "orders-db",
        "DbiResourceId": source,
        "Status": "available",
        "AllocatedStorage": 100,
        **({"SnapshotCreateTime": created} if created else {}),
        **more,
    }


def copy(kind: DatabaseKind = INSTANCE, **more: Any) -> Copy:
    made = Copy(
        kind,
        original="orders-db",
        application="orders",
        stage="production",
        version="1.4.0",
        attempt="a1",
        execution=EXECUTION,
        delete_after=NOW + timedelta(hours=12),
        settings=CLOSED,
    )
    return replace(made, **more)


def tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in parameters["Tags"]}


def accepted(operation: str, parameters: Mapping[str, Any]) -> bool:
    """Whether botocore's model of RDS takes the call."""
    model = botocore.session.get_session().get_service_model("rds").operation_model(operation)
    report = botocore.validate.ParamValidator().validate(parameters, model.input_shape)
    return not report.has_errors() and set(parameters) <= set(model.input_shape.members)


def test_an_instance_s_copy_has_its_speed_and_nothing_that_leads_out() -> None:
    operation, parameters = copy().restore(INSTANCE_SEEN, snapshot("s"))
    assert operation == "RestoreDBInstanceFromDBSnapshot"
    assert accepted(operation, parameters)
    assert tags(parameters).keys() == {
        f"belay:{name}"
        for name in ("application", "stage", "release", "execution", "attempt", "copy-of", "delete-after")
    }
    assert {name: value for name, value in parameters.items() if name != "Tags"} == {
        "DBSnapshotIdentifier": "s",
        "DBInstanceIdentifier": copy().name,
        "DBInstanceClass": "db.r6g.large",
        "DBSubnetGroupName": "orders",
        "Port": 6432,
        "OptionGroupName": "orders",
        "StorageType": "gp3",
        "Iops": 12000,
        "StorageThroughput": 500,
        "EnableIAMDatabaseAuthentication": True,
        "DBParameterGroupName": "copies",
        "VpcSecurityGroupIds": ["sg-closed"],
        "BackupRetentionPeriod": 0,
        "MultiAZ": False,
        "PubliclyAccessible": False,
        "DeletionProtection": False,
    }


def test_a_cluster_s_copy_has_one_instance_like_its_writer() -> None:
    seen = {"DBClusterSnapshotIdentifier": "s", "EngineVersion": "17.5"}
    made = copy(CLUSTER)
    operation, parameters = made.restore(CLUSTER_SEEN, seen)
    assert operation == "RestoreDBClusterFromSnapshot"
    assert accepted(operation, parameters)
    assert {name: value for name, value in parameters.items() if name != "Tags"} == {
        "SnapshotIdentifier": "s",
        "EngineVersion": "17.5",
        "DBClusterIdentifier": made.name,
        "Engine": "aurora-postgresql",
        "Port": 5432,
        "DBSubnetGroupName": "orders",
        "DBClusterParameterGroupName": "cluster-copies",
        "VpcSecurityGroupIds": ["sg-closed"],
        "BackupRetentionPeriod": 1,
        "DeletionProtection": False,
    }
    call = made.create_member(MEMBER_SEEN)
    assert call is not None
    operation, parameters = call
    assert operation == "CreateDBInstance"
    assert accepted(operation, parameters)
    assert tags(parameters) == made.tags
    assert {name: value for name, value in parameters.items() if name != "Tags"} == {
        "DBClusterIdentifier": made.name,
        "DBInstanceIdentifier": made.name,
        "DBInstanceClass": "db.r6g.large",
        "Engine": "aurora-postgresql",
        "DBParameterGroupName": "copies",
        "PubliclyAccessible": False,
    }


def test_an_instance_s_copy_has_no_members() -> None:
    assert copy().create_member(MEMBER_SEEN) is None


def test_without_parameter_groups_of_its_own_a_copy_has_the_original_s() -> None:
    _, parameters = copy(settings=CopySettings(("sg-closed",))).restore(INSTANCE_SEEN, snapshot("s"))
    assert parameters["DBParameterGroupName"] == "orders"


def test_a_copy_has_a_name_of_its_own_that_permissions_can_match() -> None:
    assert copy().name.startswith("orders-db-belay-copy-")
    assert copy().name != copy(attempt="a2").name != copy(stage="test").name
    assert len(copy(original="o" * 63).name) == 63


def test_a_copy_says_whose_it_is_and_until_when() -> None:
    assert copy().tags == {
        "belay:application": "orders",
        "belay:stage": "production",
        "belay:release": "1.4.0",
        "belay:execution": EXECUTION,
        "belay:attempt": "a1",
        "belay:copy-of": "orders-db",
        "belay:delete-after": "2026-03-03T00:00:00+00:00",
    }


@pytest.mark.parametrize(
    "not_usable",
    [
        snapshot("younger", NOW + timedelta(hours=1), Status="creating"),
        snapshot("younger", NOW + timedelta(hours=1), Status="failed"),
        snapshot("no-time-yet", None),
        snapshot("of-the-replaced-one", NOW + timedelta(hours=1), source="db-0"),
    ],
)
def test_the_newest_finished_snapshot_of_this_very_database_is_used(not_usable: dict[str, Any]) -> None:
    automated = snapshot("rds:orders-db-2026", NOW, SnapshotType="automated")
    manual = snapshot("belay-1", NOW - timedelta(hours=1), SnapshotType="manual")
    assert newest_usable(INSTANCE, [manual, automated, not_usable], "db-1") == automated
    assert newest_usable(INSTANCE, [not_usable], "db-1") is None


@pytest.mark.parametrize(
    ("kind", "original", "words"),
    [
        (INSTANCE, INSTANCE_SEEN, None),
        (CLUSTER, CLUSTER_SEEN, None),
        (
            INSTANCE,
            {**INSTANCE_SEEN, "DBClusterIdentifier": "c"},
            "it is a member of the cluster c: register the cluster",
        ),
        (INSTANCE, {**INSTANCE_SEEN, "Engine": "custom-oracle-ee"}, "it runs on RDS Custom"),
        (CLUSTER, {**CLUSTER_SEEN, "Engine": "postgres"}, "it is a Multi-AZ DB cluster"),
    ],
)
def test_what_cannot_be_copied_says_why(kind: DatabaseKind, original: Mapping[str, Any], words: str | None) -> None:
    found = not_copied(kind, original)
    assert found is None if words is None else found is not None and found.startswith(words)


def described(kind: UnitKind, name: str, **changed: str | None) -> dict[str, Any]:
    found = {**copy().tags, **{f"belay:{key.replace('_', '-')}": value for key, value in changed.items()}}
    listed = [{"Key": key, "Value": value} for key, value in found.items() if value is not None]
    return {kind.identifier: name, kind.status_key: "available", "TagList": listed}


@pytest.mark.parametrize("kind", [INSTANCE, CLUSTER], ids=str)
def test_a_copy_is_found_by_its_name_and_its_tags(kind: DatabaseKind) -> None:
    found = found_copy(kind, described(kind, copy().name))
    assert found is not None
    assert (found.kind, found.name, found.execution) == (kind, copy().name, EXECUTION)
    assert found.delete_after == NOW + timedelta(hours=12)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("orders-db", {}),
        ("orders-db-belay-restored-00112233", {}),
        (copy().name, {"copy_of": None}),
        (copy().name, {"execution": None}),
        (copy().name, {"delete_after": None}),
        (copy().name, {"delete_after": "tomorrow"}),
        (copy().name, {"delete_after": "2026-03-03T00:00:00"}),
    ],
)
def test_nothing_else_is_taken_for_a_copy(name: str, changed: dict[str, str | None]) -> None:
    assert found_copy(INSTANCE, described(INSTANCE, name, **changed)) is None

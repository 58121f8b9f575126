"""A simulated RDS in dictionaries: it performs a step's call, refusing what botocore's model or AWS would refuse."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from belay.database.snapshots import snapshot_tags

MODEL = botocore.session.get_session().get_service_model("rds")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ARN = "arn:aws:rds:eu-west-1:111122223333"
SNAPSHOT = "orders-production-1-3-0-orders-db-0123456789ab"

INSTANCE: Mapping[str, Any] = {
    "DBInstanceIdentifier": "orders-db",
    "DBInstanceStatus": "available",
    "DBInstanceArn": f"{ARN}:db:orders-db",
    "DbiResourceId": "db-ORIGINAL",
    "DBInstanceClass": "db.r6g.large",
    "Engine": "postgres",
    "EngineVersion": "16.4",
    "MasterUsername": "orders",
    "DBName": "orders",
    "Endpoint": {"Address": "orders-db.x.eu-west-1.rds.amazonaws.com", "Port": 5433},
    "AllocatedStorage": 100,
    "MaxAllocatedStorage": 500,
    "StorageType": "gp3",
    "Iops": 3000,
    "StorageThroughput": 125,
    "StorageEncrypted": True,
    "KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/1",
    "DBSubnetGroup": {"DBSubnetGroupName": "orders-db"},
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
    "DBParameterGroups": [{"DBParameterGroupName": "orders-settings", "ParameterApplyStatus": "in-sync"}],
    "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-16", "Status": "in-sync"}],
    "MultiAZ": True,
    "AvailabilityZone": "eu-west-1a",
    "PubliclyAccessible": False,
    "AutoMinorVersionUpgrade": False,
    "LicenseModel": "postgresql-license",
    "DeletionProtection": True,
    "IAMDatabaseAuthenticationEnabled": True,
    "EnabledCloudwatchLogsExports": ["upgrade", "postgresql"],
    "CACertificateIdentifier": "rds-ca-rsa4096-g1",
    "CopyTagsToSnapshot": True,
    "BackupRetentionPeriod": 14,
    "PreferredBackupWindow": "02:00-02:30",
    "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::111122223333:role/monitoring",
    "PerformanceInsightsEnabled": True,
    "PerformanceInsightsKMSKeyId": "arn:aws:kms:eu-west-1:111122223333:key/2",
    "PerformanceInsightsRetentionPeriod": 7,
    "NetworkType": "IPV4",
    "AssociatedRoles": [{"RoleArn": "arn:aws:iam::111122223333:role/import", "FeatureName": "s3Import"}],
    "TagList": [
        {"Key": "team", "Value": "orders"},
        {"Key": "aws:cloudformation:stack-name", "Value": "orders-production-service"},
    ],
}

CLUSTER: Mapping[str, Any] = {
    "DBClusterIdentifier": "orders-db",
    "Status": "available",
    "DBClusterArn": f"{ARN}:cluster:orders-db",
    "DbClusterResourceId": "cluster-ORIGINAL",
    "Engine": "aurora-postgresql",
    "EngineMode": "provisioned",
    "EngineVersion": "16.4",
    "MasterUsername": "orders",
    "Port": 5433,
    "DBSubnetGroup": "orders-db",
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
    "DBClusterParameterGroup": "orders-settings",
    "AvailabilityZones": ["eu-west-1c", "eu-west-1a", "eu-west-1b"],
    "DeletionProtection": True,
    "BackupRetentionPeriod": 14,
    "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4.0},
    "EnabledCloudwatchLogsExports": ["postgresql"],
    "AssociatedRoles": [],
    "TagList": [{"Key": "team", "Value": "orders"}],
}


def member(name: str, resource_id: str, *, writer: bool) -> dict[str, Any]:
    """An instance of the cluster."""
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceStatus": "available",
        "DBInstanceArn": f"{ARN}:db:{name}",
        "DbiResourceId": resource_id,
        "DBClusterIdentifier": "orders-db",
        "DBInstanceClass": "db.serverless",
        "Engine": "aurora-postgresql",
        "AvailabilityZone": "eu-west-1a" if writer else "eu-west-1b",
        "DBParameterGroups": [{"DBParameterGroupName": "default.aurora-postgresql16"}],
        "PromotionTier": 0 if writer else 1,
        "MonitoringInterval": 0,
        "TagList": [{"Key": "team", "Value": "orders"}],
    }


def snapshot(kind: str = "instance", **more: Any) -> dict[str, Any]:
    """The snapshot taken for the release."""
    prefix = "DBCluster" if kind == "cluster" else "DB"
    source = {"DBInstanceIdentifier": "orders-db", "DbiResourceId": "db-ORIGINAL", "AllocatedStorage": 100}
    if kind == "cluster":
        source = {"DBClusterIdentifier": "orders-db", "DbClusterResourceId": "cluster-ORIGINAL"}
    tags = snapshot_tags("orders", "production", "1.3.0", "arn:x")
    return {
        f"{prefix}SnapshotIdentifier": SNAPSHOT,
        "Status": "available",
        "SnapshotType": "manual",
        "SnapshotCreateTime": NOW.replace(minute=18),
        "Engine": "aurora-postgresql" if kind == "cluster" else "postgres",
        "EngineVersion": "16.4",
        "TagList": [{"Key": key, "Value": value} for key, value in tags.items()],
        **source,
        **more,
    }


DEFAULTS: Mapping[str, Any] = {
    "DBInstanceStatus": "available",
    "Engine": "postgres",
    "EngineVersion": "16.4",
    "MasterUsername": "orders",
    "StorageEncrypted": True,
    "KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/1",
    "DBName": "orders",
    "PreferredMaintenanceWindow": "wed:06:38-wed:07:08",
    "MonitoringInterval": 0,
    "PerformanceInsightsEnabled": False,
    "AvailabilityZone": "eu-west-1b",
    "AllocatedStorage": 100,
    "Iops": 3000,
    "StorageThroughput": 125,
}
"""RDS's settings for an instance restored from the snapshot, by default."""

CLUSTER_DEFAULTS: Mapping[str, Any] = {
    "Status": "available",
    "EngineMode": "provisioned",
    "MasterUsername": "orders",
    "PreferredMaintenanceWindow": "wed:06:38-wed:07:08",
}

SHOWN_AS: Mapping[str, Any] = {
    "Port": lambda value: {"Endpoint": {"Port": value}},
    "DBPortNumber": lambda value: {"Endpoint": {"Port": value}},
    "DBSubnetGroupName": lambda value: {"DBSubnetGroup": {"DBSubnetGroupName": value}},
    "VpcSecurityGroupIds": lambda value: {"VpcSecurityGroups": [{"VpcSecurityGroupId": each} for each in value]},
    "DBParameterGroupName": lambda value: {"DBParameterGroups": [{"DBParameterGroupName": value}]},
    "OptionGroupName": lambda value: {"OptionGroupMemberships": [{"OptionGroupName": value}]},
    "EnableIAMDatabaseAuthentication": lambda value: {"IAMDatabaseAuthenticationEnabled": value},
    "EnableCloudwatchLogsExports": lambda value: {"EnabledCloudwatchLogsExports": value},
    "EnablePerformanceInsights": lambda value: {"PerformanceInsightsEnabled": value},
    "Tags": lambda value: {"TagList": value},
    "DBClusterParameterGroupName": lambda value: {"DBClusterParameterGroup": value},
    "DBSnapshotIdentifier": lambda value: {},
    "SnapshotIdentifier": lambda value: {},
    "ApplyImmediately": lambda value: {},
}


class RefusedError(Exception):
    """RDS refuses a call."""


@dataclass
class PlayedRds:
    """Instances and clusters by name. ``refused`` are operations with a parameter that are not performed."""

    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def call(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Perform it immediately."""
        shape = MODEL.operation_model(operation).input_shape
        problems = ParamValidator().validate(dict(parameters), shape)
        if problems.has_errors():
            raise RefusedError(problems.generate_report())
        self.calls.append((operation, dict(parameters)))
        getattr(self, f"_{operation}")(dict(parameters))

    def _RestoreDBInstanceFromDBSnapshot(self, asked: dict[str, Any]) -> None:
        self._make(self.instances, "DBInstanceIdentifier", asked, DEFAULTS)

    def _CreateDBInstance(self, asked: dict[str, Any]) -> None:
        if asked["DBClusterIdentifier"] not in self.clusters:
            raise RefusedError("DBClusterNotFoundFault")
        self._make(self.instances, "DBInstanceIdentifier", asked, {"DBInstanceStatus": "available"})
        self._link()

    def _RestoreDBClusterFromSnapshot(self, asked: dict[str, Any]) -> None:
        self._make(self.clusters, "DBClusterIdentifier", asked, CLUSTER_DEFAULTS)
        self._link()

    def _make(
        self, those: dict[str, dict[str, Any]], identifier: str, asked: dict[str, Any], defaults: Mapping[str, Any]
    ) -> None:
        name = asked[identifier]
        if name in those:
            raise RefusedError(f"{name} AlreadyExists")
        made = {**defaults}
        self._show(made, asked, cluster=identifier == "DBClusterIdentifier")
        word = "cluster" if identifier == "DBClusterIdentifier" else "db"
        made["DbClusterResourceId" if word == "cluster" else "DbiResourceId"] = f"{word}-{next(self._numbers)}"
        made["DBClusterArn" if word == "cluster" else "DBInstanceArn"] = f"{ARN}:{word}:{name}"
        those[name] = made

    def _show(self, described: dict[str, Any], asked: dict[str, Any], *, cluster: bool) -> None:
        for name, value in asked.items():
            if name == "CloudwatchLogsExportConfiguration":
                described["EnabledCloudwatchLogsExports"] = value.get("EnableLogTypes", [])
            elif cluster and name in ("Port", "DBSubnetGroupName", "OptionGroupName"):
                described |= {"Port": value} if name == "Port" else {"DBSubnetGroup": value}
            else:
                described |= SHOWN_AS.get(name, lambda value, name=name: {name: value})(value)

    def _ModifyDBInstance(self, asked: dict[str, Any]) -> None:
        self._modify(self.instances, "DBInstanceIdentifier", "DBInstanceArn", asked)

    def _ModifyDBCluster(self, asked: dict[str, Any]) -> None:
        self._modify(self.clusters, "DBClusterIdentifier", "DBClusterArn", asked)

    def _modify(self, those: dict[str, dict[str, Any]], identifier: str, arn: str, asked: dict[str, Any]) -> None:
        if not asked["ApplyImmediately"]:
            raise RefusedError("it would wait for the maintenance window")
        old, new = asked.pop(identifier), asked.pop(f"New{identifier}", None)
        described = those[old]
        self._show(described, asked, cluster=identifier == "DBClusterIdentifier")
        if new is not None:
            if new in those:
                raise RefusedError(f"{new} AlreadyExists")
            those[new] = those.pop(old) | {identifier: new, arn: described[arn].rpartition(":")[0] + f":{new}"}
            for each in self.instances.values():
                if identifier == "DBClusterIdentifier" and each.get(identifier) == old:
                    each[identifier] = new
        self._link()

    def _link(self) -> None:
        for name, cluster in self.clusters.items():
            members = [each for each in self.instances.values() if each.get("DBClusterIdentifier") == name]
            cluster["DBClusterMembers"] = [
                {"DBInstanceIdentifier": each["DBInstanceIdentifier"], "IsClusterWriter": not each["PromotionTier"]}
                for each in members
            ]

    def _AddRoleToDBInstance(self, asked: dict[str, Any]) -> None:
        described = self.instances[asked["DBInstanceIdentifier"]]
        role = {"RoleArn": asked["RoleArn"], "FeatureName": asked["FeatureName"]}
        described["AssociatedRoles"] = [*described.get("AssociatedRoles", []), role]

    def _AddTagsToResource(self, asked: dict[str, Any]) -> None:
        everything = [*self.instances.values(), *self.clusters.values()]
        found = next(
            each
            for each in everything
            if asked["ResourceName"] in (each.get("DBInstanceArn"), each.get("DBClusterArn"))
        )
        found["TagList"] = [*found["TagList"], *asked["Tags"]]

"""The table of a database's fields and the calls that restore them, checked against botocore's models."""

from typing import Any

import botocore.session
import pytest

from belay.database.cluster import CLUSTER, MEMBER
from belay.database.fields import (
    before_modifying,
    create_parameters,
    differing,
    missing_roles,
    modify_parameters,
)
from belay.database.instance import INSTANCE
from belay.database.kind import UnitKind
from belay.database.kinds import KINDS, UNIT_KINDS

MODEL = botocore.session.get_session().get_service_model("rds")

OF_ITS_OWN = {
    *("DBInstanceIdentifier", "DBClusterIdentifier", "DBInstanceArn", "DBClusterArn", "DbiResourceId"),
    *("DbClusterResourceId", "Endpoint", "ReaderEndpoint", "ListenerEndpoint", "HostedZoneId", "DbInstancePort"),
    *("InstanceCreateTime", "ClusterCreateTime", "CloneGroupId", "EnhancedMonitoringResourceArn", "CertificateDetails"),
}
"""Fields that identify a database, or follow from another field."""

OF_THE_MOMENT = {
    *("DBInstanceStatus", "Status", "StatusInfos", "PendingModifiedValues", "PercentProgress", "LatestRestorableTime"),
    *("EarliestRestorableTime", "EarliestBacktrackTime", "BacktrackConsumedChangeRecords", "AutomaticRestartTime"),
    *("StorageOperationStatus", "StorageOperationPercentProgress", "StorageVolumeStatus", "UpgradeRolloutOrder"),
    *("IsStorageConfigUpgradeAvailable", "IOOptimizedNextAllowedModificationTime", "ResumeFullAutomationModeTime"),
    *("Capacity", "MultiAZ", "AllocatedStorage", "SecondaryAvailabilityZone", "AwsBackupRecoveryPointArn"),
    *("ServerlessV2PlatformVersion", "ClusterScalabilityType", "StorageEncryptionType", "AutomationMode"),
    *("ActivityStreamKinesisStreamName", "ActivityStreamKmsKeyId", "ActivityStreamMode", "ActivityStreamPolicyStatus"),
    *("ActivityStreamEngineNativeAuditFieldsIncluded", "GlobalWriteForwardingRequested", "GlobalWriteForwardingStatus"),
}
"""Fields that change by themselves, belong to a refused configuration, or follow from a cluster's members."""

SEEN_OTHERWISE = {
    *("TagList", "AssociatedRoles", "MasterUserSecret", "DBClusterMembers"),
    *("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBClusterIdentifiers", "ReadReplicaSourceDBInstanceIdentifier"),
    *("ReadReplicaSourceDBClusterIdentifier", "ReadReplicaIdentifiers", "ReplicationSourceIdentifier", "ReplicaMode"),
    *("GlobalClusterIdentifier", "CustomEndpoints", "HttpEndpointEnabled", "LocalWriteForwardingStatus"),
    *("DomainMemberships", "ActivityStreamStatus", "TdeCredentialArn", "CustomIamInstanceProfile"),
    *("DBInstanceAutomatedBackupsReplications", "RdsCustomClusterConfiguration", "CrossAccountClone"),
    *("InternetAccessGatewayEnabled", "VPCNetworkingEnabled", "LimitlessDatabase"),
}
"""Fields with their own restore, comparison or refusal code, or of kinds of database that are refused."""

OF_A_CLUSTER = {
    *(
        "AdditionalStorageVolumes",
        "BackupRetentionPeriod",
        "BackupTarget",
        "CharacterSetName",
        "CustomerOwnedIpEnabled",
    ),
    *("DBName", "DBSecurityGroups", "DBSubnetGroup", "DBSystemId", "DatabaseInsightsMode", "DedicatedLogVolume"),
    *("DeletionProtection", "EnabledCloudwatchLogsExports", "EngineLifecycleSupport", "EngineVersion"),
    *("IAMDatabaseAuthenticationEnabled", "Iops", "KmsKeyId", "LicenseModel", "MasterUsername", "MaxAllocatedStorage"),
    *("MultiTenant", "NcharCharacterSetName", "NetworkType", "OptionGroupMemberships", "PreferredBackupWindow"),
    *("ProcessorFeatures", "StorageEncrypted", "StorageThroughput", "StorageType", "Timezone", "VpcSecurityGroups"),
}
"""Fields that a member shows and its cluster determines."""


@pytest.mark.parametrize("kind", UNIT_KINDS, ids=str)
def test_every_field_and_parameter_of_the_table_is_one_that_rds_has(kind: UnitKind) -> None:
    described = MODEL.shape_for(kind.noun).members
    created = MODEL.operation_model(kind.made_by).input_shape.members
    modified = MODEL.operation_model(kind.modify).input_shape.members
    for field in kind.fields:
        assert field.path.split(".")[0].removesuffix("[]") in described
        assert field.create is None or field.create in created
        assert field.modify is None or field.modify in modified


@pytest.mark.parametrize("kind", UNIT_KINDS, ids=str)
def test_everything_that_rds_describes_is_in_the_table_or_has_a_reason_not_to_be(kind: UnitKind) -> None:
    described = set(MODEL.shape_for(kind.noun).members)
    table = {field.path.split(".")[0].removesuffix("[]") for field in kind.fields}
    reasons = OF_ITS_OWN | OF_THE_MOMENT | SEEN_OTHERWISE | (OF_A_CLUSTER if kind is MEMBER else {"PromotionTier"})
    assert described - table - reasons == set()


def gp3(**more: Any) -> dict[str, Any]:
    return {"Engine": "postgres", "StorageType": "gp3", "Iops": 3000, "StorageThroughput": 125} | more


def test_the_baseline_of_gp3_is_not_passed_and_what_is_provisioned_is() -> None:
    assert create_parameters(INSTANCE, gp3()) == {"StorageType": "gp3"}
    provisioned = {"Iops": 12000, "StorageThroughput": 500, "AllocatedStorage": 400}
    assert create_parameters(INSTANCE, gp3(**provisioned)) == {"StorageType": "gp3", **provisioned}


@pytest.mark.parametrize("storage", ["gp2", "standard", "io1", "io2"])
def test_throughput_is_passed_for_gp3_alone_and_iops_where_they_are_provisioned(storage: str) -> None:
    provisioned = {"StorageType": storage, "Iops": 2000} if storage.startswith("io") else {"StorageType": storage}
    described = {"Iops": 0, **provisioned, "StorageThroughput": 0, "Engine": "mysql"}

    assert create_parameters(INSTANCE, described) == provisioned


def test_a_member_is_made_in_the_zone_that_it_is_compared_by() -> None:
    assert create_parameters(MEMBER, {"AvailabilityZone": "eu-west-1b", "MultiAZ": False}) == {
        "AvailabilityZone": "eu-west-1b"
    }


def test_a_zone_is_passed_for_a_single_one_alone() -> None:
    assert create_parameters(INSTANCE, {"AvailabilityZone": "eu-west-1a"}) == {"AvailabilityZone": "eu-west-1a"}
    assert create_parameters(INSTANCE, {"AvailabilityZone": "eu-west-1a", "MultiAZ": True}) == {"MultiAZ": True}
    assert not list(
        differing(INSTANCE, {"AvailabilityZone": "a", "MultiAZ": True}, {"AvailabilityZone": "b", "MultiAZ": True})
    )
    assert [each.name for each in differing(INSTANCE, {"AvailabilityZone": "a"}, {"AvailabilityZone": "b"})] == [
        "AvailabilityZone"
    ]


def test_sql_server_takes_no_storage() -> None:
    assert create_parameters(INSTANCE, {"Engine": "sqlserver-ee", "AllocatedStorage": 100}) == {}


def test_what_is_off_is_passed_and_what_is_not_there_is_not() -> None:
    original = {"DeletionProtection": False, "BackupRetentionPeriod": 0, "LicenseModel": None, "TagList": []}
    assert create_parameters(INSTANCE, original) == {"DeletionProtection": False, "BackupRetentionPeriod": 0}


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_what_few_engines_take_is_passed_only_where_it_is_on(kind: UnitKind) -> None:
    assert create_parameters(kind, {"IAMDatabaseAuthenticationEnabled": False, "DedicatedLogVolume": False}) == {}
    assert create_parameters(kind, {"IAMDatabaseAuthenticationEnabled": True}) == {
        "EnableIAMDatabaseAuthentication": True
    }
    off, on = {"IAMDatabaseAuthenticationEnabled": False}, {"IAMDatabaseAuthenticationEnabled": True}
    assert modify_parameters(kind, off, on) == {"EnableIAMDatabaseAuthentication": False}


def test_tags_of_aws_are_not_passed() -> None:
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "x"}, {"Key": "team", "Value": "orders"}]
    assert create_parameters(INSTANCE, {"TagList": tags}) == {"Tags": [{"Key": "team", "Value": "orders"}]}


def test_only_what_is_missing_is_modified_and_what_belongs_together_is_passed_together() -> None:
    original = {"MonitoringInterval": 60, "MonitoringRoleArn": "arn:role", "MaxAllocatedStorage": 500}
    restored = {"MonitoringInterval": 0, "MaxAllocatedStorage": 500}
    assert modify_parameters(INSTANCE, original, restored) == {
        "MonitoringInterval": 60,
        "MonitoringRoleArn": "arn:role",
    }
    assert modify_parameters(INSTANCE, original, original) == {}
    assert modify_parameters(INSTANCE, original, {**original, "MonitoringRoleArn": "arn:other"}) == {
        "MonitoringInterval": 60,
        "MonitoringRoleArn": "arn:role",
    }


def test_log_exports_are_added_and_taken_away() -> None:
    original, restored = ({"EnabledCloudwatchLogsExports": each} for each in (["a", "b"], ["b", "c"]))
    assert modify_parameters(INSTANCE, original, restored) == {
        "CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["a"], "DisableLogTypes": ["c"]}
    }


def test_what_the_original_has_not_is_turned_off_where_that_can_be_and_otherwise_told() -> None:
    restored = {"MultiAZ": True, "MaxAllocatedStorage": 100}
    assert modify_parameters(INSTANCE, {}, restored) == {"MultiAZ": False}
    assert [field.name for field in differing(INSTANCE, {}, restored)] == ["MultiAZ", "MaxAllocatedStorage"]


def test_the_order_in_which_rds_tells_lists_says_nothing() -> None:
    original, restored = ({"AvailabilityZones": each} for each in (["b", "a"], ["a", "b"]))
    assert not list(differing(CLUSTER, original, restored))


def test_roles_are_told_apart_by_their_feature() -> None:
    one, other = ({"RoleArn": "arn:role", "FeatureName": feature} for feature in ("s3Import", "s3Export"))
    assert missing_roles({"AssociatedRoles": [one, other]}, {"AssociatedRoles": [one]}) == (("arn:role", "s3Export"),)


def test_a_plan_shows_beforehand_what_will_be_given_back() -> None:
    original = {"MonitoringInterval": 60, "MonitoringRoleArn": "arn:role", "MultiAZ": True, "AssociatedRoles": [{}]}
    assert before_modifying(INSTANCE, original) == {"MultiAZ": True}

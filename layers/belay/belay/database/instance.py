"""A DB instance that is not in a cluster.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html
"""

from typing import Final

from belay.database.kind import COMMON, DatabaseKind, Field, ResourceType, same

INSTANCE: Final = DatabaseKind(
    name="instance",
    noun="DBInstance",
    status_key="DBInstanceStatus",
    arn_type="db",
    id_key="DbiResourceId",
    made_by="RestoreDBInstanceFromDBSnapshot",
    of_snapshot={"DBSnapshotIdentifier": "DBSnapshotIdentifier"},
    unless_of_snapshot=("AllocatedStorage",),
    # It applies "the modifications in this request and any pending modifications"
    # (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html).
    rename_applies_pending=True,
    snapshot=ResourceType(noun="DBSnapshot", arn_type="snapshot", id_key="DbiResourceId"),
    snapshot_quota="ManualSnapshots",
    longest_snapshot_name=255,
    fewest_backup_days=0,
    obstacles={
        "ReadReplicaDBInstanceIdentifiers": "its read replicas ({}) would stay with the replaced instance",
        "ReadReplicaDBClusterIdentifiers": "its read replica clusters ({}) would stay with the replaced instance",
        "ReadReplicaSourceDBInstanceIdentifier": "it is a read replica of {}",
        "ReadReplicaSourceDBClusterIdentifier": "it is a read replica of the cluster {}",
        "DBInstanceAutomatedBackupsReplications": "its backups are replicated to another Region",
        "TdeCredentialArn": "its encryption key is in a key store whose password a restore requires",
        "DomainMemberships": "it is joined to a domain, whose credentials a restore requires again",
        "ActivityStreamStatus": "its activity stream would have to be started again",
    },
    engines={"custom-": "it runs on RDS Custom"},
    replicas="ReadReplicaDBInstanceIdentifiers",
    proxy_target="RdsResourceId",
    part_of="DBClusterIdentifier",
    fields=(
        *COMMON,
        same("DBInstanceClass"),
        Field("Endpoint.Port", "Port", "DBPortNumber"),
        Field("DBSubnetGroup.DBSubnetGroupName", "DBSubnetGroupName"),
        Field("DBParameterGroups[].DBParameterGroupName", "DBParameterGroupName", "DBParameterGroupName"),
        Field("OptionGroupMemberships[].OptionGroupName", "OptionGroupName", "OptionGroupName"),
        same("MultiAZ"),
        Field("AvailabilityZone", "AvailabilityZone"),
        same("PubliclyAccessible"),
        same("AutoMinorVersionUpgrade"),
        same("LicenseModel"),
        same("AllocatedStorage", together="storage"),
        same("StorageType", together="storage"),
        same("Iops", together="storage"),
        same("StorageThroughput", together="storage"),
        same("DedicatedLogVolume"),
        same("CACertificateIdentifier"),
        Field("BackupTarget", "BackupTarget"),
        Field("CustomerOwnedIpEnabled", "EnableCustomerOwnedIp", "EnableCustomerOwnedIp"),
        same("ProcessorFeatures"),
        same("EngineLifecycleSupport"),
        Field("MaxAllocatedStorage", None, "MaxAllocatedStorage"),
        Field("Engine"),
        Field("DBName"),
        Field("NcharCharacterSetName"),
        Field("Timezone"),
        Field("MultiTenant"),
        Field("AdditionalStorageVolumes"),
        Field("DBSecurityGroups[].DBSecurityGroupName"),
    ),
)

"""An Aurora DB cluster and its member instances.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html
"""

from typing import Final

from belay.database.kind import COMMON, DatabaseKind, Description, Field, Members, ResourceType, UnitKind, same

MEMBER: Final = UnitKind(
    name="member",
    noun="DBInstance",
    status_key="DBInstanceStatus",
    arn_type="db",
    id_key="DbiResourceId",
    made_by="CreateDBInstance",
    made_in="DBClusterIdentifier",
    rename_applies_pending=True,
    fields=(
        Field("Engine", "Engine"),
        same("DBInstanceClass"),
        Field("AvailabilityZone", "AvailabilityZone"),
        Field("DBParameterGroups[].DBParameterGroupName", "DBParameterGroupName", "DBParameterGroupName"),
        same("PubliclyAccessible"),
        same("AutoMinorVersionUpgrade"),
        same("CACertificateIdentifier"),
        same("CopyTagsToSnapshot"),
        same("PreferredMaintenanceWindow"),
        same("PromotionTier"),
        same("MonitoringInterval", together="monitoring"),
        same("MonitoringRoleArn", together="monitoring"),
        Field(
            "PerformanceInsightsEnabled", "EnablePerformanceInsights", "EnablePerformanceInsights", together="insights"
        ),
        same("PerformanceInsightsKMSKeyId", together="insights"),
        same("PerformanceInsightsRetentionPeriod", together="insights"),
    ),
)


def _members(cluster: Description) -> list[str]:
    """Its writer first: the first instance added to a restored cluster becomes its writer."""
    in_order = sorted(cluster["DBClusterMembers"], key=lambda each: not each["IsClusterWriter"])
    return [each["DBInstanceIdentifier"] for each in in_order]


CLUSTER: Final = DatabaseKind(
    name="cluster",
    noun="DBCluster",
    arn_type="cluster",
    id_key="DbClusterResourceId",
    made_by="RestoreDBClusterFromSnapshot",
    # Without a version a cluster is restored to its engine's newest one.
    of_snapshot={"SnapshotIdentifier": "DBClusterSnapshotIdentifier", "EngineVersion": "EngineVersion"},
    snapshot=ResourceType(noun="DBClusterSnapshot", arn_type="cluster-snapshot", id_key="DbClusterResourceId"),
    snapshot_quota="ManualClusterSnapshots",
    longest_snapshot_name=63,
    fewest_backup_days=1,
    obstacles={
        "GlobalClusterIdentifier": "it is part of the global database {}",
        "ReadReplicaIdentifiers": "its read replicas ({}) would stay with the replaced cluster",
        "ReplicationSourceIdentifier": "it is a replica of {}",
        "CustomEndpoints": "its custom endpoints ({}) would stay with the replaced cluster",
        "HttpEndpointEnabled": "its HTTP endpoint would have to be enabled again",
        "LocalWriteForwardingStatus": "its write forwarding would have to be enabled again",
        "DomainMemberships": "it is joined to a domain, whose credentials a restore requires again",
        "ActivityStreamStatus": "its activity stream would have to be started again",
    },
    engines={
        "(?!aurora)": "it is a Multi-AZ DB cluster, whose instances RDS makes itself",
        "custom-": "it runs on RDS Custom",
    },
    replicas="ReadReplicaIdentifiers",
    proxy_target="TrackedClusterId",
    members=Members(MEMBER, _members),
    fields=(
        *COMMON,
        Field("Engine", "Engine"),
        Field("EngineMode", "EngineMode"),
        Field("EngineLifecycleSupport", "EngineLifecycleSupport"),
        Field("AvailabilityZones", "AvailabilityZones"),
        same("Port"),
        Field("DBSubnetGroup", "DBSubnetGroupName"),
        Field("DBClusterParameterGroup", "DBClusterParameterGroupName", "DBClusterParameterGroupName"),
        Field("DBClusterOptionGroupMemberships[].DBClusterOptionGroupName", "OptionGroupName", "OptionGroupName"),
        same("StorageType"),
        same("BacktrackWindow"),
        Field("ScalingConfigurationInfo", "ScalingConfiguration", "ScalingConfiguration"),
        same("ServerlessV2ScalingConfiguration"),
        Field("AutoMinorVersionUpgrade", None, "AutoMinorVersionUpgrade"),
        Field("DatabaseName"),
        Field("PubliclyAccessible"),
        Field("Iops"),
        Field("StorageThroughput"),
        Field("DBClusterInstanceClass"),
    ),
)

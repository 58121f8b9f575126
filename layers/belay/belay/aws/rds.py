"""RDS: databases, their snapshots, and the calls that restore them."""

from collections.abc import Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from belay.aws.faults import code_of, translated
from belay.database.restore import OPERATIONS
from belay.database.retention import Quota
from belay.database.snapshots import DatabaseKind, Snapshot, snapshot_of, snapshot_tags
from belay.release.registration import Database

_NO_DATABASE = {"DBInstanceNotFound", "DBInstanceNotFoundFault", "DBClusterNotFoundFault", "DBClusterNotFound"}
_NO_SNAPSHOT = {"DBSnapshotNotFound", "DBSnapshotNotFoundFault", "DBClusterSnapshotNotFoundFault"}
_BUSY = {"InvalidDBInstanceState", "InvalidDBInstanceStateFault", "InvalidDBClusterStateFault"}
_SNAPSHOT_EXISTS = {"DBSnapshotAlreadyExists", "DBClusterSnapshotAlreadyExistsFault"}
_BEGUN = {
    "DBInstanceAlreadyExists",
    "DBClusterAlreadyExistsFault",
    "DBInstanceRoleAlreadyExists",
    "DBClusterRoleAlreadyExists",
}
_NOT_IN_USE = {"DBProxyTargetGroupNotFoundFault", "DBProxyNotFoundFault"}


class Databases:
    """RDS instances and Aurora clusters, identified as registered."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, database: Database) -> dict[str, Any] | None:
        """Return the DBInstance or DBCluster, or None if there is none."""
        with translated(f"RDS.Describe{_kind(database)}s"):
            try:
                if database.kind == "cluster":
                    return dict(
                        self._client.describe_db_clusters(DBClusterIdentifier=database.identifier)["DBClusters"][0]
                    )
                answer = self._client.describe_db_instances(DBInstanceIdentifier=database.identifier)
                return dict(answer["DBInstances"][0])
            except ClientError as error:
                if code_of(error) in _NO_DATABASE:
                    return None
                raise

    def describe_snapshot(self, database: Database, snapshot: str) -> dict[str, Any] | None:
        """Return the DBSnapshot or DBClusterSnapshot of this name, or None if there is none."""
        with translated(f"RDS.Describe{_snapshot(database)}s"):
            try:
                if database.kind == "cluster":
                    answer = self._client.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot)
                    found = answer["DBClusterSnapshots"]
                else:
                    found = self._client.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"]
            except ClientError as error:
                if code_of(error) in _NO_SNAPSHOT:
                    return None
                raise
        return dict(found[0]) if found else None

    def was_snapshotted(self, database: Database, application: str, stage: str) -> bool:
        """Return whether an earlier release took a snapshot of the database in this stage."""
        wanted = snapshot_tags(application, stage)
        with translated(f"RDS.Describe{_snapshot(database)}s"):
            if database.kind == "cluster":
                pages = self._client.get_paginator("describe_db_cluster_snapshots").paginate(
                    DBClusterIdentifier=database.identifier, SnapshotType="manual"
                )
                found = [each for page in pages for each in page["DBClusterSnapshots"]]
            else:
                pages = self._client.get_paginator("describe_db_snapshots").paginate(
                    DBInstanceIdentifier=database.identifier, SnapshotType="manual"
                )
                found = [each for page in pages for each in page["DBSnapshots"]]
        tagged = [{tag["Key"]: tag.get("Value", "") for tag in each.get("TagList", [])} for each in found]
        return any(wanted.items() <= tags.items() for tags in tagged)

    def account_quotas(self) -> dict[str, tuple[int, int]]:
        """Return how much of each of the account's quotas is used, and its limit, by AWS's name of the quota.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AccountQuota.html
        """
        with translated("RDS.DescribeAccountAttributes"):
            quotas = self._client.describe_account_attributes()["AccountQuotas"]
        return {quota["AccountQuotaName"]: (quota["Used"], quota["Max"]) for quota in quotas}

    def create_snapshot(self, database: Database, snapshot: str, tags: Mapping[str, str]) -> None:
        """Begin a manual snapshot, unless one of this name already exists: names contain the attempt.

        A database that is busy by now, for instance with an automated backup, is left for later.
        """
        named = [{"Key": key, "Value": value} for key, value in tags.items()]
        with translated(f"RDS.Create{_snapshot(database)}"):
            try:
                if database.kind == "cluster":
                    self._client.create_db_cluster_snapshot(
                        DBClusterIdentifier=database.identifier, DBClusterSnapshotIdentifier=snapshot, Tags=named
                    )
                else:
                    self._client.create_db_snapshot(
                        DBInstanceIdentifier=database.identifier, DBSnapshotIdentifier=snapshot, Tags=named
                    )
            except ClientError as error:
                if code_of(error) not in _SNAPSHOT_EXISTS | _BUSY:
                    raise

    def manual_snapshots(self, kind: DatabaseKind) -> list[Snapshot]:
        """Return every manual snapshot of this kind in the account and region."""
        database = Database(kind, "")
        with translated(f"RDS.Describe{_snapshot(database)}s"):
            if kind == "cluster":
                pages = self._client.get_paginator("describe_db_cluster_snapshots").paginate(SnapshotType="manual")
                found = [each for page in pages for each in page["DBClusterSnapshots"]]
            else:
                pages = self._client.get_paginator("describe_db_snapshots").paginate(SnapshotType="manual")
                found = [each for page in pages for each in page["DBSnapshots"]]
        return [snapshot_of(kind, each) for each in found]

    def delete_snapshot(self, kind: DatabaseKind, name: str) -> None:
        """Delete a snapshot; succeeds if it is already deleted."""
        database = Database(kind, "")
        with translated(f"RDS.Delete{_snapshot(database)}"):
            try:
                if kind == "cluster":
                    self._client.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
                else:
                    self._client.delete_db_snapshot(DBSnapshotIdentifier=name)
            except ClientError as error:
                if code_of(error) not in _NO_SNAPSHOT:
                    raise

    def snapshot_quota(self, kind: DatabaseKind) -> Quota | None:
        """Return the number of manual snapshots of this kind and its limit, or None if RDS does not return it.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AccountQuota.html
        """
        with translated("RDS.DescribeAccountAttributes"):
            quotas = self._client.describe_account_attributes()["AccountQuotas"]
        name = "ManualClusterSnapshots" if kind == "cluster" else "ManualSnapshots"
        found = next((each for each in quotas if each["AccountQuotaName"] == name), None)
        return None if found is None else Quota(used=int(found["Used"]), most=int(found["Max"]))

    # -- restoring -----------------------------------------------------------------------------------------------

    def perform(self, operation: str, parameters: Mapping[str, Any]) -> bool:
        """Make the one call of a recovery step. Returns False if it was already made, or cannot be made at the moment.

        botocore repeats a call whose response was lost: then the name is taken, the role is attached, or the database
        to be renamed is renaming or has a new name. The next look shows which.
        """
        if operation not in OPERATIONS:
            raise ValueError(f"expected one of {', '.join(OPERATIONS)}, found {operation}")
        with translated(f"RDS.{operation}"):
            try:
                getattr(self._client, xform_name(operation))(**parameters)
            except ClientError as error:
                if code_of(error) in _BEGUN | _BUSY | _NO_DATABASE:
                    return False
                raise
        return True

    def proxies_of(self, database: Database) -> list[str]:
        """Return the names of the proxies in front of a database: their targets do not follow a restored one.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxyTarget.html
        """
        with translated("RDS.DescribeDBProxies"):
            pages = self._client.get_paginator("describe_db_proxies").paginate()
            names = [proxy["DBProxyName"] for page in pages for proxy in page["DBProxies"]]
        return [name for name in names if self._leads_to(name, database)]

    def _leads_to(self, proxy: str, database: Database) -> bool:
        with translated("RDS.DescribeDBProxyTargets"):
            try:
                pages = self._client.get_paginator("describe_db_proxy_targets").paginate(DBProxyName=proxy)
                targets = [target for page in pages for target in page["Targets"]]
            except ClientError as error:
                if code_of(error) in _NOT_IN_USE:
                    return False
                raise
        field = "TrackedClusterId" if database.kind == "cluster" else "RdsResourceId"
        return any(target.get(field) == database.identifier for target in targets)

    def deployments_of(self, arn: str) -> list[str]:
        """Return the names of the Blue/Green deployments with a database as their source or target.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_BlueGreenDeployment.html
        """
        with translated("RDS.DescribeBlueGreenDeployments"):
            pages = self._client.get_paginator("describe_blue_green_deployments").paginate()
            found = [each for page in pages for each in page["BlueGreenDeployments"]]
        under_way = [each for each in found if arn in (each.get("Source"), each.get("Target"))]
        return [each["BlueGreenDeploymentName"] for each in under_way if each["Status"] != "SWITCHOVER_COMPLETED"]


def _kind(database: Database) -> str:
    return "DBCluster" if database.kind == "cluster" else "DBInstance"


def _snapshot(database: Database) -> str:
    return "DBClusterSnapshot" if database.kind == "cluster" else "DBSnapshot"

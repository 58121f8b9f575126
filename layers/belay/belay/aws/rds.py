"""RDS: databases, their snapshots, and the calls that restore them."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name

from belay.aws.clients import Gateway
from belay.aws.faults import translated
from belay.database.kind import DatabaseKind, UnitKind
from belay.database.kinds import KINDS
from belay.database.restore import OPERATIONS
from belay.database.retention import Quota
from belay.database.snapshots import Snapshot, snapshot_of, snapshot_tags
from belay.release.registration import Database


def _codes(name: Callable[[DatabaseKind], str]) -> frozenset[str]:
    """An error's codes for every kind of database; RDS ends some of them in ``Fault``."""
    return frozenset(f"{name(kind)}{end}" for kind in KINDS.values() for end in ("", "Fault"))


_NO_DATABASE = _codes(lambda kind: f"{kind.noun}NotFound")
_NO_SNAPSHOT = _codes(lambda kind: f"{kind.snapshot.noun}NotFound")
_BUSY = _codes(lambda kind: f"Invalid{kind.noun}State")
_SNAPSHOT_EXISTS = _codes(lambda kind: f"{kind.snapshot.noun}AlreadyExists")
_BEGUN = _codes(lambda kind: f"{kind.noun}AlreadyExists") | _codes(lambda kind: f"{kind.noun}RoleAlreadyExists")
_NOT_IN_USE = {"DBProxyTargetGroupNotFoundFault", "DBProxyNotFoundFault"}


class Databases(Gateway):
    """RDS databases of every kind that can be registered, and their snapshots."""

    def describe(self, kind: UnitKind, identifier: str) -> dict[str, Any] | None:
        """Return a database, or a member of one, as RDS describes it; None if it does not exist."""
        with translated(f"RDS.{kind.describe}", ignoring=_NO_DATABASE):
            return dict(self._call(kind.describe, {kind.identifier: identifier})[kind.listed][0])
        return None

    def describe_snapshot(self, kind: DatabaseKind, snapshot: str) -> dict[str, Any] | None:
        """Return the snapshot of this name as RDS describes it, or None if it does not exist."""
        with translated(f"RDS.{kind.snapshot.describe}", ignoring=_NO_SNAPSHOT):
            found = self._call(kind.snapshot.describe, {kind.snapshot.identifier: snapshot})[kind.snapshot.listed]
            return dict(found[0]) if found else None
        return None

    def was_snapshotted(self, database: Database, application: str, stage: str) -> bool:
        """Whether an earlier release took a snapshot of the database in this stage."""
        wanted = snapshot_tags(application, stage).items()
        found = self.manual_snapshots(database.kind, {database.kind.identifier: database.identifier})
        return any(wanted <= each.tags.items() for each in found)

    def account_quotas(self) -> dict[str, tuple[int, int]]:
        """Return the usage and limit of each of the account's quotas, by AWS's name of the quota.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AccountQuota.html
        """
        with translated("RDS.DescribeAccountAttributes"):
            quotas = self._client.describe_account_attributes()["AccountQuotas"]
        return {quota["AccountQuotaName"]: (quota["Used"], quota["Max"]) for quota in quotas}

    def create_snapshot(self, database: Database, snapshot: str, tags: Mapping[str, str]) -> None:
        """Begin a manual snapshot, unless one of this name already exists: names contain the attempt.

        A database that has become busy, for instance with an automated backup, is left for a later call.
        """
        kind, named = database.kind, [{"Key": key, "Value": value} for key, value in tags.items()]
        asked = {kind.identifier: database.identifier, kind.snapshot.identifier: snapshot, "Tags": named}
        with translated(f"RDS.{kind.snapshot.create}", ignoring=_SNAPSHOT_EXISTS | _BUSY):
            self._call(kind.snapshot.create, asked)

    def manual_snapshots(self, kind: DatabaseKind, of: Mapping[str, str] | None = None) -> list[Snapshot]:
        """Return every manual snapshot of this kind in the account and region.

        ``of`` are parameters of the call that narrow it down, for instance to one database.
        """
        with translated(f"RDS.{kind.snapshot.describe}"):
            paginator = self._client.get_paginator(xform_name(kind.snapshot.describe))
            pages = paginator.paginate(SnapshotType="manual", **(of or {}))
            return [snapshot_of(kind, each) for page in pages for each in page[kind.snapshot.listed]]

    def share_snapshot(self, kind: DatabaseKind, snapshot: str, account: str) -> None:
        """Let another account copy a manual snapshot; succeeds if it may already.

        RDS refuses one that is encrypted with the account's default key
        (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/share-encrypted-snapshot.html).
        """
        self._share(kind, snapshot, {"ValuesToAdd": [account]})

    def share_no_more(self, kind: DatabaseKind, snapshot: str, account: str) -> None:
        """Stop another account from copying a manual snapshot; idempotent."""
        self._share(kind, snapshot, {"ValuesToRemove": [account]})

    def _share(self, kind: DatabaseKind, snapshot: str, change: Mapping[str, Any]) -> None:
        with translated(f"RDS.{kind.snapshot.share}"):
            asked = {kind.snapshot.identifier: snapshot, "AttributeName": "restore", **change}
            self._call(kind.snapshot.share, asked)

    def copy_snapshot(self, kind: DatabaseKind, source: str, name: str, key: str, tags: Mapping[str, str]) -> None:
        """Begin to copy a snapshot into this account and region under a name, encrypted with a key that is here.

        ``source`` is its ARN, in any account and region. Succeeds if there is one of this name
        (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CopyDBSnapshot.html).
        """
        asked = {
            f"Source{kind.snapshot.identifier}": source,
            f"Target{kind.snapshot.identifier}": name,
            "KmsKeyId": key,
            "Tags": [{"Key": tag, "Value": value} for tag, value in tags.items()],
            # botocore signs a request for that region with it, which the GovCloud regions require.
            "SourceRegion": source.split(":")[3],
        }
        with translated(f"RDS.{kind.snapshot.copy}", ignoring=_SNAPSHOT_EXISTS):
            self._call(kind.snapshot.copy, asked)

    def delete_snapshot(self, kind: DatabaseKind, name: str) -> None:
        """Delete a snapshot; succeeds if it is already deleted."""
        with translated(f"RDS.{kind.snapshot.delete}", ignoring=_NO_SNAPSHOT):
            self._call(kind.snapshot.delete, {kind.snapshot.identifier: name})

    def snapshot_quota(self, kind: DatabaseKind) -> Quota | None:
        """Return the number of manual snapshots of this kind and its limit; None if RDS does not say."""
        quotas = self.account_quotas()
        return Quota(*quotas[kind.snapshot_quota]) if kind.snapshot_quota in quotas else None

    # -- restoring -----------------------------------------------------------------------------------------------

    def perform(self, operation: str, parameters: Mapping[str, Any]) -> bool:
        """Make the one call of a recovery step. Returns False if it was already made, or cannot be made at the moment.

        botocore repeats a call whose response was lost: then the name is taken, the role is attached, or the database
        to be renamed is renaming or has a new name. The next look shows which.
        """
        if operation not in OPERATIONS:
            raise ValueError(f"expected one of {', '.join(sorted(OPERATIONS))}, found {operation}")
        with translated(f"RDS.{operation}", ignoring=_BEGUN | _BUSY | _NO_DATABASE):
            self._call(operation, parameters)
            return True
        return False

    def proxies_of(self, database: Database) -> list[str]:
        """Return the names of the proxies in front of a database: their targets do not follow a restored one.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxyTarget.html
        """
        with translated("RDS.DescribeDBProxies"):
            pages = self._client.get_paginator("describe_db_proxies").paginate()
            names = [proxy["DBProxyName"] for page in pages for proxy in page["DBProxies"]]
        return [name for name in names if self._leads_to(name, database)]

    def _leads_to(self, proxy: str, database: Database) -> bool:
        with translated("RDS.DescribeDBProxyTargets", ignoring=_NOT_IN_USE):
            pages = self._client.get_paginator("describe_db_proxy_targets").paginate(DBProxyName=proxy)
            targets = [target for page in pages for target in page["Targets"]]
            return any(target.get(database.kind.proxy_target) == database.identifier for target in targets)
        return False

    def deployments_of(self, arn: str) -> list[str]:
        """Return the names of the Blue/Green deployments with a database as their source or target.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_BlueGreenDeployment.html
        """
        with translated("RDS.DescribeBlueGreenDeployments"):
            pages = self._client.get_paginator("describe_blue_green_deployments").paginate()
            found = [each for page in pages for each in page["BlueGreenDeployments"]]
        under_way = [each for each in found if arn in (each.get("Source"), each.get("Target"))]
        return [each["BlueGreenDeploymentName"] for each in under_way if each["Status"] != "SWITCHOVER_COMPLETED"]

    def _call(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        return getattr(self._client, xform_name(operation))(**parameters)

"""Gap: moto shares and copies snapshots within one account, whatever their key, and copies none from another account.

Here a snapshot is shared only if it is manual and is not encrypted with the account's default key
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/share-encrypted-snapshot.html), and copied into the account and
region of the call from wherever its ARN says, in one step
(https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CopyDBSnapshot.html): another account's must be shared,
and the policy of its key must let the caller's account. An encrypted one needs a key of the region it is copied to; an
unencrypted snapshot of a cluster takes none. At most 20 copies of instances' snapshots and five of clusters' are made
at a time from one region to another. A copy has its own tags and the data of its source, and takes time. A database
shows the ARN of its key, whatever it was created with. It can be removed once moto does the same.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import kms
from moto.core.utils import utcnow
from moto.rds.exceptions import (
    DBClusterSnapshotNotFoundError,
    DBSnapshotNotFoundFault,
    RDSClientError,
    SnapshotQuotaExceededFault,
)
from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, DBSnapshot, RDSBackend, rds_backends

from local.bridges.account_quotas import MOST

Snapshot = DBSnapshot | DBClusterSnapshot

DEFAULT_KEY = "default_kms_key_id"
"""What moto stores for a database that is encrypted without its own key."""

MOST_AT_ONCE = {DBSnapshot: 20, DBClusterSnapshot: 5}
"""Copies from one region to another (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CopySnapshot.html,
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-copy-snapshot.html)."""

USED = "kms:CreateGrant"
"""RDS uses the key of a snapshot through a grant."""


def install() -> None:
    """Let snapshots be shared and copied as on AWS."""
    _share()
    _copy()
    for model in (DBInstance, DBCluster):
        _show_key_s_arn(model)


def _show_key_s_arn(model: type[Any]) -> None:
    """A database that was created with an alias shows its key's ARN."""
    create = model.__init__

    def create_with_key(self: Any, backend: RDSBackend, *args: Any, **kwargs: Any) -> None:
        create(self, backend, *args, **kwargs)
        key = str(getattr(self, "kms_key_id", None) or "")
        record = _key(backend, key) if key.startswith("alias/") else None
        if record is not None:
            self.kms_key_id = str(record["Arn"])

    model.__init__ = create_with_key


def _share() -> None:
    for name, listed in (
        ("modify_db_snapshot_attribute", "database_snapshots"),
        ("modify_db_cluster_snapshot_attribute", "cluster_snapshots"),
    ):
        _share_by(name, listed)


def _share_by(name: str, listed: str) -> None:
    modify = getattr(RDSBackend, name)

    def modify_strictly(self: RDSBackend, **asked: Any) -> Any:
        snapshot = getattr(self, listed).get(next(value for key, value in asked.items() if "identifier" in key))
        if snapshot is not None and asked.get("values_to_add"):
            _refuse_sharing(snapshot, asked["values_to_add"])
        return modify(self, **asked)

    setattr(RDSBackend, name, modify_strictly)


def _refuse_sharing(snapshot: Snapshot, accounts: Iterable[str]) -> None:
    state = "InvalidDBSnapshotState" if isinstance(snapshot, DBSnapshot) else "InvalidDBClusterSnapshotStateFault"
    if snapshot.snapshot_type != "manual":
        raise RDSClientError(state, f"The snapshot {snapshot.resource_id} is not a manual one: it cannot be shared")
    if not snapshot.storage_encrypted:
        return
    if "all" in accounts:
        raise RDSClientError("InvalidParameterValue", "Encrypted snapshots cannot be shared with all accounts")
    if snapshot.kms_key_id in (None, DEFAULT_KEY):
        raise RDSClientError(state, "A snapshot that is encrypted with the default key of RDS cannot be shared")


def _copy() -> None:
    def copy_db_snapshot(
        self: RDSBackend, source_db_snapshot_identifier: str, target_db_snapshot_identifier: str, **asked: Any
    ) -> DBSnapshot:
        source = _source(self, DBSnapshot, source_db_snapshot_identifier)
        if target_db_snapshot_identifier in self.database_snapshots:
            raise RDSClientError("DBSnapshotAlreadyExists", f"{target_db_snapshot_identifier} already exists")
        _require_room(self, source, self.database_snapshots.values())
        key = _key_of_copy(self, source, asked.get("kms_key_id"))
        tags = _tags(source, asked)
        # moto uses a database's tags if there are none.
        copied = DBSnapshot(self, source.database, target_db_snapshot_identifier, tags=tags, kms_key_id=key)
        copied.tags = tags
        copied.original_snapshot_create_time = source.original_snapshot_create_time
        self.database_snapshots[target_db_snapshot_identifier] = _as_taken(copied, source)
        return copied

    def copy_db_cluster_snapshot(
        self: RDSBackend,
        source_db_cluster_snapshot_identifier: str,
        target_db_cluster_snapshot_identifier: str,
        **asked: Any,
    ) -> DBClusterSnapshot:
        source = _source(self, DBClusterSnapshot, source_db_cluster_snapshot_identifier)
        if target_db_cluster_snapshot_identifier in self.cluster_snapshots:
            raise RDSClientError(
                "DBClusterSnapshotAlreadyExistsFault", f"{target_db_cluster_snapshot_identifier} already exists"
            )
        _require_room(self, source, self.cluster_snapshots.values())
        if not source.storage_encrypted and asked.get("kms_key_id"):
            raise RDSClientError("InvalidParameterCombination", "KmsKeyId is only for an encrypted cluster snapshot")
        key = _key_of_copy(self, source, asked.get("kms_key_id"))
        copied = DBClusterSnapshot(
            self, source.cluster, target_db_cluster_snapshot_identifier, tags=_tags(source, asked), kms_key_id=key
        )
        self.cluster_snapshots[target_db_cluster_snapshot_identifier] = _as_taken(copied, source)
        return copied

    RDSBackend.copy_db_snapshot = copy_db_snapshot  # type: ignore[method-assign,assignment]
    RDSBackend.copy_db_cluster_snapshot = copy_db_cluster_snapshot  # type: ignore[method-assign,assignment]


def _source(backend: RDSBackend, model: type[Any], identifier: str) -> Any:
    """The snapshot to copy, which the caller's account owns or is shared with it."""
    missing = DBSnapshotNotFoundFault if model is DBSnapshot else DBClusterSnapshotNotFoundError
    _, _, _, region, account, *_ = identifier.split(":", 6) if identifier.startswith("arn:") else [""] * 6
    own = account in ("", backend.account_id)
    held = backend if not account else rds_backends[account][region]
    snapshot = held.resource_map[model].get(  # type: ignore[index]
        identifier.rpartition(":")[2] if account else identifier
    )
    if snapshot is None or not (own or backend.account_id in snapshot.attributes["restore"]):
        raise missing(identifier)
    if snapshot.status != "available":
        state = "InvalidDBSnapshotState" if model is DBSnapshot else "InvalidDBClusterSnapshotStateFault"
        raise RDSClientError(state, f"{identifier} is {snapshot.status}; it has to be available to be copied")
    return snapshot


def _require_room(backend: RDSBackend, source: Snapshot, held: Collection[Snapshot]) -> None:
    """The quotas of manual snapshots, and of copies in progress from the source's region."""
    if sum(each.snapshot_type == "manual" for each in held) >= MOST:
        raise SnapshotQuotaExceededFault()
    region = source.backend.region_name
    under_way = [each for each in held if getattr(each, "copied_from", None) == region and each.status == "creating"]
    if region != backend.region_name and len(under_way) >= MOST_AT_ONCE[type(source)]:
        raise SnapshotQuotaExceededFault()


def _key_of_copy(backend: RDSBackend, source: Snapshot, asked: str | None) -> str | None:
    """The ARN of the key that a copy is encrypted with; None if it is not encrypted."""
    here = (source.backend.account_id, source.backend.region_name) == (backend.account_id, backend.region_name)
    if not source.storage_encrypted:
        return _known_key(backend, asked) if asked else None
    if source.backend.account_id != backend.account_id:
        _require_use(source, backend.account_id)
    if asked:
        return _known_key(backend, asked)
    if not here:
        raise RDSClientError(
            "InvalidParameterCombination", "An encrypted snapshot of another account or region needs a KmsKeyId"
        )
    return str(source.kms_key_id)


def _known_key(backend: RDSBackend, key: str) -> str:
    record = _key(backend, key)
    if record is None or record["KeyState"] != "Enabled":
        raise _not_accessible(key)
    return str(record["Arn"])


def _require_use(source: Snapshot, account: str) -> None:
    """The key's policy must let another account use it."""
    record = _key(source.backend, str(source.kms_key_id))
    if record is None or not any(_lets(each, account) for each in json.loads(record["Policy"])["Statement"]):
        raise _not_accessible(str(source.kms_key_id))


def _key(backend: RDSBackend, key: str) -> dict[str, Any] | None:
    with request_scope(backend.account_id, backend.region_name):
        found: dict[str, Any] | None = kms._resolve_key(key)
        return found


def _lets(statement: dict[str, Any], account: str) -> bool:
    principal = statement["Principal"]
    named = principal if isinstance(principal, str) else principal.get("AWS", [])
    accounts = {each if ":" not in each else each.split(":")[4] for each in _listed(named)}
    actions = _listed(statement["Action"])
    return statement["Effect"] == "Allow" and account in accounts and ("kms:*" in actions or USED in actions)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _not_accessible(key: str) -> RDSClientError:
    return RDSClientError(
        "KMSKeyNotAccessibleFault", f"The specified KMS key [{key}] does not exist, is not enabled or is not accessible"
    )


def _tags(source: Snapshot, asked: dict[str, Any]) -> list[dict[str, str]]:
    """A copy's own tags, or its source's if requested, which only the owning account sees."""
    given: list[dict[str, str]] = asked.get("tags") or []
    return given or (source.tags or [] if asked.get("copy_tags") else [])


def _as_taken(copied: Any, source: Any) -> Any:
    """Create a copy now, of what its source was taken of, however the database has changed since."""
    copied.created, copied.copied_from = utcnow(), source.backend.region_name
    for name in ("db_instance_identifier", "dbi_resource_id", "db_cluster_identifier", "allocated_storage", "engine"):
        if name in vars(source):
            setattr(copied, name, getattr(source, name))
    return copied

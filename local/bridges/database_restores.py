"""Gap: moto restores a database with its source's settings, renames it immediately, and does not return all its
settings.

Here a restored instance or cluster has AWS's defaults rather than its source's settings
(API_RestoreDBInstanceFromDBSnapshot, API_RestoreDBClusterFromSnapshot), a resource id of its own, and the requested
settings, even false or zero. A rename without ``ApplyImmediately`` is deferred; with it the database is briefly
``renaming`` under its old name, then ``rebooting`` under its new one (USER_RenameInstance), and a cluster's members
move with it. A modified database is briefly ``modifying``. It can be removed once moto does the same.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, RDSBackend
from moto.rds.responses import RDSResponse

from local.bridges import database_servers
from local.bridges.moments import clock

KEPT_BY_SOURCE_ONLY = (
    "auto_minor_version_upgrade",
    "ca_certificate_identifier",
    "copy_tags_to_snapshot",
    "database_insights_mode",
    "db_subnet_group",
    "deletion_protection",
    "enable_iam_database_authentication",
    "enabled_cloudwatch_logs_exports",
    "iam_auth",
    "manage_master_user_password",
    "master_user_secret",
    "monitoring_interval",
    "monitoring_role_arn",
    "multi_az",
    "parameter_group",
    "performance_insights_enabled",
    "performance_insights_kms_key_id",
    "performance_insights_retention_period",
    "preferred_maintenance_window",
    "replicas",
    "status",
    "tags",
    "_associated_roles",
    "_db_subnet_group_name",
)

SHOWN_AS = {
    "db_port_number": "port",
    "enable_performance_insights": "performance_insights_enabled",
}
"""Parameters that moto stores under their own name, where the description has another."""

KEPT_AS_GIVEN = (
    *SHOWN_AS,
    "database_insights_mode",
    "network_type",
    "performance_insights_kms_key_id",
    "performance_insights_retention_period",
)


def install(seconds: float) -> None:
    """Make moto's restores and renames behave as on AWS; each transient status lasts ``seconds``."""
    _own_resource_ids()
    _show_what_was_given()
    _restore_to_defaults()
    _rename_in_time(seconds)


def _own_resource_ids() -> None:
    create = DBInstance.__init__

    def create_with_own_id(self: DBInstance, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        self.dbi_resource_id = f"db-{id(self):020X}"

    DBInstance.__init__ = create_with_own_id  # type: ignore[method-assign]
    owner = property(lambda self: self.cluster.db_cluster_resource_id)
    DBClusterSnapshot.db_cluster_resource_id = owner  # type: ignore[attr-defined]


def _show_what_was_given() -> None:
    """A database shows what it was created or modified with."""
    create, update = DBInstance.__init__, DBInstance.update

    def create_showing(self: DBInstance, *args: Any, **kwargs: Any) -> None:
        if (kwargs.get("option_group_name") or "").startswith("default:"):
            del kwargs["option_group_name"]  # Every engine has one on AWS; moto creates its own and knows none.
        create(self, *args, **kwargs)
        _show(self, {name: kwargs.get(name) for name in KEPT_AS_GIVEN})

    def update_showing(self: DBInstance, *args: Any, **kwargs: Any) -> None:
        update(self, *args, **kwargs)
        _show(self, kwargs)

    DBInstance.__init__ = create_showing  # type: ignore[method-assign]
    DBInstance.update = update_showing  # type: ignore[method-assign]


def _show(database: Any, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if name in KEPT_AS_GIVEN and value is not None:
            setattr(database, SHOWN_AS.get(name, name), value)


def _restore_to_defaults() -> None:
    from_snapshot = RDSBackend.restore_db_instance_from_db_snapshot
    cluster_from_snapshot = RDSBackend.restore_db_cluster_from_snapshot
    to_point_in_time = RDSBackend.restore_db_instance_to_point_in_time

    def restore_from_snapshot(self: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any]) -> DBInstance:
        snapshot = self.get_db_snapshot(from_snapshot_id)
        _require_available_snapshot(snapshot, from_snapshot_id, "InvalidDBSnapshotState")
        with _bare(vars(snapshot), "database"):
            restored = from_snapshot(self, from_snapshot_id, overrides)
        _turn_off(restored, overrides)
        return restored

    def restore_cluster(self: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any]) -> DBCluster:
        if overrides["db_cluster_identifier"] in self.clusters:
            raise RDSClientError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        snapshot = self.describe_db_cluster_snapshots(None, from_snapshot_id)[0]
        _require_available_snapshot(snapshot, from_snapshot_id, "InvalidDBClusterSnapshotStateFault")
        with _bare(vars(snapshot), "cluster"):
            restored = cluster_from_snapshot(self, from_snapshot_id, overrides)
        _turn_off(restored, overrides)
        return restored

    def restore_to_time(
        self: RDSBackend, source_db_identifier: str, target_db_identifier: str, overrides: dict[str, Any]
    ) -> DBInstance:
        with _bare(self.databases, source_db_identifier):
            return to_point_in_time(self, source_db_identifier, target_db_identifier, overrides)

    RDSBackend.restore_db_instance_from_db_snapshot = restore_from_snapshot  # type: ignore[method-assign]
    RDSBackend.restore_db_cluster_from_snapshot = restore_cluster  # type: ignore[method-assign]
    RDSBackend.restore_db_instance_to_point_in_time = restore_to_time  # type: ignore[method-assign]


def _require_available_snapshot(snapshot: Any, name: str, code: str) -> None:
    if snapshot.status != "available":
        raise RDSClientError(code, f"snapshot {name} is {snapshot.status}")


def _turn_off(restored: Any, overrides: Mapping[str, Any]) -> None:
    """moto ignores parameters that are off or zero."""
    for name, value in overrides.items():
        if value is False or value == 0:
            setattr(restored, name, value)


@contextmanager
def _bare(sources: MutableMapping[str, Any], name: str) -> Iterator[None]:
    """Under this name moto temporarily finds a source without its settings."""
    source = sources[name]
    sources[name] = _without_settings(source)
    try:
        yield
    finally:
        sources[name] = source


def _without_settings(source: Any) -> Any:
    """A copy without what AWS does not carry over."""
    bare = object.__new__(type(source))
    bare.__dict__ = {name: value for name, value in source.__dict__.items() if name not in KEPT_BY_SOURCE_ONLY}
    bare._status = "available"
    return bare


def _rename_in_time(seconds: float) -> None:
    modify_instance, modify_cluster = RDSBackend.modify_db_instance, RDSBackend.modify_db_cluster
    backend_of = RDSResponse.backend.fget  # type: ignore[attr-defined]

    def modify_db_instance(self: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        wanted = db_kwargs.pop("new_db_instance_identifier", None)
        _require_settled(self.databases.get(db_instance_identifier), "InvalidDBInstanceState")
        if wanted and wanted in self.databases:
            raise RDSClientError("DBInstanceAlreadyExists", "DB instance already exists")
        database = modify_instance(self, db_instance_identifier, db_kwargs)
        _begin(database, wanted, seconds, now=bool(db_kwargs.get("apply_immediately")))
        return database

    def modify_db_cluster(self: RDSBackend, kwargs: dict[str, Any]) -> DBCluster:
        wanted = kwargs.pop("new_db_cluster_identifier", None)
        identifier = kwargs["db_cluster_identifier"]
        _require_settled(self.clusters.get(identifier), "InvalidDBClusterStateFault")
        if wanted and wanted in self.clusters:
            raise RDSClientError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        shown = modify_cluster(self, kwargs)
        _begin(self.clusters[identifier], wanted, seconds, now=bool(kwargs.get("apply_immediately")))
        return shown

    def settled_backend(self: RDSResponse) -> RDSBackend:
        backend: RDSBackend = backend_of(self)
        settle(backend, seconds)
        return backend

    RDSBackend.modify_db_instance = modify_db_instance  # type: ignore[method-assign]
    RDSBackend.modify_db_cluster = modify_db_cluster  # type: ignore[method-assign]
    RDSResponse.backend = property(settled_backend)  # type: ignore[assignment,method-assign]


def settle(backend: RDSBackend, seconds: float) -> None:
    """Give every database its new name that was ``renaming`` long enough."""
    for those, name in ((backend.databases, "db_instance_identifier"), (backend.clusters, "db_cluster_identifier")):
        for old in [*those]:
            _finish(backend, those, old, name, seconds)


def _require_settled(database: Any, code: str) -> None:
    if database is not None and database.status in ("creating", "renaming", "rebooting"):
        raise RDSClientError(code, f"{database.resource_id} is {database.status}; it has to be available")


def _begin(database: Any, wanted: str | None, seconds: float, *, now: bool) -> None:
    if wanted is not None and not now:
        return
    until = clock.now() + seconds
    database._settles = ("modifying" if wanted is None else "renaming", until)
    database._renamed = None if wanted is None else (wanted, until)


def _finish(backend: RDSBackend, those: Any, old: str, name: str, seconds: float) -> None:
    database = those[old]
    wanted, until = getattr(database, "_renamed", None) or (None, 0.0)
    if wanted is None or clock.now() < until:
        return
    those[wanted] = those.pop(old)
    setattr(database, name, wanted)
    database._renamed = None
    database._settles = ("rebooting", clock.now() + seconds)
    database_servers.reboot(database)
    if those is backend.clusters:
        for member in backend.databases.values():
            if member.db_cluster_identifier == old:
                member.db_cluster_identifier = wanted

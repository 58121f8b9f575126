"""Gap: moto's databases have no data.

Here each RDS instance and Aurora cluster of PostgreSQL has its own server and data directory (``local.postgres``), from
its first connection on. It has the master user, who is not a superuser (``rds_superuser``), the requested database, and
``pg_stat_statements``. A snapshot is a copy of the directory at that time, made while clients are connected and
working; a restore begins with that copy; a rename restarts the server, as it reboots an instance on AWS. It can be
removed once moto has databases.
"""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pg8000.native
from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, DBInstanceClustered, DBSnapshot, RDSBackend
from pg8000.native import identifier, literal

from local.postgres import Address, Postgres, Server, connect

ENGINES = ("postgres", "aurora-postgresql")

Owner = DBInstance | DBCluster
"""Owners of data: an instance that is not in a cluster, or a cluster."""


class Copied:
    """A copy of a data directory. It is immutable, and removed when nothing refers to it any more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        weakref.finalize(self, shutil.rmtree, path, ignore_errors=True).atexit = False


@dataclass
class Storage:
    """The data of one instance or cluster: none before the first connection, or the copy it is restored from."""

    programs: Programs
    restored: Copied | None = None
    data: Path | None = None
    server: Server | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def address(self, owner: Owner) -> Address:
        """Where its server listens, which is started if it is not running."""
        with self.lock:
            return (self.server or self._start(owner)).administrator

    def copied(self) -> Copied | None:
        """A copy of the current data; None if there was never a connection."""
        with self.lock:
            if self.server is not None:
                return Copied(self.programs.get().back_up(self.server))
            return Copied(self.programs.get().copy(self.data)) if self.data is not None else self.restored

    def set_password(self, owner: Owner) -> None:
        """Give the master user its password, if the server is running; otherwise it gets it when started."""
        with self.lock:
            if self.server is not None:
                with closing(connect(self.server.administrator)) as connection:
                    _set_password(connection, owner)

    def shut_down(self) -> None:
        """Stop the server; the next connection starts it."""
        with self.lock:
            if self.server is not None:
                self.server.stop()
                self.server = None

    def remove(self) -> None:
        """Stop the server and remove the data."""
        with self.lock:
            self.shut_down()
            if self.data is not None:
                shutil.rmtree(self.data, ignore_errors=True)
            self.data = self.restored = None

    def _start(self, owner: Owner) -> Server:
        programs = self.programs.get()
        is_new = self.data is None and self.restored is None
        data = self.data or (programs.copy(self.restored.path) if self.restored else programs.initialise())
        server = programs.start(data)
        try:
            with closing(connect(server.administrator)) as connection:
                if is_new:
                    _create_roles_and_databases(connection, owner)
                _set_password(connection, owner)
        except BaseException:
            server.stop()
            raise
        self.data, self.server, self.restored = data, server, None
        return server


class Programs:
    """PostgreSQL's programs, prepared when the first server is started."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._prepared: Postgres | None = None

    def get(self) -> Postgres:
        """The programs. Raises ``PostgresError``."""
        with self._lock:
            self._prepared = self._prepared or Postgres.prepare(self._directory)
            return self._prepared

    def stop(self) -> None:
        """Stop every server."""
        if self._prepared is not None:
            self._prepared.stop()


class Servers:
    """The storages by the resource id of their instance or cluster, which survives a rename."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self._storages: dict[str, Storage] = {}

    def of(self, owner: Owner) -> Storage:
        """An owner's storage."""
        return self._storages.setdefault(_key(owner), Storage(self.programs))

    def restore(self, owner: Owner, copied: Copied | None) -> None:
        """Let an owner begin with a copy."""
        self._storages[_key(owner)] = Storage(self.programs, copied)

    def remove(self, owner: Owner) -> None:
        """Remove an owner's data."""
        storage = self._storages.pop(_key(owner), None)
        if storage is not None:
            storage.remove()

    def reset(self) -> None:
        """Remove all data."""
        while self._storages:
            self._storages.popitem()[1].remove()


servers: Servers
"""The engine's; set by ``install``."""


def install(directory: Path) -> None:
    """Give PostgreSQL's databases their servers, whose data is in ``directory``, which must not exist yet."""
    global servers  # noqa: PLW0603
    servers = Servers(Programs(directory))
    for model in (DBSnapshot, DBClusterSnapshot):
        _copy_when_made(model)
    for owner in (DBInstance, DBCluster):
        _begin_with_copy(owner)
    _restore_to_time()
    _change()
    _stop()


def reboot(database: Owner) -> None:
    """Stop the server of an instance or cluster, if it has one; the next connection starts it."""
    owner = owner_of(database)
    if owner is not None:
        servers.of(owner).shut_down()


def owner_of(database: Owner) -> Owner | None:
    """The owner of an instance's or cluster's data; None if its engine is another one."""
    if database.engine not in ENGINES:
        return None
    return database.cluster if isinstance(database, DBInstanceClustered) else database


def _key(owner: Owner) -> str:
    return str(owner.db_cluster_resource_id if isinstance(owner, DBCluster) else owner.dbi_resource_id)


def _copy_when_made(model: type[Any]) -> None:
    """A snapshot has a copy of the data; moto copies a snapshot by taking one of its database, which already has it."""
    create = model.__init__
    kind = "database" if model is DBSnapshot else "cluster"

    def create_with_copy(self: Any, backend: RDSBackend, database: Owner, *args: Any, **kwargs: Any) -> None:
        create(self, backend, database, *args, **kwargs)
        described = getattr(self, kind)
        if not hasattr(described, "copied"):
            described.copied = _copied(database)

    model.__init__ = create_with_copy


def _copied(database: Owner) -> Copied | None:
    owner = owner_of(database)
    return None if owner is None else servers.of(owner).copied()


def _begin_with_copy(model: type[Any]) -> None:
    """moto restores by creating with everything it knows of the snapshot's database, so with its copy, too."""
    create = model.__init__

    def create_from_copy(self: Any, *args: Any, copied: Copied | None = None, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        if copied is not None:
            servers.restore(self, copied)

    model.__init__ = create_from_copy


def _restore_to_time() -> None:
    """A restore to a point in time has the current data, whatever the time."""
    instance, cluster = (
        RDSBackend.restore_db_instance_to_point_in_time,
        RDSBackend.restore_db_cluster_to_point_in_time,
    )

    def restore_instance(
        self: RDSBackend, source_db_identifier: str, target_db_identifier: str, overrides: dict[str, Any]
    ) -> DBInstance:
        restored = instance(self, source_db_identifier, target_db_identifier, overrides)
        servers.restore(restored, _copied(self.databases[source_db_identifier]))
        return restored

    def restore_cluster(
        self: RDSBackend, db_cluster_identifier: str, source_db_cluster_identifier: str, *args: Any, **kwargs: Any
    ) -> DBCluster:
        restored = cluster(self, db_cluster_identifier, source_db_cluster_identifier, *args, **kwargs)
        servers.restore(restored, _copied(self.clusters[source_db_cluster_identifier]))
        return restored

    RDSBackend.restore_db_instance_to_point_in_time = restore_instance  # type: ignore[method-assign]
    RDSBackend.restore_db_cluster_to_point_in_time = restore_cluster  # type: ignore[method-assign]


def _change() -> None:
    """A new master password is set in the server, too."""
    modify_instance, modify_cluster = RDSBackend.modify_db_instance, RDSBackend.modify_db_cluster

    def modify_db_instance(self: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        modified = modify_instance(self, db_instance_identifier, db_kwargs)
        _set_password_of(modified)
        return modified

    def modify_db_cluster(self: RDSBackend, kwargs: dict[str, Any]) -> DBCluster:
        modified = modify_cluster(self, kwargs)
        _set_password_of(modified)
        return modified

    RDSBackend.modify_db_instance = modify_db_instance  # type: ignore[method-assign]
    RDSBackend.modify_db_cluster = modify_db_cluster  # type: ignore[method-assign]


def _set_password_of(database: Owner) -> None:
    owner = owner_of(database)
    if owner is not None:
        servers.of(owner).set_password(owner)


def _stop() -> None:
    """Deleting removes the data, after the final snapshot; rebooting and stopping end connections."""
    for name in ("delete_db_instance", "delete_db_cluster"):
        afterwards(name, _remove)
    for name in ("reboot_db_instance", "stop_db_instance", "stop_db_cluster"):
        afterwards(name, reboot)


def afterwards(operation: str, act: Callable[[Any], None]) -> None:
    """Run a function on the result of moto's operation."""
    perform = getattr(RDSBackend, operation)

    def perform_and_act(self: RDSBackend, *args: Any, **kwargs: Any) -> Any:
        database = perform(self, *args, **kwargs)
        act(database)
        return database

    setattr(RDSBackend, operation, perform_and_act)


def _remove(database: Owner) -> None:
    if owner_of(database) is database:
        servers.remove(database)


def _create_roles_and_databases(connection: pg8000.native.Connection, owner: Owner) -> None:
    """Create what RDS creates
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html).
    """
    user, name = identifier(str(owner.master_username)), _database_name(owner) or "postgres"
    own = [f"CREATE DATABASE {identifier(name)} OWNER {user} TEMPLATE postgres"] if name != "postgres" else []
    for statement in (
        "CREATE ROLE rds_superuser NOLOGIN",
        "GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION",
        f"CREATE ROLE {user} LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser",
        f"ALTER DATABASE postgres OWNER TO {user}",
        "CREATE EXTENSION pg_stat_statements",
        *own,
    ):
        connection.run(statement)


def _database_name(owner: Owner) -> str | None:
    return owner.database_name if isinstance(owner, DBCluster) else owner.db_name


def _set_password(connection: pg8000.native.Connection, owner: Owner) -> None:
    user, password = identifier(str(owner.master_username)), literal(str(owner._master_user_password))
    connection.run(f"ALTER ROLE {user} PASSWORD {password}")

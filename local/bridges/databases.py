"""Gap: moto's RDS finishes everything immediately and accepts requests that AWS refuses.

Here databases and snapshots are briefly ``creating``, so that waiting is exercised; a manual snapshot needs an
available source, and an automated one's name never clashes with its predecessor's; groups in use are kept; subnets and
the default security group are the engine's. Each can be removed once moto does the same.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import moto.rds.models
import moto.rds.responses
from ministack.services import ec2
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBCluster, DBClusterSnapshot, DBInstance, DBSnapshot, RDSBackend

from local.bridges.moments import clock


def install(seconds: float) -> None:
    """Make moto's databases and snapshots take ``seconds`` to become available, and refuse what AWS refuses."""
    for model in (DBInstance, DBSnapshot, DBCluster, DBClusterSnapshot):
        _take_time(model, seconds)
    _snapshot_available_sources()
    _keep_groups_in_use()
    _use_engine_network()


def _take_time(model: type[Any], seconds: float) -> None:
    """A new object of ``model`` is ``creating`` until ``seconds`` have passed."""
    create = model.__init__

    def create_slowly(self: Any, *args: Any, **kwargs: Any) -> None:
        self._settles = ("creating", clock.now() + seconds)
        create(self, *args, **kwargs)

    def status(self: Any) -> str:
        passing, until = self._settles
        settled = "available" if self._status == "creating" else self._status
        return passing if settled == "available" and clock.now() < until else settled

    def set_status(self: Any, value: str) -> None:
        self._status = value

    model.__init__ = create_slowly
    model.status = property(status, set_status)


def _snapshot_available_sources() -> None:
    snapshot_instance, snapshot_cluster = RDSBackend.create_db_snapshot, RDSBackend.create_db_cluster_snapshot

    def create_db_snapshot(
        self: RDSBackend, db_instance_identifier: str, db_snapshot_identifier: str, *args: Any, **kwargs: Any
    ) -> DBSnapshot:
        if kwargs.get("snapshot_type") == "automated":
            self.database_snapshots.pop(db_snapshot_identifier, None)
        else:
            _require_available(self.databases.get(db_instance_identifier), db_instance_identifier, "DBInstance")
        return snapshot_instance(self, db_instance_identifier, db_snapshot_identifier, *args, **kwargs)

    def create_db_cluster_snapshot(
        self: RDSBackend, db_cluster_identifier: str, db_cluster_snapshot_identifier: str, *args: Any, **kwargs: Any
    ) -> DBClusterSnapshot:
        if kwargs.get("snapshot_type") == "automated":
            self.cluster_snapshots.pop(db_cluster_snapshot_identifier, None)
        else:
            _require_available(self.clusters.get(db_cluster_identifier), db_cluster_identifier, "DBCluster")
        return snapshot_cluster(self, db_cluster_identifier, db_cluster_snapshot_identifier, *args, **kwargs)

    RDSBackend.create_db_snapshot = create_db_snapshot  # type: ignore[method-assign]
    RDSBackend.create_db_cluster_snapshot = create_db_cluster_snapshot  # type: ignore[method-assign]


def _require_available(source: DBInstance | DBCluster | None, name: str, kind: str) -> None:
    if source is not None and source.status not in ("available", "storage-optimization"):
        code = "InvalidDBInstanceState" if kind == "DBInstance" else "InvalidDBClusterStateFault"
        raise RDSClientError(code, f"{kind} {name} is {source.status}; it has to be available for a snapshot")


def _keep_groups_in_use() -> None:
    delete_parameters, delete_subnets = RDSBackend.delete_db_parameter_group, RDSBackend.delete_subnet_group

    def delete_parameter_group(self: RDSBackend, name: str) -> Any:
        if any(database.db_parameter_group_name == name for database in self.databases.values()):
            raise RDSClientError("InvalidDBParameterGroupState", f"One or more database instances use {name}")
        return delete_parameters(self, name)

    def delete_subnet_group(self: RDSBackend, name: str) -> Any:
        if any(getattr(database, "_db_subnet_group_name", None) == name for database in self.databases.values()):
            raise RDSClientError("InvalidDBSubnetGroupStateFault", f"One or more database instances use {name}")
        return delete_subnets(self, name)

    RDSBackend.delete_db_parameter_group = delete_parameter_group  # type: ignore[method-assign,assignment]
    RDSBackend.delete_subnet_group = delete_subnet_group  # type: ignore[method-assign,assignment]


@dataclass(frozen=True)
class _Subnet:
    id: str
    vpc_id: str
    availability_zone: str


class _Network:
    """What moto's RDS calls on its own EC2, backed by the engine's."""

    default_vpc = _Subnet(ec2._DEFAULT_VPC_ID, ec2._DEFAULT_VPC_ID, "")

    def get_subnet(self, subnet_id: str) -> _Subnet:
        subnet = ec2._subnets.get(subnet_id)
        if subnet is None:
            raise RDSClientError("InvalidSubnet", f"The requested subnet {subnet_id} is invalid")
        return _Subnet(subnet_id, subnet["VpcId"], subnet["AvailabilityZone"])

    def get_default_security_group(self, vpc_id: str) -> _Subnet:
        return _Subnet(ec2._DEFAULT_SG_ID, vpc_id, "")


def _use_engine_network() -> None:
    everywhere: Any = defaultdict(lambda: defaultdict(_Network))
    moto.rds.responses.ec2_backends = everywhere  # type: ignore[attr-defined]
    moto.rds.models.ec2_backends = everywhere  # type: ignore[attr-defined]

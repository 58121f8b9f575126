"""Gap: a stack's database exists only in CloudFormation, because moto serves the RDS API.

The ``AWS::RDS::*`` resources are created through the engine's own RDS API, so that stacks and API calls see the same
databases; CloudFormation waits until they are available, as on AWS. It can be removed once ministack's RDS is used
again.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

from local.bridges.resource_parameters import api, call

LOOK_EVERY_SECONDS = 0.05

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class DatabaseResourceType:
    """How one resource type maps to the API: ``name`` is the property and parameter that names it."""

    type: str
    name: str
    create: str
    modify: str
    delete: str
    attributes: Callable[[Any, str], dict[str, str]]
    renamed: Mapping[str, str]
    longest_name: int = 255


def install() -> None:
    """Register the resource types, and run them off the server's loop because they call the server."""
    for resource in RESOURCES:
        provisioners._RESOURCE_HANDLERS[resource.type] = _handlers(resource)
    on_worker = stacks._runs_on_worker_thread

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type.startswith("AWS::RDS::") or bool(on_worker(resource_type))

    stacks._runs_on_worker_thread = runs_on_worker_thread


def _handlers(resource: DatabaseResourceType) -> dict[str, Any]:
    final_snapshots: set[str] = set()

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        rds = api("rds")
        name = properties.get(resource.name) or _generated_name(resource, stack, logical_id)
        operation, source = _creation(resource, properties)
        call(rds, operation, {**source, **properties, resource.name: name}, resource.renamed)
        _set_parameters(rds, resource, name, {}, properties)
        return name, resource.attributes(rds, name)

    def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
        if provisioners._requires_replacement(resource.type, old, new):
            return create(logical_id, new, stack)
        rds = api("rds")
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        if resource.modify and changed:
            always = {"ApplyImmediately": True, "SubnetIds": new.get("SubnetIds", [])}
            call(rds, resource.modify, {**always, **changed, resource.name: physical_id}, resource.renamed)
        _set_parameters(rds, resource, physical_id, old, new)
        _set_tags(rds, resource.attributes(rds, physical_id), old, new)
        return physical_id, resource.attributes(rds, physical_id)

    def delete(physical_id: str, properties: Properties) -> None:
        final: dict[str, Any] = {"SkipFinalSnapshot": True}
        if physical_id in final_snapshots:
            final_snapshots.discard(physical_id)
            snapshot = f"{physical_id}-final-{uuid.uuid4().hex[:12]}"
            names = ("FinalDBSnapshotIdentifier", "FinalSnapshotIdentifier")
            final = {"SkipFinalSnapshot": False, **dict.fromkeys(names, snapshot)}
        rds = api("rds")
        try:
            call(rds, resource.delete, {**final, resource.name: physical_id}, {})
        except rds.exceptions.ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    def snapshot_before_delete(physical_id: str, properties: Properties) -> None:
        final_snapshots.add(physical_id)

    return {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": delete,
        "snapshot": snapshot_before_delete,
    }


def _generated_name(resource: DatabaseResourceType, stack: str, logical_id: str) -> str:
    name = provisioners._physical_name(stack, logical_id, lowercase=True, max_len=resource.longest_name)
    return str(name).replace("--", "-").strip("-")


def _creation(resource: DatabaseResourceType, properties: Properties) -> tuple[str, dict[str, Any]]:
    """The operation that creates it, and its parameters beside the properties: a snapshot is restored."""
    if properties.get("DBSnapshotIdentifier"):
        return "RestoreDBInstanceFromDBSnapshot", {}
    if properties.get("SnapshotIdentifier"):
        return "RestoreDBClusterFromSnapshot", {}
    return resource.create, {}


def _set_parameters(rds: Any, resource: DatabaseResourceType, name: str, old: Properties, new: Properties) -> None:
    if "Parameters" not in new or new.get("Parameters") == old.get("Parameters"):
        return
    operation = "ModifyDBClusterParameterGroup" if "Cluster" in resource.type else "ModifyDBParameterGroup"
    parameters = [
        {"ParameterName": key, "ParameterValue": str(value), "ApplyMethod": "pending-reboot"}
        for key, value in new["Parameters"].items()
    ]
    call(rds, operation, {resource.name: name, "Parameters": parameters}, {})


def _set_tags(rds: Any, attributes: Mapping[str, str], old: Properties, new: Properties) -> None:
    before, after = provisioners._tag_map(old.get("Tags")), provisioners._tag_map(new.get("Tags"))
    arn = next(value for name, value in attributes.items() if name.endswith("Arn") and ":rds:" in value)
    if gone := sorted(before.keys() - after.keys()):
        rds.remove_tags_from_resource(ResourceName=arn, TagKeys=gone)
    if after != before:
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": key, "Value": value} for key, value in after.items()])


def _instance(rds: Any, name: str) -> dict[str, str]:
    def look() -> Any:
        return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    found = _when_available(look, "DBInstanceStatus")
    return {
        "DBInstanceArn": found["DBInstanceArn"],
        "DbiResourceId": found["DbiResourceId"],
        "Endpoint.Address": found["Endpoint"]["Address"],
        "Endpoint.Port": str(found["Endpoint"]["Port"]),
        **_secret(found),
    }


def _cluster(rds: Any, name: str) -> dict[str, str]:
    def look() -> Any:
        return rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]

    found = _when_available(look, "Status")
    return {
        "DBClusterArn": found["DBClusterArn"],
        "DBClusterResourceId": found["DbClusterResourceId"],
        "Endpoint.Address": found["Endpoint"],
        "Endpoint.Port": str(found["Port"]),
        "ReadEndpoint.Address": found["ReaderEndpoint"],
        **_secret(found),
    }


def _secret(found: Mapping[str, Any]) -> dict[str, str]:
    secret = found.get("MasterUserSecret")
    return {"MasterUserSecret.SecretArn": secret["SecretArn"]} if secret else {}


def _subnet_group(rds: Any, name: str) -> dict[str, str]:
    found = rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]
    return {"DBSubnetGroupArn": found["DBSubnetGroupArn"]}


def _parameter_group(rds: Any, name: str) -> dict[str, str]:
    found = rds.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"][0]
    return {"DBParameterGroupName": name, "DBParameterGroupArn": found["DBParameterGroupArn"]}


def _cluster_parameter_group(rds: Any, name: str) -> dict[str, str]:
    found = rds.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)["DBClusterParameterGroups"][0]
    return {"DBClusterParameterGroupArn": found["DBClusterParameterGroupArn"]}


def _when_available(look: Callable[[], Any], status: str) -> Any:
    while (found := look())[status] != "available":
        time.sleep(LOOK_EVERY_SECONDS)
    return found


RESOURCES = (
    DatabaseResourceType(
        "AWS::RDS::DBInstance",
        "DBInstanceIdentifier",
        "CreateDBInstance",
        "ModifyDBInstance",
        "DeleteDBInstance",
        _instance,
        {"VPCSecurityGroups": "VpcSecurityGroupIds"},
        63,
    ),
    DatabaseResourceType(
        "AWS::RDS::DBCluster",
        "DBClusterIdentifier",
        "CreateDBCluster",
        "ModifyDBCluster",
        "DeleteDBCluster",
        _cluster,
        {},
        63,
    ),
    DatabaseResourceType(
        "AWS::RDS::DBSubnetGroup",
        "DBSubnetGroupName",
        "CreateDBSubnetGroup",
        "ModifyDBSubnetGroup",
        "DeleteDBSubnetGroup",
        _subnet_group,
        {},
    ),
    DatabaseResourceType(
        "AWS::RDS::DBParameterGroup",
        "DBParameterGroupName",
        "CreateDBParameterGroup",
        "",
        "DeleteDBParameterGroup",
        _parameter_group,
        {"Family": "DBParameterGroupFamily"},
    ),
    DatabaseResourceType(
        "AWS::RDS::DBClusterParameterGroup",
        "DBClusterParameterGroupName",
        "CreateDBClusterParameterGroup",
        "",
        "DeleteDBClusterParameterGroup",
        _cluster_parameter_group,
        {"Family": "DBParameterGroupFamily"},
    ),
)

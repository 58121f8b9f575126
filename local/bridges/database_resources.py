"""Gap: a database made by a stack exists for CloudFormation alone, because the RDS API is answered by moto.

The ``AWS::RDS::*`` resources are created through the engine's own RDS API, so that stacks and API calls see the same
databases; CloudFormation waits until they are available, as on AWS. It can go when ministack's RDS is used again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.model import Shape
from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners, stacks

LOOK_EVERY_SECONDS = 0.05

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class ResourceType:
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


def _handlers(resource: ResourceType) -> dict[str, Any]:
    final_snapshots: set[str] = set()

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        api = _api()
        name = properties.get(resource.name) or _generated_name(resource, stack, logical_id)
        operation, source = _creation(resource, properties)
        _call(api, operation, {**source, **properties, resource.name: name}, resource.renamed)
        _set_parameters(api, resource, name, {}, properties)
        return name, resource.attributes(api, name)

    def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
        if provisioners._requires_replacement(resource.type, old, new):
            return create(logical_id, new, stack)
        api = _api()
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        if resource.modify and changed:
            always = {"ApplyImmediately": True, "SubnetIds": new.get("SubnetIds", [])}
            _call(api, resource.modify, {**always, **changed, resource.name: physical_id}, resource.renamed)
        _set_parameters(api, resource, physical_id, old, new)
        _set_tags(api, resource.attributes(api, physical_id), old, new)
        return physical_id, resource.attributes(api, physical_id)

    def delete(physical_id: str, properties: Properties) -> None:
        final: dict[str, Any] = {"SkipFinalSnapshot": True}
        if physical_id in final_snapshots:
            final_snapshots.discard(physical_id)
            snapshot = f"{physical_id}-final-{uuid.uuid4().hex[:12]}"
            names = ("FinalDBSnapshotIdentifier", "FinalSnapshotIdentifier")
            final = {"SkipFinalSnapshot": False, **dict.fromkeys(names, snapshot)}
        api = _api()
        try:
            _call(api, resource.delete, {**final, resource.name: physical_id}, {})
        except api.exceptions.ClientError as error:
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


def _api() -> Any:
    return botocore.session.get_session().create_client("rds", region_name=get_region())


def _generated_name(resource: ResourceType, stack: str, logical_id: str) -> str:
    name = provisioners._physical_name(stack, logical_id, lowercase=True, max_len=resource.longest_name)
    return str(name).replace("--", "-").strip("-")


def _creation(resource: ResourceType, properties: Properties) -> tuple[str, dict[str, Any]]:
    """The operation that creates it, and its parameters beside the properties: a snapshot is restored."""
    if properties.get("DBSnapshotIdentifier"):
        return "RestoreDBInstanceFromDBSnapshot", {}
    if properties.get("SnapshotIdentifier"):
        return "RestoreDBClusterFromSnapshot", {}
    return resource.create, {}


def _call(api: Any, operation: str, values: Properties, renamed: Mapping[str, str]) -> Any:
    """Call an operation with those properties that it has parameters for, each as its model spells and types it."""
    members = api.meta.service_model.operation_model(operation).input_shape.members
    parameters = {renamed.get(name, name): value for name, value in values.items() if value is not None}
    return api._make_api_call(
        operation, {name: _typed(value, members[name]) for name, value in parameters.items() if name in members}
    )


def _typed(value: Any, shape: Shape) -> Any:
    """CloudFormation hands numbers and booleans over as text."""
    match shape.type_name:
        case "integer" | "long":
            return int(value)
        case "boolean":
            return provisioners._cfn_bool(value)
        case "string":
            return str(value)
        case _:
            return value


def _set_parameters(api: Any, resource: ResourceType, name: str, old: Properties, new: Properties) -> None:
    if "Parameters" not in new or new.get("Parameters") == old.get("Parameters"):
        return
    operation = "ModifyDBClusterParameterGroup" if "Cluster" in resource.type else "ModifyDBParameterGroup"
    parameters = [
        {"ParameterName": key, "ParameterValue": str(value), "ApplyMethod": "pending-reboot"}
        for key, value in new["Parameters"].items()
    ]
    _call(api, operation, {resource.name: name, "Parameters": parameters}, {})


def _set_tags(api: Any, attributes: Mapping[str, str], old: Properties, new: Properties) -> None:
    before, after = provisioners._tag_map(old.get("Tags")), provisioners._tag_map(new.get("Tags"))
    arn = next(value for name, value in attributes.items() if name.endswith("Arn") and ":rds:" in value)
    if gone := sorted(before.keys() - after.keys()):
        api.remove_tags_from_resource(ResourceName=arn, TagKeys=gone)
    if after != before:
        api.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": key, "Value": value} for key, value in after.items()])


def _instance(api: Any, name: str) -> dict[str, str]:
    def look() -> Any:
        return api.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    found = _when_available(look, "DBInstanceStatus")
    return {
        "DBInstanceArn": found["DBInstanceArn"],
        "DbiResourceId": found["DbiResourceId"],
        "Endpoint.Address": found["Endpoint"]["Address"],
        "Endpoint.Port": str(found["Endpoint"]["Port"]),
        **_secret(found),
    }


def _cluster(api: Any, name: str) -> dict[str, str]:
    def look() -> Any:
        return api.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]

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


def _subnet_group(api: Any, name: str) -> dict[str, str]:
    found = api.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]
    return {"DBSubnetGroupArn": found["DBSubnetGroupArn"]}


def _parameter_group(api: Any, name: str) -> dict[str, str]:
    found = api.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"][0]
    return {"DBParameterGroupName": name, "DBParameterGroupArn": found["DBParameterGroupArn"]}


def _cluster_parameter_group(api: Any, name: str) -> dict[str, str]:
    found = api.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)["DBClusterParameterGroups"][0]
    return {"DBClusterParameterGroupArn": found["DBClusterParameterGroupArn"]}


def _when_available(look: Callable[[], Any], status: str) -> Any:
    while (found := look())[status] != "available":
        time.sleep(LOOK_EVERY_SECONDS)
    return found


RESOURCES = (
    ResourceType(
        "AWS::RDS::DBInstance",
        "DBInstanceIdentifier",
        "CreateDBInstance",
        "ModifyDBInstance",
        "DeleteDBInstance",
        _instance,
        {"VPCSecurityGroups": "VpcSecurityGroupIds"},
        63,
    ),
    ResourceType(
        "AWS::RDS::DBCluster",
        "DBClusterIdentifier",
        "CreateDBCluster",
        "ModifyDBCluster",
        "DeleteDBCluster",
        _cluster,
        {},
        63,
    ),
    ResourceType(
        "AWS::RDS::DBSubnetGroup",
        "DBSubnetGroupName",
        "CreateDBSubnetGroup",
        "ModifyDBSubnetGroup",
        "DeleteDBSubnetGroup",
        _subnet_group,
        {},
    ),
    ResourceType(
        "AWS::RDS::DBParameterGroup",
        "DBParameterGroupName",
        "CreateDBParameterGroup",
        "",
        "DeleteDBParameterGroup",
        _parameter_group,
        {"Family": "DBParameterGroupFamily"},
    ),
    ResourceType(
        "AWS::RDS::DBClusterParameterGroup",
        "DBClusterParameterGroupName",
        "CreateDBClusterParameterGroup",
        "",
        "DeleteDBClusterParameterGroup",
        _cluster_parameter_group,
        {"Family": "DBParameterGroupFamily"},
    ),
)

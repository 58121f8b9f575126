"""Gap: where permissions count, some requests are judged by the wrong transport or the wrong resource.

The engine's port speaks plain HTTP, but policies may demand TLS, which every request has on AWS: here they have it
too. A request about a change set by its ARN is about its stack, one about an ECS service about that and not about its
cluster (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html), one about a
snapshot about that, with moto's tags, one for parameters by path about the path. It matters only for an engine started
with ``permissions``. It can go when ministack serves TLS to every worker and knows change sets' stacks.
"""

from __future__ import annotations

import json
from typing import Any

import ministack.app
from ministack.core import iam_actions
from ministack.services import tagging
from ministack.services.cloudformation import _change_sets
from moto.rds.models import rds_backends

OF_SERVICES = (".DescribeServices", ".UpdateService", ".DeleteService")
OF_DATABASES = {
    "DescribeDBInstances": "db",
    "DescribeDBClusters": "cluster",
    "DescribeDBSnapshots": "snapshot",
    "DescribeDBClusterSnapshots": "cluster-snapshot",
}
OF_SNAPSHOTS = {
    "DeleteDBSnapshot": ("snapshot", "DBSnapshotIdentifier"),
    "DeleteDBClusterSnapshot": ("cluster-snapshot", "DBClusterSnapshotIdentifier"),
    "ModifyDBSnapshotAttribute": ("snapshot", "DBSnapshotIdentifier"),
    "ModifyDBClusterSnapshotAttribute": ("cluster-snapshot", "DBClusterSnapshotIdentifier"),
    "CopyDBSnapshot": ("snapshot", "TargetDBSnapshotIdentifier"),
    "CopyDBClusterSnapshot": ("cluster-snapshot", "TargetDBClusterSnapshotIdentifier"),
}


def install() -> None:
    """Let ``aws:SecureTransport`` be true, and requests be about what AWS says they are about."""
    _judge_rightly()
    _know_tags_of_databases()


def _judge_rightly() -> None:
    pin, resource_of = ministack.app.pin_request_origin, iam_actions.extract_resource_arn

    def pin_as_secure(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, True)

    def right_resource_of(*request: Any) -> str:
        service, _, _, headers, body, parameters, region, account = request
        change_set = _change_sets.get((parameters.get("ChangeSetName") or [""])[0])
        if service == "cloudformation" and change_set is not None:
            return str(change_set["StackId"])
        if service == "ecs" and headers.get("x-amz-target", "").endswith(OF_SERVICES):
            return _service(json.loads(body), f"arn:aws:ecs:{region}:{account}:service")
        if service == "ssm" and headers.get("x-amz-target", "").endswith(".GetParametersByPath"):
            return f"arn:aws:ssm:{region}:{account}:parameter{json.loads(body)['Path'].rstrip('/')}"
        resource = str(resource_of(*request))
        action = (parameters.get("Action") or [""])[0]
        if service == "rds" and action in OF_SNAPSHOTS:
            kind, named = OF_SNAPSHOTS[action]
            return f"arn:aws:rds:{region}:{account}:{kind}:{parameters[named][0]}"
        kind = OF_DATABASES.get(action, "")
        return f"arn:aws:rds:{region}:{account}:{kind}:*" if service == "rds" and resource == "*" and kind else resource

    ministack.app.pin_request_origin = pin_as_secure
    iam_actions.extract_resource_arn = right_resource_of


def _service(request: dict[str, Any], prefix: str) -> str:
    """The ARN of the ECS service a request names, the first if there are several."""
    name = str(request.get("service") or (request.get("services") or ["*"])[0])
    cluster = str(request.get("cluster") or "default").rpartition("/")[2]
    return name if name.startswith("arn:") else f"{prefix}/{cluster}/{name}"


def _know_tags_of_databases() -> None:
    tags_of = tagging.resource_tags

    def resource_tags(arn: str) -> dict[str, str] | None:
        _, _, service, region, account, *_ = arn.split(":", 5) if arn.startswith("arn:") else [""] * 6
        if service != "rds":
            found: dict[str, str] | None = tags_of(arn)
            return found
        return {each["Key"]: each["Value"] for each in rds_backends[account][region].list_tags_for_resource(arn)}

    tagging.resource_tags = resource_tags

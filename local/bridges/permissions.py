"""Gap: where permissions count, some requests are judged by the wrong transport or the wrong resource.

The engine's port speaks plain HTTP, but policies may demand TLS, which every request has on AWS: here they have it
too. A request about a change set by its ARN is about its stack, one about an ECS service about that and not about its
cluster (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html). It matters
only for an engine started with ``permissions``. It can go when ministack serves TLS to every worker and knows change
sets' stacks.
"""

from __future__ import annotations

import json
from typing import Any

import ministack.app
from ministack.core import iam_actions
from ministack.services.cloudformation import _change_sets

OF_SERVICES = (".DescribeServices", ".UpdateService", ".DeleteService")
OF_DATABASES = {
    "DescribeDBInstances": "db",
    "DescribeDBClusters": "cluster",
    "DescribeDBSnapshots": "snapshot",
    "DescribeDBClusterSnapshots": "cluster-snapshot",
}


def install() -> None:
    """Let ``aws:SecureTransport`` be true, and requests be about what AWS says they are about."""
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
        resource = str(resource_of(*request))
        kind = OF_DATABASES.get((parameters.get("Action") or [""])[0])
        return f"arn:aws:rds:{region}:{account}:{kind}:*" if service == "rds" and resource == "*" and kind else resource

    ministack.app.pin_request_origin = pin_as_secure
    iam_actions.extract_resource_arn = right_resource_of


def _service(request: dict[str, Any], prefix: str) -> str:
    """The ARN of the ECS service a request names, the first if there are several."""
    name = str(request.get("service") or (request.get("services") or ["*"])[0])
    cluster = str(request.get("cluster") or "default").rpartition("/")[2]
    return name if name.startswith("arn:") else f"{prefix}/{cluster}/{name}"

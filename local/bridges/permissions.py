"""Gap: with permissions, some requests are authorized by the wrong transport or the wrong resource.

The engine's port speaks plain HTTP, but policies may require TLS, which every request has on AWS: here they have it
too. A request about a change set by its ARN is about its stack, also when the change set was deleted, one about an ECS
service about that and not about its cluster, one about a rule about that, without the default bus
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html), one about a snapshot
about that, with moto's tags, one about RDS's tags about the tagged resource, one for parameters by path about the path,
one with a task's token about the state machine that waits, a simulation about the principal simulated. It matters only
for an engine started with ``permissions``, whose log has each refusal. It can be removed once ministack serves TLS to
every worker and knows change sets' stacks.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ministack.app
from ministack.core import iam_actions
from ministack.services import tagging
from ministack.services.cloudformation import _change_sets
from moto.rds.models import rds_backends

from local.bridges.task_tokens import MACHINES

OF_SERVICES = (".DescribeServices", ".UpdateService", ".DeleteService")
OF_RULES = (".DescribeRule", ".ListTargetsByRule")
OF_TASKS = (".SendTaskSuccess", ".SendTaskFailure", ".SendTaskHeartbeat")
OF_DATABASES = {
    "DescribeDBInstances": "db",
    "DescribeDBClusters": "cluster",
    "DescribeDBSnapshots": "snapshot",
    "DescribeDBClusterSnapshots": "cluster-snapshot",
}
OF_TAGS = ("AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource")
OF_SNAPSHOTS = {
    "DeleteDBSnapshot": ("snapshot", "DBSnapshotIdentifier"),
    "DeleteDBClusterSnapshot": ("cluster-snapshot", "DBClusterSnapshotIdentifier"),
    "ModifyDBSnapshotAttribute": ("snapshot", "DBSnapshotIdentifier"),
    "ModifyDBClusterSnapshotAttribute": ("cluster-snapshot", "DBClusterSnapshotIdentifier"),
    "CopyDBSnapshot": ("snapshot", "TargetDBSnapshotIdentifier"),
    "CopyDBClusterSnapshot": ("cluster-snapshot", "TargetDBClusterSnapshotIdentifier"),
}


def install() -> None:
    """Set ``aws:SecureTransport`` to true, and authorize requests for the resources that AWS documents."""
    _judge_rightly()
    _know_tags_of_databases()
    _tell_of_refusals()


@dataclass(frozen=True)
class AskedPermission:
    """A request: the end of its target, if it has one, its parameters or its body, and its account and region."""

    target: str
    body: bytes
    parameters: Mapping[str, Sequence[str]]
    region: str
    account: str

    def parameter(self, name: str) -> str:
        """A parameter's value, the first if there are several, or nothing."""
        return str((self.parameters.get(name) or [""])[0])

    def document(self) -> dict[str, Any]:
        """The body of a JSON protocol."""
        return dict(json.loads(self.body))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in the request's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def _judge_rightly() -> None:
    pin, resource_of = ministack.app.pin_request_origin, iam_actions.extract_resource_arn
    rightly: dict[str, Callable[[AskedPermission], str]] = {
        "cloudformation": _stack_of_change_sets(),
        "ecs": _service,
        "events": _rule,
        "iam": lambda asked: asked.parameter("PolicySourceArn"),
        "rds": _tagged_or_snapshot,
        "ssm": _path,
        "states": _waiting_machine,
    }

    def pin_as_secure(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, True)

    def right_resource_of(*request: Any) -> str:
        service, _, _, headers, body, parameters, region, account = request
        asked = AskedPermission(headers.get("x-amz-target", ""), body, parameters, region, account)
        found = rightly[service](asked) if service in rightly else ""
        resource = found or str(resource_of(*request))
        kind = OF_DATABASES.get(asked.parameter("Action"), "") if service == "rds" else ""
        return asked.arn("rds", f"{kind}:*") if resource == "*" and kind else resource

    ministack.app.pin_request_origin = pin_as_secure
    iam_actions.extract_resource_arn = right_resource_of


def _stack_of_change_sets() -> Callable[[AskedPermission], str]:
    stacks: dict[str, str] = {}

    def stack_of(asked: AskedPermission) -> str:
        # Executing one deletes the others of its stack, which are authorized as well.
        stacks.update({name: str(each["StackId"]) for name, each in _change_sets.items()})
        return stacks.get(asked.parameter("ChangeSetName"), "")

    return stack_of


def _service(asked: AskedPermission) -> str:
    """The ECS service a request names, the first if there are several."""
    if not asked.target.endswith(OF_SERVICES):
        return ""
    request = asked.document()
    name = str(request.get("service") or (request.get("services") or ["*"])[0])
    cluster = str(request.get("cluster") or "default").rpartition("/")[2]
    return name if name.startswith("arn:") else asked.arn("ecs", f"service/{cluster}/{name}")


def _rule(asked: AskedPermission) -> str:
    """The rule a request names; the ARN of one of the default bus does not name the bus."""
    if not asked.target.endswith(OF_RULES):
        return ""
    request = asked.document()
    bus = str(request.get("EventBusName") or "default").rpartition("/")[2]
    name = request.get("Name", request.get("Rule"))
    return asked.arn("events", f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")


def _tagged_or_snapshot(asked: AskedPermission) -> str:
    if asked.parameter("Action") in OF_TAGS:
        return asked.parameter("ResourceName")
    kind, named = OF_SNAPSHOTS.get(asked.parameter("Action"), ("", ""))
    return asked.arn("rds", f"{kind}:{asked.parameter(named)}") if kind else ""


def _path(asked: AskedPermission) -> str:
    by_path = asked.target.endswith(".GetParametersByPath")
    return asked.arn("ssm", f"parameter{asked.document()['Path'].rstrip('/')}") if by_path else ""


def _waiting_machine(asked: AskedPermission) -> str:
    return MACHINES.get(asked.document()["taskToken"], "") if asked.target.endswith(OF_TASKS) else ""


def _tell_of_refusals() -> None:
    answer = iam_actions.access_denied_response

    def told(service: str, action: str, principal_arn: str, *more: Any, **named: Any) -> Any:
        logging.getLogger(__name__).warning("%s may not %s", principal_arn, action)
        return answer(service, action, principal_arn, *more, **named)

    iam_actions.access_denied_response = told


def _know_tags_of_databases() -> None:
    tags_of = tagging.resource_tags

    def resource_tags(arn: str) -> dict[str, str] | None:
        _, _, service, region, account, *_ = arn.split(":", 5) if arn.startswith("arn:") else [""] * 6
        if service != "rds":
            found: dict[str, str] | None = tags_of(arn)
            return found
        return {each["Key"]: each["Value"] for each in rds_backends[account][region].list_tags_for_resource(arn)}

    tagging.resource_tags = resource_tags

"""Gap: the resource types of CodePipeline and CodeDeploy are unknown.

They are created through the engine's own APIs, so that stacks and API calls see the same pipelines, applications and
deployment groups. They can be removed once ministack has them.
"""

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners, stacks

from local.bridges.resource_parameters import api, call

PIPELINE = "AWS::CodePipeline::Pipeline"
APPLICATION = "AWS::CodeDeploy::Application"
GROUP = "AWS::CodeDeploy::DeploymentGroup"

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, str]]


def install() -> None:
    """Register the resource types, and run them off the server's loop because they call the server."""
    handlers = provisioners._RESOURCE_HANDLERS
    handlers[PIPELINE] = {
        "create": _create_pipeline,
        "update": _update_pipeline,
        "update_with_logical_id": True,
        "delete": lambda physical_id, properties: api("codepipeline").delete_pipeline(name=physical_id),
    }
    handlers[APPLICATION] = {
        "create": _create_application,
        "update": lambda physical_id, old, new, stack: (physical_id, {}),
        "delete": lambda physical_id, properties: None,
    }
    handlers[GROUP] = {
        "create": _create_group,
        "update": lambda physical_id, old, new, stack: (physical_id, {}),
        "delete": lambda physical_id, properties: None,
    }
    on_worker = stacks._runs_on_worker_thread

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type in (PIPELINE, APPLICATION, GROUP) or bool(on_worker(resource_type))

    stacks._runs_on_worker_thread = runs_on_worker_thread


def _create_pipeline(logical_id: str, properties: Properties, stack: str) -> Created:
    name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=100)
    call(
        api("codepipeline"),
        "CreatePipeline",
        {"Pipeline": {**properties, "Name": name}, "Tags": properties.get("Tags")},
    )
    return name, _of_pipeline(name)


def _update_pipeline(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    if old.get("Name") != new.get("Name"):
        return _create_pipeline(logical_id, new, stack)
    call(api("codepipeline"), "UpdatePipeline", {"Pipeline": {**new, "Name": physical_id}})
    return physical_id, _of_pipeline(physical_id)


def _of_pipeline(name: str) -> dict[str, str]:
    version = api("codepipeline").get_pipeline(name=name)["pipeline"]["version"]
    return {"Version": str(version), "Arn": f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{name}"}


def _create_application(logical_id: str, properties: Properties, stack: str) -> Created:
    name = properties.get("ApplicationName") or provisioners._physical_name(stack, logical_id, max_len=100)
    call(api("codedeploy"), "CreateApplication", {"ComputePlatform": "Server", **properties, "ApplicationName": name})
    return name, {}


def _create_group(logical_id: str, properties: Properties, stack: str) -> Created:
    name = properties.get("DeploymentGroupName") or provisioners._physical_name(stack, logical_id, max_len=100)
    call(api("codedeploy"), "CreateDeploymentGroup", {**properties, "DeploymentGroupName": name})
    return name, {}

"""Gap: CodeDeploy's deployments never start, deployment groups can be neither changed nor deleted, and Auto Scaling
groups cannot get another launch template.

A blue/green deployment that copies an Auto Scaling group is simulated: each read of it advances it, so that nothing
depends on time. CodeDeploy makes ``CodeDeploy_<group>_<deployment>``, moves the targets, waits, names the copy in the
deployment group and deletes the group that was copied; an alarm in ALARM, a missing revision or StopDeployment ends it
and rolls it back as a deployment of its own
(https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-rollback-and-redeploy.html). No agent and no hook
runs. AWS does not document when the deployment group names the copy and what happens to a failed copy: here it does so
at the end, and the copy is left. Other deployments stay as moto has them. It can be removed once moto or ministack run
deployments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import autoscaling
from moto.codedeploy import responses
from moto.codedeploy.exceptions import CodeDeployException
from moto.codedeploy.models import CodeDeployBackend, DeploymentGroup, DeploymentInfo, codedeploy_backends
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from local.bridges.resource_parameters import api

ENDED = ("Succeeded", "Failed", "Stopped")
LAUNCH_TEMPLATE = ("LaunchTemplateId", "Version")


@dataclass
class _Played:
    """What is known of a simulated deployment, beside what moto knows."""

    blue: str
    green: str
    error: Mapping[str, str] = field(default_factory=dict)
    rollback: Mapping[str, str] = field(default_factory=dict)


def install() -> None:
    """Simulate deployments, and let Auto Scaling groups change their launch template."""
    play()
    update = autoscaling._update_asg

    def update_with_launch_template(given: Any) -> Any:
        answer = update(given)
        changed = {name: autoscaling._p(given, f"LaunchTemplate.{name}") for name in LAUNCH_TEMPLATE}
        group = autoscaling._asgs.get(autoscaling._p(given, "AutoScalingGroupName"))
        if group and all(changed.values()):
            # Another mapping: instances keep the one that they were launched with.
            group["LaunchTemplate"] = {**group["LaunchTemplate"], **changed}
        return answer

    autoscaling._ACTION_MAP["UpdateAutoScalingGroup"] = update_with_launch_template


def play() -> None:
    """Simulate the deployments of moto's CodeDeploy."""
    given: Any = CodeDeployBackend
    create, create_group = given.create_deployment, given.create_deployment_group

    def create_deployment(backend: CodeDeployBackend, *arguments: Any, **named: Any) -> str:
        active = [each for each in backend.deployments.values() if _group(each) and each.status not in ENDED]
        wanted = (named["application_name"], named["deployment_group_name"])
        for each in active:
            if (each.application_name, each.deployment_group_name) == wanted:
                message = f"The Deployment Group '{wanted[1]}' already has an active Deployment '{each.deployment_id}'"
                raise CodeDeployException("DeploymentLimitExceededException", message)
        deployment = backend.deployments.pop(create(backend, *arguments, **named))
        return _add(backend, deployment)

    def create_deployment_group(backend: CodeDeployBackend, *arguments: Any, **named: Any) -> str:
        _require_one(named)
        return str(create_group(backend, *arguments, **named))

    given.create_deployment, given.create_deployment_group = create_deployment, create_deployment_group
    handled: Any = responses.CodeDeployResponse
    handled.update_deployment_group, handled.delete_deployment_group = _update_group, _delete_group
    handled.stop_deployment = _stop_deployment
    _show(responses)


def _show(module: Any) -> None:
    """Make descriptions of deployments and their groups show the simulation."""
    of_deployment, of_group = module._deployment_info, module._deployment_group_info

    def deployment_info(deployment: DeploymentInfo) -> dict[str, Any]:
        _advance(deployment)
        played = getattr(deployment, "played", None)
        told = {"errorInformation": played.error, "rollbackInfo": played.rollback} if played else {}
        return {**of_deployment(deployment), **told}

    def group_info(group: DeploymentGroup) -> dict[str, Any]:
        found = [each for each in _backend(group).deployments.values() if each.deployment_group is group]
        ended = [each for each in found if each.status == "Succeeded"]
        told = {
            "lastAttemptedDeployment": _told(found[-1:]),
            "lastSuccessfulDeployment": _told(ended[-1:]),
            "autoScalingGroups": [{"name": name, "hook": f"hook-{name}"} for name in group.auto_scaling_groups],
            "alarmConfiguration": group.alarm_configuration or {},
        }
        return {**of_group(group), **told}

    module._deployment_info, module._deployment_group_info = deployment_info, group_info


def _told(deployments: list[DeploymentInfo]) -> dict[str, Any]:
    return {
        name: value
        for each in deployments
        for name, value in (
            ("deploymentId", each.deployment_id),
            ("status", each.status),
            ("createTime", each.create_time),
            ("endTime", each.complete_time),
        )
        if value is not None
    }


def _backend(group: DeploymentGroup) -> CodeDeployBackend:
    """The backend that has the group: moto's groups do not know it."""
    for regions in codedeploy_backends.values():
        for backend in regions.values():
            if group in backend.deployment_groups.get(group.application.application_name, {}).values():
                return backend
    raise LookupError(f"no backend has the deployment group {group.deployment_group_name}")


def _group(deployment: DeploymentInfo) -> DeploymentGroup | None:
    """The deployment group, if its deployments copy Auto Scaling groups."""
    group = deployment.deployment_group
    green = group.blue_green_deployment_configuration.get("greenFleetProvisioningOption", {})
    return group if green.get("action") == "COPY_AUTO_SCALING_GROUP" else None


def _add(backend: CodeDeployBackend, deployment: DeploymentInfo) -> str:
    """Store a deployment under an id as CodeDeploy makes them."""
    identifier = f"d-{deployment.deployment_id.replace('-', '')[:9].upper()}"
    deployment.deployment_id = identifier
    backend.deployments[identifier] = deployment
    return identifier


def _require_one(given: Mapping[str, Any]) -> None:
    green = (given.get("blue_green_deployment_configuration") or {}).get("greenFleetProvisioningOption", {})
    if green.get("action") == "COPY_AUTO_SCALING_GROUP" and len(given.get("auto_scaling_groups") or []) != 1:
        message = (
            "Exactly one AutoScaling group must be specified when selecting the COPY_AUTO_SCALING_GROUP green fleet "
            "provisioning option."
        )
        raise CodeDeployException("InvalidBlueGreenDeploymentConfigurationException", message)


def _update_group(response: Any) -> ActionResult:
    name, application = response._get_param("currentDeploymentGroupName"), response._get_param("applicationName")
    group = response.codedeploy_backend.get_deployment_group(application, name)
    for given, kept in CHANGEABLE.items():
        value = response._get_param(given)
        if value is not None:
            setattr(group, kept, value)
    return ActionResult({"hooksNotCleanedUp": []})


CHANGEABLE = {
    "autoScalingGroups": "auto_scaling_groups",
    "serviceRoleArn": "service_role_arn",
    "deploymentConfigName": "deployment_config_name",
    "deploymentStyle": "deployment_style",
    "loadBalancerInfo": "load_balancer_info",
    "blueGreenDeploymentConfiguration": "blue_green_deployment_configuration",
    "alarmConfiguration": "alarm_configuration",
    "autoRollbackConfiguration": "auto_rollback_configuration",
}
"""The parameters of UpdateDeploymentGroup that are kept, and as what."""


def _delete_group(response: Any) -> ActionResult:
    groups = response.codedeploy_backend.deployment_groups.get(response._get_param("applicationName"), {})
    groups.pop(response._get_param("deploymentGroupName"), None)
    return ActionResult({"hooksNotCleanedUp": []})


def _stop_deployment(response: Any) -> ActionResult | EmptyResult:
    deployment = response.codedeploy_backend.get_deployment(response._get_param("deploymentId"))
    if deployment.status in ENDED:
        raise CodeDeployException("DeploymentAlreadyCompletedException", "The deployment has already completed")
    roll_back = bool(response._get_param("autoRollbackEnabled"))
    _end(deployment, "Stopped", {"code": "MANUAL_STOP", "message": "A user stopped it."}, roll_back=roll_back)
    return ActionResult({"status": "Succeeded", "statusMessage": "The deployment was stopped."})


# -- a deployment ------------------------------------------------------------------------------------------------------


def _advance(deployment: DeploymentInfo) -> None:
    """Take the next step of a deployment."""
    group = _group(deployment)
    if group is None or deployment.status in ENDED:
        return
    if deployment.creator == "codeDeployRollback":
        _complete(deployment, "Succeeded")
        return
    for look in (_missing_revision, _active_alarms):
        error = look(deployment)
        if error:
            status = "Failed" if error["code"] == "REVISION_MISSING" else "Stopped"
            _end(deployment, status, error, roll_back=True)
            return
    STEPS[_reached(deployment)](deployment, group)


def _reached(deployment: DeploymentInfo) -> str:
    return "waiting" if deployment.instance_termination_wait_time_started else deployment.status


def _copy(deployment: DeploymentInfo, group: DeploymentGroup) -> None:
    """Create the green fleet like the blue one."""
    (blue,) = group.auto_scaling_groups
    played = _Played(blue, f"CodeDeploy_{group.deployment_group_name}_{deployment.deployment_id}")
    scaling = api("autoscaling")
    (copied,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[blue])["AutoScalingGroups"]
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=played.green,
        LaunchTemplate={name: copied["LaunchTemplate"][name] for name in LAUNCH_TEMPLATE},
        **{name: copied[name] for name in ("MinSize", "MaxSize", "DesiredCapacity", "VPCZoneIdentifier")},
    )
    deployment.played = played  # type: ignore[attr-defined]
    deployment.start_time, deployment.status = utcnow(), "InProgress"


def _move_traffic(deployment: DeploymentInfo, group: DeploymentGroup) -> None:
    """Let green serve, and blue wait for its end."""
    played: _Played = deployment.played  # type: ignore[attr-defined]
    _serve(group, played.green, instead_of=played.blue)
    deployment.instance_termination_wait_time_started = True


def _terminate(deployment: DeploymentInfo, group: DeploymentGroup) -> None:
    """Delete blue; green becomes the deployment group's."""
    played: _Played = deployment.played  # type: ignore[attr-defined]
    group.auto_scaling_groups = [played.green]
    api("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=played.blue, ForceDelete=True)
    _complete(deployment, "Succeeded")


STEPS: Mapping[str, Callable[[DeploymentInfo, DeploymentGroup], None]] = {
    "Created": _copy,
    "InProgress": _move_traffic,
    "waiting": _terminate,
}


def _complete(deployment: DeploymentInfo, status: str) -> None:
    deployment.status, deployment.complete_time = status, utcnow()


def _end(deployment: DeploymentInfo, status: str, error: Mapping[str, str], *, roll_back: bool) -> None:
    """End a failed deployment; blue serves again, green is left."""
    group = deployment.deployment_group
    played: _Played = getattr(deployment, "played", None) or _Played("", "")
    if deployment.instance_termination_wait_time_started:
        _serve(group, played.blue, instead_of=played.green)
    played.error = error
    _complete(deployment, status)
    deployment.played = played  # type: ignore[attr-defined]
    backend = _backend(group)
    good = [
        each
        for each in backend.deployments.values()
        if each.deployment_group is group and each.status == "Succeeded" and each.creator == "user"
    ]
    if not roll_back or not good:
        played.rollback = {"rollbackMessage": "There is no earlier revision to roll back to."} if roll_back else {}
        return
    again = DeploymentInfo(
        group.application,
        group,
        good[-1].revision,
        group.deployment_config_name,
        f"Rollback of {deployment.deployment_id}",
        ignore_application_stop_failures=None,
        targetInstances=None,
        auto_rollback_configuration=None,
        update_outdated_instances_only=None,
        file_exists_behavior=None,
        override_alarm_configuration=None,
        creator="codeDeployRollback",
    )
    again.status = "InProgress"
    played.rollback = {
        "rollbackDeploymentId": _add(backend, again),
        "rollbackMessage": f"Deployment {deployment.deployment_id} was rolled back.",
    }


def _missing_revision(deployment: DeploymentInfo) -> dict[str, str] | None:
    place = deployment.revision["s3Location"]
    try:
        api("s3").head_object(Bucket=place["bucket"], Key=place["key"])
    except ClientError:
        return {"code": "REVISION_MISSING", "message": f"There is no object {place['key']} in {place['bucket']}."}
    return None


def _active_alarms(deployment: DeploymentInfo) -> dict[str, str] | None:
    watched: Any = deployment.deployment_group.alarm_configuration or {}
    names = [each["name"] for each in watched.get("alarms", []) if watched.get("enabled")]
    found = api("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
    active = [each["AlarmName"] for each in found if each["StateValue"] == "ALARM"]
    if not active:
        return None
    return {"code": "ALARM_ACTIVE", "message": f"One or more alarms have been activated: <{', '.join(active)}>"}


def _serve(group: DeploymentGroup, name: str, *, instead_of: str) -> None:
    """Move the targets of the load balancer."""
    balancing, scaling = api("elbv2"), api("autoscaling")

    def targets(fleet: str) -> list[dict[str, str]]:
        found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[fleet])["AutoScalingGroups"]
        return [{"Id": each["InstanceId"]} for group in found for each in group["Instances"]]

    for each in group.load_balancer_info["targetGroupInfoList"]:
        (found,) = balancing.describe_target_groups(Names=[each["name"]])["TargetGroups"]
        place = found["TargetGroupArn"]
        balancing.register_targets(TargetGroupArn=place, Targets=targets(name))
        balancing.deregister_targets(TargetGroupArn=place, Targets=targets(instead_of))

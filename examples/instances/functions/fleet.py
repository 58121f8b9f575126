"""``Custom::Fleet``: instances that CodeDeploy deploys to blue/green, in whichever Auto Scaling group it has put them.

The stack owns the deployment group and the fleet that it names at the time, not an Auto Scaling group: with
COPY_AUTO_SCALING_GROUP CodeDeploy makes a new one for each deployment, ``CodeDeploy_<group>_<deployment>``, and deletes
the old one in the end (https://docs.aws.amazon.com/codedeploy/latest/userguide/integrations-aws-auto-scaling.html).
CloudFormation makes no deployment group of this kind
(https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2071).

Each call observes, takes the next step and returns; a state machine calls again until a response is sent. A call after
a crash therefore resumes where the last one ended. It depends only on AWS's current state: the revision of the last
successful deployment, the launch template of the instances, their health in the target group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError
from custom_resource import BOUNDED, NOT_YET, CustomResource, InvalidPropertiesError, Made, NotYet, text

PATIENCE = timedelta(minutes=50)
"""After this a deployment is stopped and rolled back: CloudFormation waits an hour for a response."""
SETTLING = timedelta(minutes=5)
"""How long correctly deployed instances may take until the load balancer finds them healthy."""
ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
PASSING = frozenset({"DeploymentLimitExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException"})
"""Codes of transient errors, besides every response of 500 and more."""


class DeploymentFailedError(Exception):
    """Raised for a deployment that did not succeed; with CodeDeploy's message, and whether it rolled back."""


class FleetError(Exception):
    """Raised if a deployment cannot begin from AWS's current state; a person has to check."""


@dataclass(frozen=True)
class Fleet:
    """The template's properties of a fleet."""

    group: str
    """The name of the deployment group, of the first Auto Scaling group, and the resource's id."""
    application: str
    service_role_arn: str
    launch_template_id: str
    launch_template_version: str
    subnet_ids: tuple[str, ...]
    target_group_arn: str
    alarm: str
    size: int
    wait_minutes: int
    """How long blue keeps running after the traffic has moved; until then an alarm moves it back."""
    bucket: str
    key: str
    """The revision, a zip with an appspec.yml."""

    @property
    def tag(self) -> dict[str, str]:
        """Identifies the first Auto Scaling group as the fleet's, and not another's of the same name."""
        return _tag(self.application, self.group)

    @property
    def target_group(self) -> str:
        """The target group's name: ``...:targetgroup/<name>/<id>``."""
        return self.target_group_arn.split("/")[1]

    @property
    def launch_template(self) -> dict[str, str]:
        """The launch template in Auto Scaling's form."""
        return {"LaunchTemplateId": self.launch_template_id, "Version": self.launch_template_version}

    @property
    def revision(self) -> dict[str, Any]:
        """The revision in CodeDeploy's form."""
        return {"revisionType": "S3", "s3Location": {"bucket": self.bucket, "key": self.key, "bundleType": "zip"}}

    @property
    def settings(self) -> dict[str, Any]:
        """The deployment group's settings for CodeDeploy, beside its names."""
        return {
            "serviceRoleArn": self.service_role_arn,
            "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "loadBalancerInfo": {"targetGroupInfoList": [{"name": self.target_group}]},
            "blueGreenDeploymentConfiguration": {
                "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
                "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE",
                    "terminationWaitTimeInMinutes": self.wait_minutes,
                },
            },
            "alarmConfiguration": {"enabled": True, "alarms": [{"name": self.alarm}]},
            "autoRollbackConfiguration": {
                "enabled": True,
                "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
            },
        }


def _tag(application: str, group: str) -> dict[str, str]:
    return {"Key": "fleet", "Value": f"{application}/{group}"}


def read(properties: Mapping[str, Any]) -> Fleet:
    """Read a fleet from the properties. Raises ``InvalidPropertiesError``."""
    subnets = properties.get("SubnetIds")
    if not isinstance(subnets, list) or not subnets:
        raise InvalidPropertiesError(f"SubnetIds: expected a list, found {subnets!r}")
    return Fleet(
        group=text(properties, "Name"),
        application=text(properties, "ApplicationName"),
        service_role_arn=text(properties, "ServiceRoleArn"),
        launch_template_id=text(properties, "LaunchTemplateId"),
        launch_template_version=text(properties, "LaunchTemplateVersion"),
        subnet_ids=tuple(subnets),
        target_group_arn=text(properties, "TargetGroupArn"),
        alarm=text(properties, "AlarmName"),
        size=_number(properties, "Size", range(1, 101)),
        wait_minutes=_number(properties, "WaitMinutes", range(31)),
        bucket=text(properties, "RevisionBucket"),
        key=text(properties, "RevisionKey"),
    )


def _number(properties: Mapping[str, Any], name: str, allowed: range) -> int:
    found = text(properties, name)
    if not found.isdecimal() or int(found) not in allowed:
        raise InvalidPropertiesError(f"{name}: expected {allowed.start} to {allowed.stop - 1}, found {found!r}")
    return int(found)


class Deployer:
    """Observes a fleet and takes the next step."""

    def __init__(self) -> None:
        self._codedeploy = boto3.client("codedeploy", config=BOUNDED)
        self._autoscaling = boto3.client("autoscaling", config=BOUNDED)
        self._balancing = boto3.client("elbv2", config=BOUNDED)

    def put(self, fleet: Fleet, request: str, age: timedelta) -> Made | NotYet:
        """Deploy the revision, unless it is already running. Raises ``DeploymentFailedError`` and ``FleetError``."""
        deployment = self._deployment(fleet, request, age)
        # After the deployment, which changes it.
        group = self._deployment_group(fleet.application, fleet.group)
        if deployment is None and age > PATIENCE:
            raise FleetError(f"{fleet.group}: no deployment could begin within {PATIENCE}")
        if group is None:
            return self._create(fleet)
        if deployment is None:
            return self._begin(fleet, group, request, age)
        if deployment["status"] == "Succeeded":
            self._current(fleet, group)
            return Made(fleet.group)
        if deployment["status"] in ENDED:
            return self._failed(deployment)
        if age > PATIENCE:
            self._stop(deployment, roll_back=True)
        return NOT_YET

    def delete(self, application: str, name: str) -> NotYet | None:
        """Stop what is in progress, and delete the deployment group and all its fleets."""
        group = self._deployment_group(application, name)
        last = (group or {}).get("lastAttemptedDeployment") or {}
        if last and last["status"] not in ENDED:
            self._stop(last, roll_back=False)
            return NOT_YET
        if group:
            self._codedeploy.delete_deployment_group(applicationName=application, deploymentGroupName=name)
        return NOT_YET if self._delete_fleets(self._fleets(application, name)) else None

    def _create(self, fleet: Fleet) -> NotYet:
        """Create the first fleet, which runs nothing; and, once its instances exist, the deployment group."""
        fleets = self._fleets(fleet.application, fleet.group)
        if not fleets:
            named = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[fleet.group])
            if named["AutoScalingGroups"]:
                raise FleetError(
                    f"an Auto Scaling group {fleet.group} exists that is not this fleet's: give the stack another name"
                )
            self._autoscaling.create_auto_scaling_group(
                AutoScalingGroupName=fleet.group,
                LaunchTemplate=fleet.launch_template,
                MinSize=fleet.size,
                MaxSize=fleet.size,
                DesiredCapacity=fleet.size,
                VPCZoneIdentifier=",".join(fleet.subnet_ids),
                TargetGroupARNs=[fleet.target_group_arn],
                Tags=[{**fleet.tag, "PropagateAtLaunch": False}],
            )
        elif list(fleets) != [fleet.group]:
            raise FleetError(f"the deployment group {fleet.group} is gone; {', '.join(fleets)} run without it")
        elif len(_in_service(fleets[fleet.group])) >= fleet.size:
            self._codedeploy.create_deployment_group(
                applicationName=fleet.application,
                deploymentGroupName=fleet.group,
                autoScalingGroups=[fleet.group],
                **fleet.settings,
            )
        return NOT_YET

    def _begin(self, fleet: Fleet, group: Mapping[str, Any], request: str, age: timedelta) -> Made | NotYet:
        """Update the fleet to be copied to the template, and deploy; or find that it is already running."""
        if (group.get("lastAttemptedDeployment") or {}).get("status", "Succeeded") not in ENDED:
            return NOT_YET  # another one is in progress, of Auto Scaling perhaps, and may roll back to blue
        name, current = self._current(fleet, group)
        self._update(fleet, name)
        serving = self._serving(fleet)
        if self._clear(fleet, name, serving):
            return NOT_YET
        launched = {each.get("LaunchTemplate", {}).get("Version") for each in current["Instances"]}
        if launched == {fleet.launch_template_version} and self._deployed(group) == (fleet.bucket, fleet.key):
            if len(_in_service(current) & serving) >= fleet.size:
                return Made(fleet.group)
            if age < SETTLING:
                return NOT_YET
        if len(_in_service(current)) >= fleet.size:
            self._codedeploy.create_deployment(
                applicationName=fleet.application,
                deploymentGroupName=fleet.group,
                revision=fleet.revision,
                description=request,
            )
        return NOT_YET

    def _update(self, fleet: Fleet, name: str) -> None:
        self._autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate=fleet.launch_template,
            MinSize=fleet.size,
            MaxSize=fleet.size,
            DesiredCapacity=fleet.size,
            VPCZoneIdentifier=",".join(fleet.subnet_ids),
        )
        self._codedeploy.update_deployment_group(
            applicationName=fleet.application,
            currentDeploymentGroupName=fleet.group,
            autoScalingGroups=[name],
            **fleet.settings,
        )

    def _clear(self, fleet: Fleet, name: str, serving: set[str]) -> bool:
        """Delete what failed deployments left beside the fleet; return whether there was anything."""
        others = {each: found for each, found in self._fleets(fleet.application, fleet.group).items() if each != name}
        if any(serving & _in_service(found) for found in others.values()):
            raise FleetError(f"{name} is what is deployed to, but {', '.join(others)} beside it still get traffic")
        return self._delete_fleets(others)

    def _deployed(self, group: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Bucket and key of the revision that was the last to succeed."""
        last = group.get("lastSuccessfulDeployment") or {}
        if not last:
            return None, None
        deployment = self._codedeploy.get_deployment(deploymentId=last["deploymentId"])["deploymentInfo"]
        location = deployment["revision"].get("s3Location", {})
        return location.get("bucket"), location.get("key")

    def _failed(self, deployment: Mapping[str, Any]) -> NotYet:
        """Say why, once CodeDeploy's own rollback has ended, if there is one."""
        rollback, how = (deployment.get("rollbackInfo") or {}).get("rollbackDeploymentId"), "not rolled back"
        if rollback:
            status = self._codedeploy.get_deployment(deploymentId=rollback)["deploymentInfo"]["status"]
            if status not in ENDED:
                return NOT_YET
            how = f"the rollback {rollback} {status}"
        why = deployment.get("errorInformation") or {}
        raise DeploymentFailedError(
            f"{deployment['deploymentId']} {deployment['status']}, {how}: {why.get('code')}: {why.get('message')}"
        )

    def _stop(self, deployment: Mapping[str, Any], *, roll_back: bool) -> None:
        with suppress(self._codedeploy.exceptions.DeploymentAlreadyCompletedException):
            self._codedeploy.stop_deployment(deploymentId=deployment["deploymentId"], autoRollbackEnabled=roll_back)

    def _current(self, fleet: Fleet, group: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The Auto Scaling group that the deployment group names."""
        names = [each["name"] for each in group["autoScalingGroups"]]
        fleets = self._fleets(fleet.application, fleet.group)
        if len(names) != 1 or names[0] not in fleets:
            there = ", ".join(fleets) or "none"
            raise FleetError(
                f"{fleet.group}: expected one Auto Scaling group that exists, found {names}; {there} exist"
            )
        return names[0], fleets[names[0]]

    def _deployment_group(self, application: str, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._codedeploy.get_deployment_group(
                applicationName=application, deploymentGroupName=name
            )["deploymentGroupInfo"]
        except (
            self._codedeploy.exceptions.DeploymentGroupDoesNotExistException,
            self._codedeploy.exceptions.ApplicationDoesNotExistException,
        ):
            return None
        return found

    def _deployment(self, fleet: Fleet, request: str, age: timedelta) -> Mapping[str, Any] | None:
        """The deployment that this request began; its description is the request's id."""
        pages = self._codedeploy.get_paginator("list_deployments").paginate(
            applicationName=fleet.application,
            deploymentGroupName=fleet.group,
            createTimeRange={"start": datetime.now(UTC) - age - timedelta(minutes=1)},
        )
        with suppress(self._codedeploy.exceptions.DeploymentGroupDoesNotExistException):
            for identifier in (each for page in pages for each in page["deployments"]):
                found: Mapping[str, Any] = self._codedeploy.get_deployment(deploymentId=identifier)["deploymentInfo"]
                if found.get("description") == request:
                    return found
        return None

    def _fleets(self, application: str, group: str) -> dict[str, Mapping[str, Any]]:
        """Every Auto Scaling group of the deployment group, by name: the first one, and CodeDeploy's copies.

        One of the same name without the tag belongs to someone else.
        """
        tag = _tag(application, group)
        pages = self._autoscaling.get_paginator("describe_auto_scaling_groups").paginate()
        found = [each for page in pages for each in page["AutoScalingGroups"]]
        copies = f"CodeDeploy_{group}_"
        return {
            each["AutoScalingGroupName"]: each
            for each in found
            if each["AutoScalingGroupName"].startswith(copies)
            or (each["AutoScalingGroupName"] == group and any(tag.items() <= one.items() for one in each["Tags"]))
        }

    def _delete_fleets(self, fleets: Mapping[str, Mapping[str, Any]]) -> bool:
        """Delete what is not being deleted already; return whether there was anything."""
        for name in (name for name, each in fleets.items() if not each.get("Status")):
            self._autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        return bool(fleets)

    def _serving(self, fleet: Fleet) -> set[str]:
        """The instances that the load balancer sends requests to."""
        found = self._balancing.describe_target_health(TargetGroupArn=fleet.target_group_arn)
        targets: Sequence[Mapping[str, Any]] = found["TargetHealthDescriptions"]
        return {each["Target"]["Id"] for each in targets if each["TargetHealth"]["State"] == "healthy"}


def _in_service(fleet: Mapping[str, Any]) -> set[str]:
    return {each["InstanceId"] for each in fleet["Instances"] if each["LifecycleState"] == "InService"}


def _put(properties: Mapping[str, Any], request: Mapping[str, Any]) -> Made | NotYet:
    fleet = read(properties)
    if fleet.group != request["PhysicalResourceId"]:
        raise InvalidPropertiesError(f"Name: expected {request['PhysicalResourceId']}, found {fleet.group}")
    age = datetime.now(UTC) - datetime.fromisoformat(request["Started"])
    try:
        return Deployer().put(fleet, request["RequestId"], age)
    except ClientError as error:
        return _passing(error)


def _delete(physical_id: str, properties: Mapping[str, Any]) -> NotYet | None:
    try:
        return Deployer().delete(text(properties, "ApplicationName"), physical_id)
    except ClientError as error:
        return _passing(error)


def _passing(error: ClientError) -> NotYet:
    """Retry after a transient fault of AWS's; any other is raised, and reported."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status < 500 and error.response["Error"]["Code"] not in PASSING:  # noqa: PLR2004 - what HTTP calls a server's fault
        raise error
    return NOT_YET


handler = CustomResource(_put, _delete)

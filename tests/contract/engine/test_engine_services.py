"""ECS services on the engine: deployments that take a moment, their scaling, and permissions, by simulation."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[[str], Any]
DIMENSION = "ecs:service:DesiredCount"
HELD = {"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True, "ScheduledScalingSuspended": True}


@pytest.fixture
def cluster(aws: Aws, unique: Callable[[str], str]) -> str:
    name = unique("orders")
    ecs = aws("ecs")
    ecs.create_cluster(clusterName=name)
    container = {"name": "api", "image": "api:1", "memory": 128}
    ecs.register_task_definition(family=name, containerDefinitions=[container])
    ecs.create_service(cluster=name, serviceName="api", taskDefinition=name, desiredCount=2)
    return name


def described(aws: Aws, cluster: str) -> dict[str, Any]:
    found: dict[str, Any] = aws("ecs").describe_services(cluster=cluster, services=["api"])["services"][0]
    return found


def scalable(aws: Aws, cluster: str, **more: Any) -> None:
    aws("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs", ResourceId=f"service/{cluster}/api", ScalableDimension=DIMENSION, **more
    )


def test_a_forced_deployment_replaces_the_one_before_after_a_moment(aws: Aws, cluster: str, until: Any) -> None:
    first = described(aws, cluster)["deployments"][0]

    answer = aws("ecs").update_service(cluster=cluster, service="api", forceNewDeployment=True)["service"]

    primary = next(each for each in answer["deployments"] if each["status"] == "PRIMARY")
    assert primary["id"] != first["id"]
    assert primary["createdAt"] >= first["createdAt"]
    assert primary["rolloutState"] == "IN_PROGRESS"
    done = until(lambda: described(aws, cluster), lambda seen: len(seen["deployments"]) == 1)
    assert (done["deployments"][0]["id"], done["deployments"][0]["rolloutState"]) == (primary["id"], "COMPLETED")
    assert (done["runningCount"], done["desiredCount"]) == (2, 2)


def test_a_service_without_tasks_and_back(aws: Aws, cluster: str, until: Any) -> None:
    for count in (0, 2):
        aws("ecs").update_service(cluster=cluster, service="api", desiredCount=count)
        until(lambda: described(aws, cluster)["runningCount"], lambda running, count=count: running == count)


def test_a_scalable_target_is_suspended_and_stays_within_its_bounds(aws: Aws, cluster: str) -> None:
    scalable(aws, cluster, MinCapacity=1, MaxCapacity=4)
    scalable(aws, cluster, SuspendedState=HELD)

    (target,) = aws("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[f"service/{cluster}/api"], ScalableDimension=DIMENSION
    )["ScalableTargets"]
    assert target["SuspendedState"] == HELD
    assert described(aws, cluster)["desiredCount"] == 2
    aws("ecs").update_service(cluster=cluster, service="api", desiredCount=0)
    assert described(aws, cluster)["desiredCount"] == 0
    scalable(aws, cluster, SuspendedState=dict.fromkeys(HELD, False))
    assert described(aws, cluster)["desiredCount"] == 1


def test_a_service_that_is_not_there_is_no_scalable_target(aws: Aws, unique: Callable[[str], str]) -> None:
    with pytest.raises(ClientError, match="doesn't exist"):
        scalable(aws, unique("none"), MinCapacity=1, MaxCapacity=4)


def test_a_role_is_simulated_with_the_conditions_of_its_policy(aws: Aws, unique: Callable[[str], str]) -> None:
    iam, name = aws("iam"), unique("role")
    arn = iam.create_role(RoleName=name, Path="/belay/", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    statement = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "arn:aws:iam::000000000000:role/belay/*",
        "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="pass", PolicyDocument=document)

    def decisions(service: str, resource: str = arn) -> dict[str, str]:
        context = {"ContextKeyName": "iam:PassedToService", "ContextKeyType": "string", "ContextKeyValues": [service]}
        results = iam.simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=["iam:PassRole", "ecs:UpdateService"],
            ResourceArns=[resource],
            ContextEntries=[context],
        )["EvaluationResults"]
        return {each["EvalActionName"]: each["EvalDecision"] for each in results}

    denied = "implicitDeny"
    assert decisions("cloudformation.amazonaws.com") == {"iam:PassRole": "allowed", "ecs:UpdateService": denied}
    assert decisions("ecs.amazonaws.com")["iam:PassRole"] == denied
    assert decisions("cloudformation.amazonaws.com", "arn:aws:iam::000000000000:role/other")["iam:PassRole"] == denied
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(PolicySourceArn=f"{arn}-not", ActionNames=["iam:PassRole"])

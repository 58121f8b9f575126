"""Which groups are attached to a stack's resources: each service's responses, page by page, and what is a fault."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.attached_groups import AttachedGroups
from belay.errors import AccessDenied
from belay.stack.resource import StackResource

Stubbed = Callable[[str], tuple[Any, Stubber]]
SERVICES = ("ec2", "rds", "ecs", "elasticache", "elbv2", "lambda")
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
SERVICE = "arn:aws:ecs:eu-west-1:123456789012:service/orders/web"


@pytest.fixture
def asked(stubbed: Stubbed) -> Callable[..., set[str]]:
    """``asked(service, type, id, *answers)``: the groups found with exactly these responses."""

    def ask(service: str, resource_type: str, physical_id: str, *answers: tuple[str, Any, Any]) -> set[str]:
        made = {name: stubbed(name) for name in SERVICES}
        for operation, answer, parameters in answers:
            if isinstance(answer, str):
                made[service][1].add_client_error(operation, answer, expected_params=parameters)
            else:
                made[service][1].add_response(operation, answer, parameters)
        clients = {{"lambda": "lambda_"}.get(name, name): client for name, (client, _) in made.items()}
        return AttachedGroups(**clients).of([StackResource("Path/Thing", resource_type, physical_id)])

    return ask


def filtered(name: str, value: str, **more: str) -> dict[str, Any]:
    return {"Filters": [{"Name": name, "Values": [value]}], **more}


def groups(*ids: str) -> list[dict[str, str]]:
    return [{"GroupId": each} for each in ids]


def reservation(*ids: str) -> dict[str, Any]:
    return {"Instances": [{"SecurityGroups": groups(ids[0]), "NetworkInterfaces": [{"Groups": groups(*ids)}]}]}


@pytest.mark.parametrize(
    ("resource_type", "filter_name"),
    [
        ("AWS::EC2::Instance", "instance-id"),
        ("AWS::AutoScaling::AutoScalingGroup", "tag:aws:autoscaling:groupName"),
        ("AWS::EC2::EC2Fleet", "tag:aws:ec2:fleet-id"),
        ("AWS::EC2::SpotFleet", "tag:aws:ec2spot:fleet-request-id"),
    ],
)
def test_instances_wear_the_groups_of_all_their_interfaces(
    asked: Callable[..., set[str]], resource_type: str, filter_name: str
) -> None:
    found = asked(
        "ec2",
        resource_type,
        "thing",
        (
            "describe_instances",
            {"Reservations": [reservation("sg-1", "sg-2")], "NextToken": "more"},
            filtered(filter_name, "thing"),
        ),
        (
            "describe_instances",
            {"Reservations": [reservation("sg-3")]},
            filtered(filter_name, "thing", NextToken="more"),
        ),
    )
    assert found == {"sg-1", "sg-2", "sg-3"}


ANSWERS: list[tuple[str, str, str, tuple[tuple[str, Any, Any], ...]]] = [
    (
        "ec2",
        "AWS::EC2::NetworkInterface",
        "eni-1",
        (
            (
                "describe_network_interfaces",
                {"NetworkInterfaces": [{"Groups": groups("sg-1")}], "NextToken": "more"},
                filtered("network-interface-id", "eni-1"),
            ),
            (
                "describe_network_interfaces",
                {"NetworkInterfaces": [{"Groups": groups("sg-2")}]},
                filtered("network-interface-id", "eni-1", NextToken="more"),
            ),
        ),
    ),
    (
        "ec2",
        "AWS::EC2::VPCEndpoint",
        "vpce-1",
        (
            (
                "describe_vpc_endpoints",
                {"VpcEndpoints": [{"Groups": groups("sg-1", "sg-2")}, {}]},
                filtered("vpc-endpoint-id", "vpce-1"),
            ),
        ),
    ),
    *[
        (
            "rds",
            resource_type,
            "orders",
            (
                (
                    "describe_db_instances",
                    {"DBInstances": [{"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}]}], "Marker": "more"},
                    filtered("db-instance-id", "orders"),
                ),
                (
                    "describe_db_instances",
                    {"DBInstances": [{"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}]}]},
                    filtered("db-instance-id", "orders", Marker="more"),
                ),
            ),
        )
        for resource_type in ("AWS::RDS::DBInstance", "AWS::DocDB::DBInstance", "AWS::Neptune::DBInstance")
    ],
    *[
        (
            "rds",
            resource_type,
            "orders",
            (
                (
                    "describe_db_clusters",
                    {"DBClusters": [{"VpcSecurityGroups": [{"VpcSecurityGroupId": g} for g in ("sg-1", "sg-2")]}]},
                    filtered("db-cluster-id", "orders"),
                ),
            ),
        )
        for resource_type in ("AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster")
    ],
    (
        "elasticache",
        "AWS::ElastiCache::ReplicationGroup",
        "cache",
        (
            (
                "describe_replication_groups",
                {"ReplicationGroups": [{"MemberClusters": ["cache-001", "cache-002"]}]},
                {"ReplicationGroupId": "cache"},
            ),
            (
                "describe_cache_clusters",
                {"CacheClusters": [{"SecurityGroups": [{"SecurityGroupId": "sg-1"}]}]},
                {"CacheClusterId": "cache-001"},
            ),
            (
                "describe_cache_clusters",
                {"CacheClusters": [{"SecurityGroups": [{"SecurityGroupId": "sg-2"}]}]},
                {"CacheClusterId": "cache-002"},
            ),
        ),
    ),
    (
        "elasticache",
        "AWS::ElastiCache::ServerlessCache",
        "cache",
        (
            (
                "describe_serverless_caches",
                {"ServerlessCaches": [{"SecurityGroupIds": ["sg-1", "sg-2"]}]},
                {"ServerlessCacheName": "cache"},
            ),
        ),
    ),
    (
        "ecs",
        "AWS::ECS::Service",
        SERVICE,
        (
            (
                "describe_services",
                {
                    "services": [
                        {
                            "networkConfiguration": {
                                "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}
                            },
                            "deployments": [
                                {
                                    "networkConfiguration": {
                                        "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-2"]}
                                    }
                                },
                                {},
                            ],
                        }
                    ]
                },
                {"cluster": "orders", "services": [SERVICE]},
            ),
        ),
    ),
    (
        "elbv2",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        BALANCER,
        (
            (
                "describe_load_balancers",
                {"LoadBalancers": [{"SecurityGroups": ["sg-1", "sg-2"]}]},
                {"LoadBalancerArns": [BALANCER]},
            ),
        ),
    ),
    (
        "lambda",
        "AWS::Lambda::Function",
        "worker",
        (
            (
                "get_function_configuration",
                {"VpcConfig": {"SecurityGroupIds": ["sg-1", "sg-2"]}},
                {"FunctionName": "worker"},
            ),
        ),
    ),
]


@pytest.mark.parametrize(
    ("service", "resource_type", "physical_id", "answers"), ANSWERS, ids=lambda each: str(each)[:40]
)
def test_each_service_is_asked_for_the_groups_of_its_resources(
    asked: Callable[..., set[str]], service: str, resource_type: str, physical_id: str, answers: Any
) -> None:
    assert asked(service, resource_type, physical_id, *answers) == {"sg-1", "sg-2"}


GONE = [
    ("elasticache", "AWS::ElastiCache::CacheCluster", "describe_cache_clusters", "CacheClusterNotFound"),
    ("elbv2", "AWS::ElasticLoadBalancingV2::LoadBalancer", "describe_load_balancers", "LoadBalancerNotFound"),
    ("lambda", "AWS::Lambda::Function", "get_function_configuration", "ResourceNotFoundException"),
]


@pytest.mark.parametrize(("service", "resource_type", "operation", "code"), GONE)
def test_a_resource_that_is_gone_wears_nothing(
    asked: Callable[..., set[str]], service: str, resource_type: str, operation: str, code: str
) -> None:
    assert asked(service, resource_type, "thing", (operation, code, None)) == set()


@pytest.mark.parametrize(("service", "resource_type", "operation", "code"), GONE)
def test_a_refusal_is_a_fault_and_no_pass(
    asked: Callable[..., set[str]], service: str, resource_type: str, operation: str, code: str
) -> None:
    with pytest.raises(AccessDenied):
        asked(service, resource_type, "thing", (operation, "AccessDenied", None))


def test_a_service_of_the_default_cluster_has_a_short_arn(asked: Callable[..., set[str]]) -> None:
    arn = "arn:aws:ecs:eu-west-1:123456789012:service/web"
    answer: tuple[str, Any, Any] = ("describe_services", {"services": []}, {"cluster": "default", "services": [arn]})
    assert asked("ecs", "AWS::ECS::Service", arn, answer) == set()


def test_other_types_are_asked_nothing(asked: Callable[..., set[str]]) -> None:
    assert asked("ec2", "AWS::S3::Bucket", "bucket") == set()

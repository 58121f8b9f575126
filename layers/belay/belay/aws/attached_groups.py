"""The security groups attached to a stack's resources, whether or not the stack created the groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from belay.aws.faults import translated
from belay.stack.resource import StackResource

_VALUES_A_FILTER = 100
_SERVICES_A_CALL = 10
_GONE = {
    "CacheClusterNotFound",
    "ClusterNotFoundException",
    "InvalidVpcEndpointId.NotFound",
    "LoadBalancerNotFound",
    "ReplicationGroupNotFoundFault",
    "ResourceNotFoundException",
    "ServerlessCacheNotFoundFault",
}
"""The services' error codes for a resource that no longer exists, which has no groups."""


class AttachedGroups:
    """Reads from EC2, RDS, ECS, ElastiCache, Elastic Load Balancing and Lambda, paginated, in one region."""

    def __init__(self, *, ec2: Any, rds: Any, ecs: Any, elasticache: Any, elbv2: Any, lambda_: Any) -> None:
        self._ec2 = ec2
        self._rds = rds
        self._ecs = ecs
        self._elasticache = elasticache
        self._elbv2 = elbv2
        self._lambda = lambda_

    def of(self, resources: Sequence[StackResource]) -> set[str]:
        """Return the ids of the groups on the network interfaces and databases of these resources.

        Other types are left out; ``policy.live.GROUPS_NOT_READ`` names those that have groups.
        """
        readers: Mapping[str, Callable[[Sequence[str]], Iterator[str]]] = {
            "AWS::AutoScaling::AutoScalingGroup": self._scaled_instances,
            "AWS::DocDB::DBCluster": self._database_clusters,
            "AWS::DocDB::DBInstance": self._database_instances,
            "AWS::EC2::EC2Fleet": self._fleet_instances,
            "AWS::EC2::Instance": self._instances,
            "AWS::EC2::NetworkInterface": self._network_interfaces,
            "AWS::EC2::SpotFleet": self._spot_instances,
            "AWS::EC2::VPCEndpoint": self._endpoints,
            "AWS::ECS::Service": self._services,
            "AWS::ElastiCache::CacheCluster": self._caches,
            "AWS::ElastiCache::ReplicationGroup": self._replication_groups,
            "AWS::ElastiCache::ServerlessCache": self._serverless_caches,
            "AWS::ElasticLoadBalancingV2::LoadBalancer": self._load_balancers,
            "AWS::Lambda::Function": self._functions,
            "AWS::Neptune::DBCluster": self._database_clusters,
            "AWS::Neptune::DBInstance": self._database_instances,
            "AWS::RDS::DBCluster": self._database_clusters,
            "AWS::RDS::DBInstance": self._database_instances,
        }
        found: set[str] = set()
        for resource_type, read in readers.items():
            ids = sorted({each.physical_id for each in resources if each.resource_type == resource_type})
            found.update(read(ids))
        return found

    # -- EC2 -----------------------------------------------------------------------------------------------------

    def _instances(self, ids: Sequence[str]) -> Iterator[str]:
        return self._instances_by("instance-id", ids)

    def _scaled_instances(self, ids: Sequence[str]) -> Iterator[str]:
        return self._instances_by("tag:aws:autoscaling:groupName", ids)

    def _fleet_instances(self, ids: Sequence[str]) -> Iterator[str]:
        return self._instances_by("tag:aws:ec2:fleet-id", ids)

    def _spot_instances(self, ids: Sequence[str]) -> Iterator[str]:
        return self._instances_by("tag:aws:ec2spot:fleet-request-id", ids)

    def _instances_by(self, name: str, values: Sequence[str]) -> Iterator[str]:
        for chunk in _chunks(values, _VALUES_A_FILTER):
            with translated("EC2.DescribeInstances"):
                pages = self._ec2.get_paginator("describe_instances").paginate(
                    Filters=[{"Name": name, "Values": chunk}]
                )
                for page in pages:
                    for instance in [each for reservation in page["Reservations"] for each in reservation["Instances"]]:
                        yield from _group_ids(instance.get("SecurityGroups", ()))
                        for interface in instance.get("NetworkInterfaces", ()):
                            yield from _group_ids(interface["Groups"])

    def _network_interfaces(self, ids: Sequence[str]) -> Iterator[str]:
        for chunk in _chunks(ids, _VALUES_A_FILTER):
            with translated("EC2.DescribeNetworkInterfaces"):
                pages = self._ec2.get_paginator("describe_network_interfaces").paginate(
                    Filters=[{"Name": "network-interface-id", "Values": chunk}]
                )
                for page in pages:
                    for interface in page["NetworkInterfaces"]:
                        yield from _group_ids(interface["Groups"])

    def _endpoints(self, ids: Sequence[str]) -> Iterator[str]:
        for chunk in _chunks(ids, _VALUES_A_FILTER):
            with translated("EC2.DescribeVpcEndpoints"):
                pages = self._ec2.get_paginator("describe_vpc_endpoints").paginate(
                    Filters=[{"Name": "vpc-endpoint-id", "Values": chunk}]
                )
                for page in pages:
                    for endpoint in page["VpcEndpoints"]:
                        yield from _group_ids(endpoint.get("Groups", ()))

    # -- databases -----------------------------------------------------------------------------------------------

    def _database_instances(self, ids: Sequence[str]) -> Iterator[str]:
        for chunk in _chunks(ids, _VALUES_A_FILTER):
            with translated("RDS.DescribeDBInstances"):
                pages = self._rds.get_paginator("describe_db_instances").paginate(
                    Filters=[{"Name": "db-instance-id", "Values": chunk}]
                )
                for page in pages:
                    for database in page["DBInstances"]:
                        yield from (group["VpcSecurityGroupId"] for group in database.get("VpcSecurityGroups", ()))

    def _database_clusters(self, ids: Sequence[str]) -> Iterator[str]:
        for chunk in _chunks(ids, _VALUES_A_FILTER):
            with translated("RDS.DescribeDBClusters"):
                pages = self._rds.get_paginator("describe_db_clusters").paginate(
                    Filters=[{"Name": "db-cluster-id", "Values": chunk}]
                )
                for page in pages:
                    for cluster in page["DBClusters"]:
                        yield from (group["VpcSecurityGroupId"] for group in cluster.get("VpcSecurityGroups", ()))

    def _caches(self, ids: Sequence[str]) -> Iterator[str]:
        for cache in ids:
            with translated("ElastiCache.DescribeCacheClusters", ignoring=_GONE):
                pages = self._elasticache.get_paginator("describe_cache_clusters").paginate(CacheClusterId=cache)
                for cluster in [each for page in pages for each in page["CacheClusters"]]:
                    yield from (group["SecurityGroupId"] for group in cluster.get("SecurityGroups", ()))

    def _replication_groups(self, ids: Sequence[str]) -> Iterator[str]:
        for each in ids:
            members: list[str] = []
            with translated("ElastiCache.DescribeReplicationGroups", ignoring=_GONE):
                pages = self._elasticache.get_paginator("describe_replication_groups").paginate(ReplicationGroupId=each)
                members += [m for page in pages for group in page["ReplicationGroups"] for m in group["MemberClusters"]]
            yield from self._caches(members)

    def _serverless_caches(self, ids: Sequence[str]) -> Iterator[str]:
        for each in ids:
            with translated("ElastiCache.DescribeServerlessCaches", ignoring=_GONE):
                pages = self._elasticache.get_paginator("describe_serverless_caches").paginate(ServerlessCacheName=each)
                for page in pages:
                    for cache in page["ServerlessCaches"]:
                        yield from cache.get("SecurityGroupIds", ())

    # -- services and functions ----------------------------------------------------------------------------------

    def _services(self, arns: Sequence[str]) -> Iterator[str]:
        """Yield the services' groups and those of their deployments and task sets.

        A service's ARN ends in ``service/<cluster>/<service>``, an old one in ``service/<service>``
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html).
        """
        by_cluster: dict[str, list[str]] = {}
        for arn in arns:
            _, *between, _ = arn.split("/")
            by_cluster.setdefault("".join(between) or "default", []).append(arn)
        for cluster, services in by_cluster.items():
            for chunk in _chunks(services, _SERVICES_A_CALL):
                with translated("ECS.DescribeServices", ignoring=_GONE):
                    answer = self._ecs.describe_services(cluster=cluster, services=chunk)
                    for service in answer["services"]:
                        for each in (service, *service.get("deployments", ()), *service.get("taskSets", ())):
                            network = each.get("networkConfiguration") or {}
                            yield from network.get("awsvpcConfiguration", {}).get("securityGroups", ())

    def _load_balancers(self, arns: Sequence[str]) -> Iterator[str]:
        for arn in arns:
            with translated("ElasticLoadBalancing.DescribeLoadBalancers", ignoring=_GONE):
                pages = self._elbv2.get_paginator("describe_load_balancers").paginate(LoadBalancerArns=[arn])
                for page in pages:
                    for balancer in page["LoadBalancers"]:
                        yield from balancer.get("SecurityGroups", ())

    def _functions(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            with translated("Lambda.GetFunctionConfiguration", ignoring=_GONE):
                answer = self._lambda.get_function_configuration(FunctionName=name)
                yield from (answer.get("VpcConfig") or {}).get("SecurityGroupIds", ())


def _chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def _group_ids(groups: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield from (group["GroupId"] for group in groups)

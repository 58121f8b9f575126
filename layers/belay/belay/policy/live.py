"""Checks a stage as it is deployed: its groups' rules, and rules that no template declares.

Templates and EC2's responses are read into the same model; a live rule that the templates do not declare was added
manually, by a custom resource or by another service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from belay.policy.applied import checked
from belay.policy.exposure import egress_side_by_side
from belay.policy.from_live import live_groups
from belay.policy.gate import check_groups
from belay.policy.model import GroupRule, SecurityGroup
from belay.policy.rules import live_stage
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.stack.resource import StackResource

GROUP = "AWS::EC2::SecurityGroup"

GROUPS_NOT_READ = frozenset(
    {
        *("AWS::AmazonMQ::Broker", "AWS::AppRunner::VpcConnector", "AWS::Batch::ComputeEnvironment"),
        *("AWS::CodeBuild::Project", "AWS::DAX::Cluster", "AWS::DMS::ReplicationInstance"),
        *("AWS::EFS::MountTarget", "AWS::EKS::Cluster", "AWS::EKS::Nodegroup", "AWS::EMR::Cluster"),
        *("AWS::ElasticBeanstalk::Environment", "AWS::ElasticLoadBalancing::LoadBalancer"),
        *("AWS::Elasticsearch::Domain", "AWS::FSx::FileSystem", "AWS::Glue::Connection", "AWS::MSK::Cluster"),
        *("AWS::MSK::ServerlessCluster", "AWS::MWAA::Environment", "AWS::MemoryDB::Cluster"),
        *("AWS::OpenSearchService::Domain", "AWS::Redshift::Cluster", "AWS::RedshiftServerless::Workgroup"),
        *("AWS::SageMaker::Domain", "AWS::SageMaker::NotebookInstance", "AWS::Synthetics::Canary"),
        *("AWS::Transfer::Server", "AWS::WorkSpaces::Workspace"),
    }
)
"""Types that have security groups (by their reference's properties) which no gateway reads."""


@dataclass(frozen=True)
class LiveStack:
    """A stack's resources, and the groups that its template declares; None if the template is not available."""

    resources: tuple[StackResource, ...]
    declared: tuple[SecurityGroup, ...] | None

    @property
    def group_ids(self) -> dict[str, str]:
        """The ids of the stack's own security groups, by logical path."""
        return {each.path: each.physical_id for each in self.resources if each.resource_type == GROUP}


@dataclass(frozen=True)
class OwnedGroup:
    """A live group that a stack created, and the rules that the release's templates declare for it.

    ``shown`` also has the rules whose group is unknown. ``ids`` are the ids of the stack's groups by logical path.
    ``default_egress`` is true if the template may leave the group with EC2's default egress rule.
    """

    group: SecurityGroup
    shown: tuple[GroupRule, ...]
    ids: Mapping[str, str]
    default_egress: bool


@dataclass(frozen=True)
class LiveStage:
    """What the policies in ``rules/live_stage/`` check."""

    path: str
    groups: tuple[OwnedGroup, ...]
    resources: tuple[StackResource, ...]


def check_live(
    stacks: Sequence[LiveStack],
    groups: Sequence[Mapping[str, Any]],
    prefix_lists: Mapping[str, Sequence[str]],
    settings: PolicySettings,
    today: date,
    *,
    path: str,
) -> Report:
    """Check a deployed stage.

    ``groups`` are the ``SecurityGroups`` of DescribeSecurityGroups, those of the stacks and those attached to their
    resources; ``prefix_lists`` are the blocks of each prefix list they name; ``path`` names the stage in findings.
    """
    stage = LiveStage(
        path,
        owned_groups(stacks, list(live_groups(groups, prefix_lists, path))),
        tuple(resource for stack in stacks for resource in stack.resources),
    )
    drift = checked(live_stage, stage, settings, today, path)
    return check_groups(groups, prefix_lists, settings, today, path=path).merged(drift)


def owned_groups(stacks: Sequence[LiveStack], live: Sequence[SecurityGroup]) -> tuple[OwnedGroup, ...]:
    """Return the live groups that a stack created, each with the rules that may belong to it in the templates."""
    by_id = {group.place.resource: group for group in live}
    anywhere = [
        rule
        for stack in stacks
        for group in stack.declared or ()
        if group.place.resource not in stack.group_ids
        for rule in group.rules("ingress", "egress")
    ]
    owned = []
    for stack in stacks:
        if stack.declared is None:
            continue
        for logical, group_id in stack.group_ids.items():
            declared = [group for group in stack.declared if group.place.resource == logical]
            shown = [rule for group in declared for rule in group.rules("ingress", "egress")]
            default = any(not rules for group in declared for rules in egress_side_by_side(group))
            if group_id in by_id:
                owned.append(OwnedGroup(by_id[group_id], (*shown, *anywhere), stack.group_ids, default))
    return tuple(owned)

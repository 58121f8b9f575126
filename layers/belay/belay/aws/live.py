"""A deployed stage as it stands: the resources of its stacks, nested ones included, and every group that opens them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from belay.aws.attached_groups import AttachedGroups
from belay.aws.clients import client
from belay.aws.cloudformation import Stacks
from belay.aws.ec2 import SecurityGroups
from belay.aws.s3 import ArtifactBucket, ReleaseFiles
from belay.policy.declared import declared_groups
from belay.policy.live import LiveStack, check_live
from belay.policy.settings import Settings as PolicySettings
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.ledger import ReleaseReference
from belay.release.registration import Stage
from belay.stack.resource import resources_of


@dataclass(frozen=True)
class LiveStages:
    """Validates stages of the account and region that its gateways talk to."""

    stacks: Stacks
    security_groups: SecurityGroups
    attached_groups: AttachedGroups
    artifacts: ArtifactBucket

    @classmethod
    def here(cls, artifacts: ArtifactBucket) -> "LiveStages":
        """Return one for the region that the function runs in."""
        ec2 = client("ec2")
        attached_groups = AttachedGroups(
            ec2=ec2,
            rds=client("rds"),
            ecs=client("ecs"),
            elasticache=client("elasticache"),
            elbv2=client("elbv2"),
            lambda_=client("lambda"),
        )
        return cls(Stacks(client("cloudformation")), SecurityGroups(ec2), attached_groups, artifacts)

    def validate(
        self,
        release: ReleaseReference,
        accepted: AcceptedRelease,
        stage: Stage,
        standing: Mapping[str, str],
        today: date,
    ) -> Report:
        """Hold a stage, as its release left it and whoever changed it since, against the policies.

        ``standing`` are the ids or names of the stacks that stand, by the release's name of them; ``stage`` is as it is
        registered now. Whatever AWS refuses to tell is a fault, never a verdict.
        """
        settings = PolicySettings.from_registration(stage.policies, stage.trusted_networks)
        return self._check(self._live_stacks(release, accepted, stage.name, standing), settings, today, stage.name)

    def validate_stacks(self, standing: Sequence[str], settings: PolicySettings, today: date, path: str) -> Report:
        """Hold stacks against the policies that no release of ours deployed: whether they drifted is not asked."""
        stacks = [
            LiveStack(resources_of(stack_id, self.stacks.resources_by_stack(stack_id)), None) for stack_id in standing
        ]
        return self._check(stacks, settings, today, path)

    def _check(self, stacks: Sequence[LiveStack], settings: PolicySettings, today: date, path: str) -> Report:
        groups = self.security_groups.describe(self._group_ids(stacks))
        prefix_lists = self.security_groups.prefix_lists(groups)
        return check_live(stacks, groups, prefix_lists, settings, today, path=path)

    def _group_ids(self, stacks: Sequence[LiveStack]) -> list[str]:
        resources = [resource for stack in stacks for resource in stack.resources]
        owned = {group_id for stack in stacks for group_id in stack.group_ids.values()}
        return sorted(owned | self.attached_groups.of(resources))

    def _live_stacks(
        self, release: ReleaseReference, accepted: AcceptedRelease, stage: str, standing: Mapping[str, str]
    ) -> list[LiveStack]:
        files = ReleaseFiles(self.artifacts, release.prefix, accepted.manifest.digests)
        found = []
        for stack in accepted.manifest.stacks:
            stack_id = standing[stack.name]
            parameters = accepted.parameters(stage, stack, release.attempt, self.artifacts.name, release.prefix)
            declared, _ = declared_groups(files, stack.template, parameters)
            summaries: Mapping[str, list[dict[str, Any]]] = self.stacks.resources_by_stack(stack_id)
            found.append(LiveStack(resources_of(stack_id, summaries), tuple(declared)))
        return found

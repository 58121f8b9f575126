"""A deployed stage as it is now: the resources of its stacks, nested ones too, and every security group on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from belay.aws.attached_groups import AttachedGroups
from belay.aws.cloudformation import Stacks
from belay.aws.ec2 import SecurityGroups
from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket, ReleaseFiles
from belay.control.table_values import with_known
from belay.policy.declared import declared_groups
from belay.policy.live import LiveStack, check_live
from belay.policy.model import SecurityGroup
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.records import ReleaseReference
from belay.release.registration import Stage
from belay.stack.resource import resources_of
from belay.stack.stack_id import name_of_stack
from belay.stack.status import StackStatus

Declared: TypeAlias = tuple[SecurityGroup, ...]


@dataclass(frozen=True)
class LiveRegion:
    """What is deployed in one region of the account; all reads are paginated."""

    name: str
    stacks: Stacks
    security_groups: SecurityGroups
    attached_groups: AttachedGroups

    def status(self, stack: str) -> StackStatus | None:
        """Return a stack's status; None if it does not exist."""
        described = self.stacks.describe_stack(stack)
        return StackStatus(described["StackStatus"]) if described else None

    def check(self, stacks: Mapping[str, Declared | None], settings: PolicySettings, today: date, path: str) -> Report:
        """Check the groups of stacks, and those on their resources, against the policies.

        ``stacks`` maps a stack's id or name to the groups that its template declares, None if unknown. A denied read is
        a fault.
        """
        live = [
            LiveStack(resources_of(stack, self.stacks.resources_by_stack(stack)), declared)
            for stack, declared in stacks.items()
        ]
        groups = self.security_groups.describe(self._group_ids(live))
        prefix_lists = self.security_groups.prefix_lists(groups)
        return check_live(live, groups, prefix_lists, settings, today, path=path)

    def _group_ids(self, stacks: Sequence[LiveStack]) -> list[str]:
        resources = [resource for stack in stacks for resource in stack.resources]
        owned = {group_id for stack in stacks for group_id in stack.group_ids.values()}
        return sorted(owned | self.attached_groups.of(resources))


@dataclass(frozen=True)
class LiveStages:
    """Validates stages of an account, in their own region and in the further ones that they register."""

    home: LiveRegion
    artifacts: ArtifactBucket
    elsewhere: Callable[[str], LiveRegion]

    def regions(self, others: Sequence[str]) -> list[LiveRegion]:
        """Return the stages' own region and the others, each once."""
        return [self.home, *[self.elsewhere(name) for name in others if name != self.home.name]]

    def validate(
        self,
        release: ReleaseReference,
        accepted: AcceptedRelease,
        stage: Stage,
        standing: Mapping[str, str],
        today: date,
    ) -> Report:
        """Check a stage as it is now, whoever changed it last, against the policies, in all its regions.

        ``standing`` maps the release's stack names to the ids or names of existing stacks; ``stage`` is the current
        registration. A denied read, or a stack missing in one of the regions, is a fault, never a verdict.
        """
        declared = self._declared(release, accepted, stage.name)
        reports = [self._validated(region, stage, declared, standing, today) for region in self.regions(stage.regions)]
        return Report().merged(*reports)

    def statuses(self, names: Sequence[str], regions: Sequence[str]) -> dict[str, StackStatus | None]:
        """Return the status of stacks in every region, by name and region; None if it does not exist."""
        return {
            in_region(name, region, regions): region.status(name) for region in self.regions(regions) for name in names
        }

    def validate_stacks(
        self, names: Sequence[str], regions: Sequence[str], settings: PolicySettings, today: date
    ) -> Report:
        """Check stacks that no release of ours deployed against the policies, without drift detection."""
        path = ", ".join(names)
        reports = [
            region.check(dict.fromkeys(names), settings, today, in_region(path, region, regions))
            for region in self.regions(regions)
        ]
        return Report().merged(*reports)

    def _validated(
        self,
        region: LiveRegion,
        stage: Stage,
        declared: Mapping[str, Declared],
        standing: Mapping[str, str],
        today: date,
    ) -> Report:
        settings = PolicySettings.from_registration(stage.policies, stage.trusted_networks)
        stacks = {
            standing[name] if region is self.home else name_of_stack(standing[name]): groups
            for name, groups in declared.items()
        }
        return region.check(stacks, settings, today, in_region(stage.name, region, stage.regions))

    def _declared(self, release: ReleaseReference, accepted: AcceptedRelease, stage: str) -> dict[str, Declared]:
        files = ReleaseFiles(self.artifacts, release.prefix, accepted.manifest.digests)
        accepted = with_known(accepted, release, stage, self.artifacts)
        found = {}
        for stack in accepted.manifest.stacks:
            parameters = accepted.parameters(stage, stack, release.attempt, self.artifacts.name, release.prefix)
            groups, _ = declared_groups(files, stack.template, parameters)
            found[stack.name] = tuple(groups)
        return found


def live_stages(there: Aws, artifacts: ArtifactBucket) -> LiveStages:
    """Return the validator of an account's stages, seen from one of its regions."""
    return LiveStages(live_region(there), artifacts, lambda name: live_region(there.in_region(name)))


def live_region(there: Aws) -> LiveRegion:
    """Return one region's gateways."""
    return LiveRegion(there.region, there.stacks, there.security_groups, there.attached_groups)


def in_region(path: str, region: LiveRegion, others: Sequence[str]) -> str:
    """Name what was checked in findings, with its region if there are several."""
    return f"{path} in {region.name}" if others else path

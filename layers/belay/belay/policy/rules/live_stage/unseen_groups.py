"""Resources whose security groups Belay does not read, so that groups from outside the stage may be attached."""

from collections.abc import Iterator

from belay.policy.live import GROUPS_NOT_READ, LiveStage
from belay.policy.model import Location
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A resource has security groups that Belay does not read",
    severity=Severity.LOW,
    why="A group that the stage does not own may open it to anyone, unchecked.",
    fix="Use groups of the resource's own stack, which are always checked, or check its groups manually.",
    source="docs/policies-live.md",
)


def check(stage: LiveStage, settings: PolicySettings) -> Iterator[Violation]:
    """Report every resource of a type whose security groups are not read."""
    for resource in stage.resources:
        if resource.resource_type in GROUPS_NOT_READ:
            place = Location(stage.path, resource.path, "", 0, 0)
            detail = f"{resource.resource_type} {resource.physical_id}"
            yield Violation(Verdict.REVIEW, place, detail)

"""Resources whose security groups are not read, so that groups from outside the stage may hang on them."""

from __future__ import annotations

from collections.abc import Iterator

from belay.policy.live import GROUPS_NOT_READ, LiveStage
from belay.policy.model import Location
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A resource wears security groups that are not read",
    severity=Severity.LOW,
    why="A group that the stage does not own may open it, and nobody looked.",
    fix="Give the resource groups of its own stack, which are always looked at, or look at its groups by hand.",
    source="docs/policies-live.md",
)


def check(stage: LiveStage, settings: PolicySettings) -> Iterator[Violation]:
    """Name every resource of a type that takes groups and is not asked which."""
    for resource in stage.resources:
        if resource.resource_type in GROUPS_NOT_READ:
            place = Location(stage.path, resource.path, "", 0, 0)
            detail = f"{resource.resource_type} {resource.physical_id}"
            yield Violation(Verdict.REVIEW, place, detail)

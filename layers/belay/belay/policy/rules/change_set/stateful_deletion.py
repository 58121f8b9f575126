"""Resources with data that are deleted without keeping the data."""

from collections.abc import Iterator

from belay.policy.change_sets import PlannedStack
from belay.policy.model import Location
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A deletion loses data that is still needed",
    severity=Severity.HIGH,
    why="The resource's data is lost once the change set has been executed, and no rollback restores it.",
    fix="Keep it by DeletionPolicy Retain or Snapshot, have the release approved, or let the operator waive it.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
)


def check(stack: PlannedStack, settings: PolicySettings) -> Iterator[Violation]:
    """Look for removals of stateful resources that no policy keeps: only a person knows whether that is intended.
    The same applies to a nested stack that is deleted without the change set listing its resources.
    """
    for path, change in stack.change_set.all_changes():
        if change.loses_data and change.action == "Remove":
            place = Location(stack.path, path, "DeletionPolicy", 0, 0)
            yield Violation(Verdict.REVIEW, place, f"{change.resource_type} {change.physical_id or path} is deleted")
    for path, stack_id in stack.change_set.removed_stacks:
        place = Location(stack.path, path, "DeletionPolicy", 0, 0)
        unknown = "the change set does not tell what it holds"
        yield Violation(Verdict.REVIEW, place, f"the nested stack {stack_id} is deleted, and {unknown}")

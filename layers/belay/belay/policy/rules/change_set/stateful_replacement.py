"""Resources with data that are replaced by empty ones without keeping the data."""

from collections.abc import Iterator

from belay.policy.change_sets import PlannedStack
from belay.policy.model import Location
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A replacement loses data that is still needed",
    severity=Severity.HIGH,
    why="The new resource is empty, and the old one is deleted with its data.",
    fix="Leave the property that forces it, keep the old one by UpdateReplacePolicy Retain or Snapshot, have the "
    "release approved, or let the operator waive it.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html",
)


def check(stack: PlannedStack, settings: PolicySettings) -> Iterator[Violation]:
    """Look for stateful resources that are or may be replaced and that no policy keeps. A nested stack that changes
    without the change set listing what changes in it may hold some.
    """
    for path, change in stack.change_set.all_changes():
        if not change.loses_data or change.action == "Remove":
            continue
        forcing = sorted(
            {each.name or each.attribute for each in change.details if each.requires_recreation != "Never"}
        )
        verb = "is replaced" if change.replacement == "True" else "may be replaced"
        because = f" for {', '.join(forcing)}" if forcing else ""
        place = Location(stack.path, path, "UpdateReplacePolicy", 0, 0)
        yield Violation(Verdict.REVIEW, place, f"{change.resource_type} {change.physical_id or path} {verb}{because}")
    for path in stack.change_set.unread:
        place = Location(stack.path, path, "TemplateURL", 0, 0)
        yield Violation(Verdict.REVIEW, place, "the change set does not tell what changes in this nested stack")

"""Groups without egress rules, so that EC2 allows all outbound traffic."""

from collections.abc import Iterator

from belay.policy.exposure import MANY, egress_side_by_side
from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A group has no egress rules, so that EC2 allows all traffic out",
    severity=Severity.LOW,
    why="An intruder can send data anywhere, and nobody decided to allow that.",
    fix="List the peers and ports that the service calls in SecurityGroupEgress; 127.0.0.1/32 allows none.",
    source="cfn_nag F1000; AWS Guard Rules Registry security_group_missing_egress",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Look for a combination of conditions in which the group has no egress rule."""
    if not group.declared:
        return
    reasons = []
    for rules in egress_side_by_side(group):
        if rules is None:
            reasons.append(MANY)
        elif not rules:
            yield Violation(Verdict.FAIL, group.place, "SecurityGroupEgress is missing or empty")
            return
        else:
            reasons += [rule.reason for rule in rules if rule.described is None]
    if reasons:
        yield Violation(Verdict.REVIEW, group.place, reasons[0])

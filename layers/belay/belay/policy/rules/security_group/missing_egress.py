"""Groups that say nothing about outgoing traffic, so that EC2 lets all of it out."""

from __future__ import annotations

from collections.abc import Iterator

from belay.policy.exposure import combinations
from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import Settings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A group has no egress rules, so that EC2 allows all traffic out",
    severity=Severity.LOW,
    why="Whoever gets in can send data anywhere, and nobody decided that.",
    fix="List the peers and ports that the service calls in SecurityGroupEgress; 127.0.0.1/32 allows none.",
    source="cfn_nag F1000; AWS Guard Rules Registry security_group_missing_egress",
)


def check(group: SecurityGroup, settings: Settings) -> Iterator[Violation]:
    """Look for a course of things in which the group has no egress rule."""
    if not group.declared:
        return
    opaque = None
    for sides in combinations(group.egress):
        rules = [rule for rule, _ in sides]
        if not rules:
            yield Violation(Verdict.FAIL, group.place, "SecurityGroupEgress is missing or empty")
            return
        opaque = opaque or next((rule for rule in rules if rule.described is None), None)
    if opaque:
        yield Violation(Verdict.REVIEW, group.place, opaque.reason)

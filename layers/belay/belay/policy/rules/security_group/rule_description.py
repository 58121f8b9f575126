"""Rules without a description."""

from collections.abc import Iterator

from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A rule has no description",
    severity=Severity.LOW,
    why="Nobody dares to remove a rule whose purpose is unknown.",
    fix="Add a Description that says who needs the rule and why.",
    source="Checkov CKV_AWS_23; cfn_nag W36",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check each rule in both directions."""
    for rule in group.rules("ingress", "egress"):
        if rule.described is None:
            yield Violation(Verdict.REVIEW, rule.place, rule.reason)
        elif not rule.described:
            yield Violation(Verdict.FAIL, rule.place, rule.shown)

"""Rules that do not say what they are for."""

from __future__ import annotations

from collections.abc import Iterator

from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A rule has no description",
    severity=Severity.LOW,
    why="Nobody dares to remove a rule of which nobody knows the reason.",
    fix="Add a Description that says who needs the rule and what for.",
    source="Checkov CKV_AWS_23; cfn_nag W36",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Look at each rule of both directions."""
    for rule in group.rules("ingress", "egress"):
        if rule.described is None:
            yield Violation(Verdict.REVIEW, rule.place, rule.reason)
        elif not rule.described:
            yield Violation(Verdict.FAIL, rule.place, rule.shown)

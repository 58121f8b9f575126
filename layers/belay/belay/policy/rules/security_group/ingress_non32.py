"""Sources of more than one address."""

from collections.abc import Iterator

from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A network of more than one address is allowed in",
    severity=Severity.LOW,
    why="Anyone who gets an address in that network is allowed in.",
    fix="Name the address (a /32, or a /128 of IPv6) or a security group.",
    source="cfn_nag W9; AWS Guard Rules Registry security_group_ingress_cidr_non_32",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check each rule."""
    for rule in group.rules("ingress"):
        if any(first != last for first, last in (*rule.v4, *rule.v6)):
            yield Violation(Verdict.FAIL, rule.place, rule.shown)
        for peer in rule.unknown:
            if peer.v4 > 1 or peer.v6 > 1:
                yield Violation(Verdict.REVIEW, rule.place, peer.reason)

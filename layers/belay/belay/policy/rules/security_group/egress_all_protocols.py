"""Egress rules for all protocols."""

from collections.abc import Iterator

from belay.policy.model import ALL_PROTOCOLS, SecurityGroup
from belay.policy.networks import is_loopback
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A rule allows all protocols out",
    severity=Severity.LOW,
    why="IpProtocol -1 ignores the rule's ports: it allows everything, whatever FromPort says.",
    fix="Name the protocol and the ports that the service uses.",
    source="cfn_nag W40; AWS Guard Rules Registry security_group_egress_all_protocols",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check each rule; one to the loopback addresses is the customary way to allow no traffic."""
    for rule in group.rules("egress"):
        if rule.protocol is None:
            yield Violation(Verdict.REVIEW, rule.place, rule.reason)
        elif rule.protocol == ALL_PROTOCOLS and not (is_loopback(rule.v4, rule.v6) and not rule.unknown):
            yield Violation(Verdict.FAIL, rule.place, rule.shown)

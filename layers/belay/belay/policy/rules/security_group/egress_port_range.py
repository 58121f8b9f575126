"""Egress rules for more than one port."""

from collections.abc import Iterator

from belay.policy.model import TCP, UDP, SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A rule allows a range of ports out",
    severity=Severity.LOW,
    why="A range opens unintended ports, and whatever listens there later is immediately exposed.",
    fix="Write one rule for each port in use.",
    source="cfn_nag W29; AWS Guard Rules Registry security_group_egress_port_range",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check each rule for TCP or UDP; ``egress-all-protocols`` covers rules for all protocols."""
    for rule in group.rules("egress"):
        if rule.protocol in (TCP, UDP) and rule.ports.single is False:
            yield Violation(Verdict.FAIL, rule.place, rule.shown)
        elif rule.protocol is None or (rule.protocol in (TCP, UDP) and rule.ports.reason and not rule.ports.single):
            yield Violation(Verdict.REVIEW, rule.place, rule.reason or rule.ports.reason)

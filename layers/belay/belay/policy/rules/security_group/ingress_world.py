"""Any traffic allowed in from the whole Internet."""

from collections.abc import Iterator

from belay.policy.exposure import open_anywhere
from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation, violations
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="Traffic from the whole Internet is allowed",
    severity=Severity.LOW,
    why="Every public port is a decision; this policy lists them all, including the allowed ones.",
    fix="Allow only the networks that need it, or put a load balancer in front.",
    source="cfn_nag W2 and W9; AWS Guard Rules Registry ec2_security_group_ingress_open_to_world",
    internet="ingress",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check every protocol and port."""
    return violations(open_anywhere(group, "ingress"))

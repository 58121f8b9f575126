"""Any traffic allowed out to the whole Internet."""

from collections.abc import Iterator

from belay.policy.exposure import open_anywhere
from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation, violations
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="Traffic to the whole Internet is allowed",
    severity=Severity.LOW,
    why="An intruder can send data anywhere, and fetch tools from anywhere.",
    fix="Allow only the peers and ports that the service calls, or use VPC endpoints and a proxy.",
    source="cfn_nag W5; AWS Guard Rules Registry ec2_security_group_egress_open_to_world",
    internet="egress",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check every protocol and port."""
    return violations(open_anywhere(group, "egress"))

"""Everything, or every TCP or UDP port, open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposure import everything, exposure
from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation, violations
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="Every port is reachable from the whole Internet",
    severity=Severity.CRITICAL,
    why="It is as if there were no security group.",
    fix="Allow only the protocol, ports and peers that the service needs.",
    source="AWS Foundational Security Best Practices EC2.19",
    internet="ingress",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check the rules that allow every protocol, or every port of one."""
    one = exposure(group, "ingress", everything)
    return violations({"everything": one} if one.verdict is not Verdict.PASS else {})

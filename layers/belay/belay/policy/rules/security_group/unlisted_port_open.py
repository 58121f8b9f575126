"""A port that the application does not list as public, open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposure import open_anywhere
from belay.policy.model import ICMP, ICMP_V6, SecurityGroup, shown_protocol
from belay.policy.policies import Policy, Violation, violations
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="A port that is not one of the application's public ports is reachable from the whole Internet",
    severity=Severity.HIGH,
    why="Public ports are listed; any other open port is a mistake or a shortcut.",
    fix="Narrow the rule, or have the operator add the port to allowed_ports.",
    source="AWS Config vpc-sg-open-only-to-authorized-ports",
    internet="ingress",
)
PINGS = (shown_protocol(ICMP), shown_protocol(ICMP_V6))


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check every port except the allowed ones; ``ingress-world`` covers ICMP."""
    found = open_anywhere(group, "ingress", settings.allowed_ports)
    return violations({shown: one for shown, one in found.items() if shown not in PINGS})

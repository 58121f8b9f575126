"""HTTP open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposed_ports import exposed
from belay.policy.model import TCP, SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="HTTP is reachable from the whole Internet",
    severity=Severity.LOW,
    why="Traffic on port 80 is neither encrypted nor authenticated.",
    fix="Listen on 443; if 80 only redirects, let the load balancer do it and waive this.",
    source="Checkov CKV_AWS_260",
    internet="ingress",
)
PORTS = {
    (TCP, 80): "HTTP",
}


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Report which of the ports the group opens to the Internet."""
    return exposed(group, PORTS)

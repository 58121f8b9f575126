"""SSH open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposed_ports import exposed
from belay.policy.model import TCP, SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="SSH is reachable from the whole Internet",
    severity=Severity.CRITICAL,
    why="Anyone can try keys and passwords, and exploit the SSH server's next vulnerability.",
    fix="Allow only a bastion or a VPN's network, or use Session Manager, which needs no open port.",
    source="CIS AWS Foundations Benchmark; AWS Config restricted-ssh",
    internet="ingress",
)
PORTS = {
    (TCP, 22): "SSH",
}


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Report which of the ports the group opens to the Internet."""
    return exposed(group, PORTS)

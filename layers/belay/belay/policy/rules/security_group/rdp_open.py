"""Remote Desktop open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposed_ports import exposed
from belay.policy.model import TCP, UDP, SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="Remote Desktop is reachable from the whole Internet",
    severity=Severity.CRITICAL,
    why="Remote Desktop is one of ransomware's most common ways into a network.",
    fix="Allow only a bastion or a VPN's network, or use Fleet Manager, which needs no open port.",
    source="CIS AWS Foundations Benchmark; https://learn.microsoft.com/en-us/troubleshoot/windows-server/remote/understanding-remote-desktop-protocol",
    internet="ingress",
)
PORTS = {
    (TCP, 3389): "RDP",
    (UDP, 3389): "RDP",
}


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Report which of the ports the group opens to the Internet."""
    return exposed(group, PORTS)

"""The ports of AWS Config's restricted-common-ports open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposed_ports import exposed
from belay.policy.model import TCP, SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="A port that AWS names as restricted is reachable from the whole Internet",
    severity=Severity.CRITICAL,
    why="File transfer, databases and remote administration are not meant for strangers.",
    fix="Allow only the networks that need it.",
    source="https://docs.aws.amazon.com/config/latest/developerguide/restricted-common-ports.html",
    internet="ingress",
)
PORTS = {
    (TCP, 20): "FTP data",
    (TCP, 21): "FTP",
    (TCP, 3306): "MySQL",
    (TCP, 3389): "RDP",
    (TCP, 4333): "mSQL",
}


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Report which of the ports the group opens to the Internet."""
    return exposed(group, PORTS)

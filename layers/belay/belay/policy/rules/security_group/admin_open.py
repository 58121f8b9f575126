"""Administration and file-sharing ports other than SSH and RDP open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposed_ports import exposed
from belay.policy.model import TCP, UDP, SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="An administrative port is reachable from the whole Internet",
    severity=Severity.CRITICAL,
    why="These services give control of a machine or its files and are meant for a trusted network.",
    fix="Allow only a bastion or a VPN's network.",
    source="https://www.iana.org/assignments/service-names-port-numbers",
    internet="ingress",
)
PORTS = {
    (TCP, 23): "Telnet",
    (TCP, 111): "rpcbind",
    (UDP, 111): "rpcbind",
    (TCP, 135): "Windows RPC",
    (TCP, 139): "NetBIOS",
    (UDP, 161): "SNMP",
    (TCP, 389): "LDAP",
    (UDP, 389): "LDAP",
    (TCP, 445): "SMB",
    (TCP, 512): "rexec",
    (TCP, 513): "rlogin",
    (TCP, 514): "rsh",
    (TCP, 873): "rsync",
    (TCP, 2049): "NFS",
    (TCP, 2375): "Docker",
    (TCP, 2376): "Docker over TLS",
    (TCP, 2379): "etcd",
    (TCP, 2380): "etcd",
    (TCP, 5601): "Kibana",
    (TCP, 5900): "VNC",
    (TCP, 5985): "WinRM",
    (TCP, 5986): "WinRM over TLS",
    (TCP, 6443): "Kubernetes",
    (TCP, 10250): "kubelet",
}


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Report which of the ports the group opens to the Internet."""
    return exposed(group, PORTS)

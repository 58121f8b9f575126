"""Which of a list of ports a group opens to the whole Internet, as most policies check."""

from collections.abc import Iterator, Mapping

from belay.policy.exposure import may_open, opens_port
from belay.policy.model import SecurityGroup, shown_protocol
from belay.policy.policies import Violation, violations
from belay.policy.verdict import Verdict


def exposed(group: SecurityGroup, ports: Mapping[tuple[str, int], str]) -> Iterator[Violation]:
    """Yield a violation for every rule, or set of rules, that opens any of ``ports`` (by protocol and port)."""
    if not may_open(group, "ingress"):
        return
    found = {}
    for (protocol, port), name in ports.items():
        one = opens_port(group, "ingress", protocol, port)
        if one.verdict is not Verdict.PASS:
            found[f"{shown_protocol(protocol)} {port} ({name})"] = one
    yield from violations(found)

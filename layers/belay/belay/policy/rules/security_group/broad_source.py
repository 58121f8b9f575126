"""A large part of the Internet allowed in, though not all of it."""

from collections.abc import Iterator

from belay.policy.model import SecurityGroup
from belay.policy.networks import is_internet, public_sizes, size
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A port that is not one of the application's public ports is reachable from a large part of the Internet",
    severity=Severity.HIGH,
    why="Nobody owns so many addresses: most of them are strangers, as with 0.0.0.0/1.",
    fix="Allow only the networks that are needed.",
    source="https://www.iana.org/assignments/ipv4-address-space: no organization is given more than a /8",
    broad="ingress",
)
LARGE_V4 = 1 << 24
LARGE_V6 = 1 << 108
"""A /8 of IPv4; a /20 of IPv6, more than a network operator is usually given."""


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check each rule by itself; other policies cover the whole Internet."""
    most_v4, most_v6 = group.most("ingress")
    if most_v4 <= LARGE_V4 and most_v6 <= LARGE_V6:
        return
    for rule in group.rules("ingress"):
        known = size(rule.v4) > LARGE_V4 or size(rule.v6) > LARGE_V6
        if not (known or rule.unknown) or rule.only_for(settings.allowed_ports):
            continue
        if known:
            v4, v6 = public_sizes(rule.v4, rule.v6)
            if (v4 > LARGE_V4 or v6 > LARGE_V6) and not is_internet(v4, v6):
                yield Violation(Verdict.FAIL, rule.place, rule.shown)
        for peer in rule.unknown:
            if peer.v4 > LARGE_V4 or peer.v6 > LARGE_V6:
                yield Violation(Verdict.REVIEW, rule.place, peer.reason)

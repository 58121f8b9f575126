"""Sources outside the application's trusted networks."""

from collections.abc import Iterator

from belay.policy.model import SecurityGroup
from belay.policy.networks import difference, trusted_addresses
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A network that is not one of the application's trusted networks is allowed in",
    severity=Severity.HIGH,
    why="The operator has listed which networks may reach the application's other ports.",
    fix="Use a trusted network or a security group as the source, or have the operator add the network.",
    source="The application's registration: trusted_networks",
    untrusted="ingress",
)


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Check each rule for ports that are not public, unless no networks are listed."""
    v4, v6 = trusted_addresses(settings.trusted_networks)
    for rule in group.rules("ingress"):
        if rule.only_for(settings.allowed_ports):
            continue
        if difference(rule.v4, v4) or difference(rule.v6, v6):
            yield Violation(Verdict.FAIL, rule.place, rule.shown)
        elif rule.unknown:
            yield Violation(Verdict.REVIEW, rule.place, rule.unknown[0].reason)

"""Live rules that no template of the release declares: added manually, by a custom resource or by another service."""

import re
from collections.abc import Iterable, Iterator, Mapping

from belay.policy.live import LiveStage, OwnedGroup
from belay.policy.model import ALL_PROTOCOLS, GroupRule
from belay.policy.networks import difference, parse_network, union
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A rule of a deployed group is in no template of its release",
    severity=Severity.MEDIUM,
    why="It cannot be seen in the templates, and the next deployment does not remove it.",
    fix="Put the rule into the template, or revoke it.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html",
)
REFERENCE = re.compile(r"\$\{([^}]+)\}")
WORLD = [network[1] for network in (parse_network("0.0.0.0/0"),) if network]


def check(stage: LiveStage, settings: PolicySettings) -> Iterator[Violation]:
    """Compare protocol, ports and peers of every rule of a stack's own groups with those of the templates."""
    for owned in stage.groups:
        for rule in owned.group.rules("ingress", "egress"):
            same = [shown for shown in owned.shown if shown.direction == rule.direction]
            if (owned.default_egress and _is_default_egress(rule)) or _declared(rule, same, owned):
                continue
            reason = next(_undecided(rule, same, owned), None)
            detail = f"{rule.shown}; {reason}" if reason else rule.shown
            yield Violation(Verdict.REVIEW if reason else Verdict.FAIL, rule.place, detail)


def _is_default_egress(rule: GroupRule) -> bool:
    """Return whether it is the rule that EC2 gives a group without egress rules of its own."""
    return rule.direction == "egress" and rule.protocol == ALL_PROTOCOLS and list(rule.v4) == WORLD


def _declared(rule: GroupRule, shown: Iterable[GroupRule], owned: OwnedGroup) -> bool:
    alike = [one for one in shown if one.protocol == rule.protocol and one.ports.certain == rule.ports.certain]
    if {_name(rule.peers)} & {peer for one in alike for peer in _peers(one, owned.ids)}:
        return True
    if rule.unknown or not (rule.v4 or rule.v6):
        return False
    v4 = union(interval for one in alike for interval in one.v4)
    v6 = union(interval for one in alike for interval in one.v6)
    return not difference(rule.v4, v4) and not difference(rule.v6, v6)


def _undecided(rule: GroupRule, shown: Iterable[GroupRule], owned: OwnedGroup) -> Iterator[str]:
    """Yield why a rule of the templates may be this one."""
    for one in shown:
        if one.protocol is None:
            yield one.reason
        elif one.protocol == rule.protocol and _may_be(one, rule):
            if one.ports.certain != rule.ports.certain:
                yield one.ports.reason
            elif one.unknown:
                yield one.unknown[0].reason
            elif any(REFERENCE.search(peer) or peer == "?" for peer in _peers(one, owned.ids)):
                yield f"the group behind {one.peers} in the template is not known"


def _may_be(one: GroupRule, rule: GroupRule) -> bool:
    if one.ports.certain == rule.ports.certain:
        return True
    first, last = one.ports.possible
    return bool(one.ports.reason) and first <= rule.ports.certain[0] and rule.ports.certain[1] <= last


def _peers(rule: GroupRule, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield the groups and prefix lists that a template's rule names, by their ids if known."""
    for peer in rule.peers.split(", "):
        yield REFERENCE.sub(lambda found: ids.get(found[1], found[0]), _name(peer))


def _name(peer: str) -> str:
    return peer.removeprefix("group ").removeprefix("prefix list ")

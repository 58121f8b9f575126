"""Policies and violations.

A policy's file has ``POLICY`` and ``check(subject, settings)``; its slug is the file's name with dashes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from belay.policy.exposure import Exposure
from belay.policy.model import Direction, GroupRule, Location
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict


@dataclass(frozen=True, slots=True)
class Policy:
    """The description of a policy.

    ``title`` is a sentence that is true of a violation; ``why`` says what it may cost, ``fix`` what to do, ``source``
    which public rule or page it is based on. The registration may change ``severity``. ``internet`` is set for a policy
    that only groups open to the whole Internet in this direction can violate, ``broad`` for one that only single rules
    for more than a /8 of IPv4 or a /20 of IPv6 can violate, ``untrusted`` for one that only single rules for networks
    outside of the application's trusted ones can, if it has any, so that others need not be checked.
    """

    title: str
    severity: Severity
    why: str
    fix: str
    source: str
    internet: Direction | None = None
    broad: Direction | None = None
    untrusted: Direction | None = None

    def demands(self, settings: PolicySettings) -> bool:
        """Whether an application's settings make the policy demand anything."""
        return self.untrusted is None or bool(settings.trusted_networks)

    @property
    def direction(self) -> Direction | None:
        """The direction in which only some rules or groups can violate the policy; ``None`` if any may."""
        return self.internet or self.broad or self.untrusted


class Violation(NamedTuple):
    """A policy's FAIL or REVIEW: where, and the detail or the reason why it cannot be decided."""

    verdict: Verdict
    place: Location
    detail: str


def violations(exposures: dict[str, Exposure]) -> Iterator[Violation]:
    """Turn the open ports of a group (such as ``TCP 22``) into violations, one for each rule or set of rules."""
    by_rules: dict[tuple[Verdict, tuple[GroupRule, ...], str], list[str]] = {}
    for shown, one in exposures.items():
        for rules in [(rule,) for rule in one.rules] if one.alone else [one.rules]:
            by_rules.setdefault((one.verdict, rules, one.reason), []).append(shown)
    for (verdict, rules, reason), shown_all in by_rules.items():
        together = "; together: " if len(rules) > 1 else ": "
        detail = reason or " and ".join(dict.fromkeys(rule.shown for rule in rules))
        yield Violation(verdict, rules[0].place, f"{', '.join(shown_all)}{together}{detail}")

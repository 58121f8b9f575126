"""Rules of groups that are made elsewhere, which may be one group: a parameter or an import may name any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from belay.policy.exposure import opens
from belay.policy.model import Alternative, Entry, Rule, SecurityGroup, UnknownPeer
from belay.policy.networks import size
from belay.policy.worn_together import is_large

REASON = "the groups may be one and the same, and would then be open to all of these together"


def perhaps_one(groups: Sequence[SecurityGroup]) -> Iterator[SecurityGroup]:
    """Yield the rules that would add up if groups made elsewhere were one, or one of the template's, none certain.

    Rules that open to the whole Internet by themselves are found without.
    """
    large = [group for group in groups if is_large(group)]
    if len(large) > 1 and not all(group.declared for group in large):
        entries = tuple(
            [
                Entry(entry.guard, tuple([Alternative(one.guard, _unsure(one.rules)) for one in entry.alternatives]))
                for group in large
                for entry in group.ingress
            ]
        )
        names = tuple([group.place.resource for group in large])
        yield SecurityGroup(large[0].place, ingress=entries, together=names, budget=large[0].budget)


def _unsure(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(
        [
            rule._replace(v4=(), v6=(), unknown=(UnknownPeer(REASON, size(rule.v4), size(rule.v6)), *rule.unknown))
            for rule in rules
            if not opens(rule)
        ]
    )

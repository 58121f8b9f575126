"""Rules of groups created elsewhere that may be the same group, because a parameter or an import may name any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from belay.policy.attached_together import is_large
from belay.policy.exposure import opens
from belay.policy.model import Alternative, Entry, GroupRule, SecurityGroup, UnknownPeer
from belay.policy.networks import size

ID = "sg-"
REASON = "these groups may be the same group, which would then be open to all of these addresses"


def possibly_same_group(elsewhere: Mapping[str, SecurityGroup]) -> Iterator[SecurityGroup]:
    """Yield the rules that would add up if some of these groups (by id, name or expression) were the same.

    Two ids are two groups. Rules that by themselves open to the whole Internet are left out: they are found anyway.
    """
    large = {key: group for key, group in elsewhere.items() if is_large(group)}
    if len(large) > 1 and not all(key.startswith(ID) for key in large):
        groups = list(large.values())
        entries = tuple(
            [
                Entry(entry.guard, tuple([Alternative(one.guard, _unsure(one.rules)) for one in entry.alternatives]))
                for group in groups
                for entry in group.ingress
            ]
        )
        names = tuple([group.place.resource for group in groups])
        yield SecurityGroup(groups[0].place, ingress=entries, together=names, budget=groups[0].budget)


def _unsure(rules: Sequence[GroupRule]) -> tuple[GroupRule, ...]:
    return tuple(
        [
            rule._replace(v4=(), v6=(), unknown=(UnknownPeer(REASON, size(rule.v4), size(rule.v6)), *rule.unknown))
            for rule in rules
            if not opens(rule)
        ]
    )

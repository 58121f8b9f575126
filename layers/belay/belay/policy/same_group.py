"""Rules of groups created elsewhere that may be the same group, because a parameter or an import may name any."""

from collections.abc import Iterator, Mapping, Sequence

from belay.policy.exposure import opens
from belay.policy.model import Alternative, Entry, GroupKey, GroupRule, SecurityGroup, UnknownPeer
from belay.policy.networks import size

ID = "sg-"
REASON = "these groups may be the same group, which would then be open to all of these addresses"


LARGE_V4 = 1 << 24
LARGE_V6 = 1 << 100
"""Groups that open to fewer addresses do not add up to the Internet with a few others."""


def possibly_same_group(elsewhere: Mapping[GroupKey, SecurityGroup]) -> Iterator[SecurityGroup]:
    """Yield the rules that would add up if some of these groups (by id, name or expression) were the same.

    Two ids are two groups. Rules that by themselves open to the whole Internet are left out: they are found anyway.
    """
    large = {key: group for key, group in elsewhere.items() if _is_large(group)}
    if len(large) > 1 and not all(key.known and key.text.startswith(ID) for key in large):
        groups = list(large.values())
        entries = tuple(
            [
                Entry(entry.guard, tuple([Alternative(one.guard, _same(one.rules)) for one in entry.alternatives]))
                for group in groups
                for entry in group.ingress
            ]
        )
        names = tuple([group.place.resource for group in groups])
        yield SecurityGroup(groups[0].place, ingress=entries, together=names, budget=groups[0].budget)


def _is_large(group: SecurityGroup) -> bool:
    v4, v6 = group.most("ingress")
    return v4 >= LARGE_V4 or v6 >= LARGE_V6


def _same(rules: Sequence[GroupRule]) -> tuple[GroupRule, ...]:
    return unsure([rule for rule in rules if not opens(rule)], REASON)


def unsure(rules: Sequence[GroupRule], reason: str) -> tuple[GroupRule, ...]:
    """Return rules marked as possibly absent."""
    return tuple(
        [
            rule._replace(v4=(), v6=(), unknown=(UnknownPeer(reason, size(rule.v4), size(rule.v6)), *rule.unknown))
            for rule in rules
        ]
    )

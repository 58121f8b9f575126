"""Groups attached to one resource: EC2 allows what any of them allows, so their rules add up."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from belay.policy.model import Alternative, Entry, GroupKey, GroupRule, SecurityGroup, most_of
from belay.policy.networks import is_internet
from belay.policy.same_group import unsure
from belay.template.nodes import ScalarNode
from belay.template.resolver import entries, force
from belay.template.resources import properties
from belay.template.scope import Lazy, ListValue, MapValue, Value
from belay.template.stacks import Found
from belay.template.values import Guard, Unknown
from belay.template.world import World, agree, explore

TOGETHER = (
    ("SecurityGroupIds", "SecurityGroups"),
    ("EmrManagedMasterSecurityGroup", "AdditionalMasterSecurityGroups"),
    ("EmrManagedSlaveSecurityGroup", "AdditionalSlaveSecurityGroups"),
)
"""Properties whose groups are attached to the same machine: of EC2's instances and EMR's clusters."""
SOURCES = frozenset({"SourceSecurityGroups"})
"""Properties that name groups which are allowed in, not attached."""
REASON = "it depends on too much which groups are attached to one resource"

MAX_EXPRESSIONS = 3000
MAX_TOGETHER = 40
"""Expressions examined, and sets of groups added up, in one template; hardly any template has more than a few."""

KeyOf = Callable[[Value, World], GroupKey | None]


class _Listed(NamedTuple):
    """The value of one expression of a resource: the lists of groups in it, and the expressions inside it."""

    lists: tuple[tuple[GroupKey, ...], ...] = ()
    inside: tuple[Lazy, ...] = ()


def attached_together(
    groups: Mapping[GroupKey, Sequence[SecurityGroup]], resources: Iterable[Found], key_of: KeyOf
) -> Iterator[SecurityGroup]:
    """Yield, for the groups attached to a resource under some conditions, one group with the rules of all of them.

    ``groups`` are the groups by key, once for each way in which a group may be created; ``key_of`` returns the group
    that a value names. A rule that may open to the Internet by itself is left out: it is found in its own group.
    """
    every = [way.most("ingress") for ways in groups.values() for way in ways]
    if not is_internet(sum(v4 for v4, _ in every), sum(v6 for _, v6 in every)):
        return
    partly = {key: [_partly(way) for way in ways] for key, ways in groups.items()}
    sizes = {key: tuple(map(max, *[(0, 0), *(way.most("ingress") for way in ways)])) for key, ways in partly.items()}
    large = {key for key, size in sizes.items() if any(size)}
    if len(large) < 2 or not _adds_up(large, sizes):  # noqa: PLR2004 - one group does not add up with others
        return
    seen: set[object] = set()
    looked = 0
    for each in resources:
        for guard, listed in _lists(each, key_of):
            looked += 1
            if looked > MAX_EXPRESSIONS or len(seen) == MAX_TOGETHER:
                yield _one(tuple(large), [way for key in large for way in partly[key]], {}, certain=False)
                return
            keys = tuple(dict.fromkeys(key for key in (large if listed is None else listed) if key in large))
            question = (keys, frozenset(guard.items()))
            if len(keys) > 1 and question not in seen and _adds_up(keys, sizes):
                seen.add(question)
                yield _one(keys, [way for key in keys for way in partly[key]], guard, certain=listed is not None)


def _adds_up(keys: Iterable[GroupKey], sizes: Mapping[GroupKey, tuple[int, ...]]) -> bool:
    v4, v6 = (sum(sizes[key][family] for key in keys) for family in (0, 1))
    return is_internet(v4, v6)


def _partly(group: SecurityGroup) -> SecurityGroup:
    """Return the part of a group that may only open to the Internet together with others."""
    kept = [
        Entry(
            entry.guard,
            tuple([one._replace(rules=tuple(filter(_is_part, one.rules))) for one in entry.alternatives]),
        )
        for entry in group.internet_rules("ingress").entries
    ]
    return SecurityGroup(group.place, tuple(kept), guard=group.guard, budget=group.budget)


def _is_part(rule: GroupRule) -> bool:
    return not is_internet(*most_of([rule]))


def _lists(found: Found, key_of: KeyOf) -> Iterator[tuple[Guard, tuple[GroupKey, ...] | None]]:
    """Yield the groups that each list of a resource has, with the conditions; ``None`` if there are too many."""
    pending: list[tuple[Guard, Lazy | None]] = [(found.guard, None)]
    while pending:
        guard, lazy = pending.pop()
        for branch in explore(partial(_listed, found.body, lazy, key_of), guard, found.body.scope.budget):
            if branch.outcome is None:
                yield guard, None
                continue
            yield from ((branch.guard, keys) for keys in branch.outcome.lists or ((),))
            pending += [(branch.guard, inner) for inner in branch.outcome.inside]


def _listed(body: MapValue, lazy: Lazy | None, key_of: KeyOf, world: World) -> _Listed:
    value = properties(body, world) if lazy is None else force(lazy, world)
    if isinstance(value, (ListValue, Unknown)):
        listed = value.items if isinstance(value, ListValue) else ()
        maps = [item for item in listed if isinstance(item, Lazy) and isinstance(force(item, world), MapValue)]
        return _Listed((tuple(_keys(value, key_of, world)),), tuple(maps))
    table = entries(value, world) if isinstance(value, MapValue) else None
    if not isinstance(table, dict):
        return _Listed()
    pairs = [[table[name] for name in pair] for pair in TOGETHER if table.keys() >= set(pair)]
    inside = [lazy for name, lazy in table.items() if name not in SOURCES and not isinstance(lazy.node, ScalarNode)]
    lists = [tuple([key for each in pair for key in _keys(force(each, world), key_of, world)]) for pair in pairs]
    return _Listed(tuple(lists), tuple(inside))


def _keys(value: Value, key_of: KeyOf, world: World) -> Iterator[GroupKey]:
    if isinstance(value, ListValue):
        for item in value.items:
            yield from _keys(force(item, world), key_of, world)
    elif isinstance(value, Unknown) and value.many:
        for part in value.parts:
            if isinstance(part, Unknown):
                yield from _keys(part, key_of, world)
    elif isinstance(value, (str, Unknown)):
        key = key_of(value, world)
        if key is not None:
            yield key


def _one(keys: Sequence[GroupKey], ways: Sequence[SecurityGroup], guard: Guard, *, certain: bool) -> SecurityGroup:
    """Return one group with the rules that these groups have under a condition."""
    found = [
        Entry({**guard, **entry.guard}, tuple(_under(guard, entry.alternatives, certain)))
        for way in ways
        if agree(guard, way.guard)
        for entry in way.ingress
        if agree(guard, entry.guard)
    ]
    names = tuple(dict.fromkeys(way.place.resource for way in ways))
    return SecurityGroup(ways[0].place, tuple(found), together=names, budget=ways[0].budget)


def _under(guard: Guard, alternatives: Iterable[Alternative], certain: bool) -> Iterator[Alternative]:
    for one in alternatives:
        if agree(guard, one.guard):
            yield Alternative({**guard, **one.guard}, one.rules if certain else unsure(one.rules, REASON))

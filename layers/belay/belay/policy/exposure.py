"""Whether the rules of a group together open a port to the whole Internet.

Addresses are added up exactly over all rules, so two halves of the Internet are found; and only over rules that can
exist at the same time, so the two branches of one ``Fn::If`` are not added.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from belay.policy.model import (
    ALL_PORTS,
    ALL_PROTOCOLS,
    NO_PORTS,
    TCP,
    UDP,
    Direction,
    Entry,
    GroupRule,
    SecurityGroup,
    shown_protocol,
)
from belay.policy.networks import is_internet, public_sizes, union
from belay.policy.verdict import Verdict
from belay.template.values import Guard
from belay.template.world import Budget, TooManyStepsError, agree

RuleMatch = Callable[[GroupRule], bool | None]
"""Whether a rule allows the traffic in question; ``None`` if undecided."""

Side = tuple[GroupRule, bool]
"""A rule that may match, and whether it certainly does."""

MAX_COMBINATIONS = 2048
MAX_REACHING = 250
"""Rules of one group that may open to the Internet; EC2's default is 60 rules a group.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""
COMBINATION_STEPS = 50
"""The cost of one combination."""
JUDGING_STEPS = 1_000_000
"""Rules examined for one template, over all its groups, ports and combinations: about a second's work."""
TOO_MUCH = "the template has more rules open to large networks than are added up"
MANY = "the rules depend on more combinations of conditions than are tried"


class Exposure(NamedTuple):
    """The verdict, the rules it is based on, and the reason for REVIEW.

    ``alone`` is true if each of the rules is enough by itself.
    """

    verdict: Verdict
    rules: tuple[GroupRule, ...] = ()
    reason: str = ""
    alone: bool = False


CLOSED = Exposure(Verdict.PASS)


def opens_port(group: SecurityGroup, direction: Direction, protocol: str, port: int) -> Exposure:
    """Decide whether the rules for one port together open it to the whole Internet; once for ports with equal rules."""
    open_rules = group.internet_rules(direction)
    if not open_rules.may_cover(protocol, port):
        return CLOSED
    asked = (direction, protocol, open_rules.range_of(port))
    if asked not in group.exposures:
        group.exposures[asked] = exposure(group, direction, lambda rule: rule.covers(protocol, port))
    found: Exposure = group.exposures[asked]
    return found


def exposure(group: SecurityGroup, direction: Direction, match: RuleMatch) -> Exposure:
    """Decide whether the matching rules together open to the whole Internet in any branch."""
    if not may_open(group, direction):
        return CLOSED
    entries = group.internet_rules(direction).entries
    try:
        group.budget.spend(len(entries))
    except TooManyStepsError:
        return Exposure(Verdict.REVIEW, tuple(group.rules(direction))[:1], TOO_MUCH)
    relevant = _relevant(entries, match)
    every = [side for entry in relevant for _, sides in entry.alternatives for side in sides]
    # Most ports are covered by the same rules as the previous port.
    key = tuple([(id(rule), sure) for rule, sure in every])
    if key not in group.exposures:
        group.exposures[key] = _judged(relevant, every, group.budget)
    found: Exposure = group.exposures[key]
    return found


def _judged(relevant: list[_Relevant], every: list[Side], budget: Budget) -> Exposure:
    if not every or not _may_open(every):
        return CLOSED
    alone = [rule for rule, sure in every if sure and opens(rule)]
    if alone:
        return Exposure(Verdict.FAIL, tuple(dict.fromkeys(alone)), alone=True)
    worst = CLOSED
    for sides in _combinations(relevant, {}, budget):
        if sides is None:
            return Exposure(Verdict.REVIEW, tuple(dict.fromkeys(rule for rule, _ in every)), MANY)
        certain = [rule for rule, sure in sides if sure]
        if _opens_together(certain):
            return Exposure(Verdict.FAIL, tuple(rule for rule in certain if any(public_sizes(rule.v4, rule.v6))))
        if worst is CLOSED and _may_open(sides):
            worst = _undecided(sides)
    return worst


def egress_side_by_side(group: SecurityGroup) -> Iterator[list[GroupRule] | None]:
    """Yield the egress rules of every branch in which the group is created; ``None`` if there are too many."""
    for sides in _combinations(_relevant(group.entries("egress"), lambda _: True), group.guard, group.budget):
        yield None if sides is None else [rule for rule, _ in sides]


def opens(rule: GroupRule) -> bool:
    """Return whether a rule by itself certainly opens to the whole Internet."""
    return bool(rule.v4 or rule.v6) and is_internet(*public_sizes(rule.v4, rule.v6))


def may_open(group: SecurityGroup, direction: Direction) -> bool:
    """Return whether all rules of a group added up may open to the Internet: a quick test before the exact one."""
    return is_internet(*group.most(direction))


def open_anywhere(group: SecurityGroup, direction: Direction, allowed: Collection[int] = ()) -> dict[str, Exposure]:
    """Return every protocol and port range, without ``allowed`` ports, that is not certainly closed."""
    found: dict[str, Exposure] = {}
    if not may_open(group, direction):
        return found
    open_rules = group.internet_rules(direction)
    if len(open_rules.rules) > MAX_REACHING:
        reason = f"more than {MAX_REACHING} rules may open it"
        return {"some port": Exposure(Verdict.REVIEW, open_rules.rules[:1], reason)}
    for protocol in dict.fromkeys((TCP, UDP, *open_rules.protocols)):
        for first, last in open_rules.port_ranges if protocol in (TCP, UDP) else [NO_PORTS]:
            port = next((port for port in range(first, last + 1) if port not in allowed), first)
            if port in allowed:
                continue
            one = opens_port(group, direction, protocol, port)
            if one.verdict is not Verdict.PASS:
                found[f"{shown_protocol(protocol)}{_shown(first, last)}"] = one
    return found


def _shown(first: int, last: int) -> str:
    if first > last:
        return ""
    return f" {first}" if first == last else f" {first}-{last}"


def everything(rule: GroupRule) -> bool | None:
    """Match rules that allow every protocol, or every TCP or UDP port."""
    if rule.protocol == ALL_PROTOCOLS:
        return True
    if rule.protocol is None:
        return None
    if rule.protocol not in (TCP, UDP):
        return False
    if rule.ports.certain == ALL_PORTS:
        return True
    return None if rule.ports.possible == ALL_PORTS else False


class _Relevant(NamedTuple):
    """An entry with its matching rules."""

    guard: Guard
    alternatives: list[tuple[Guard, list[Side]]]


def _relevant(entries: tuple[Entry, ...], match: RuleMatch) -> list[_Relevant]:
    relevant = []
    for entry in entries:
        alternatives = []
        for alternative in entry.alternatives:
            sides = [(rule, bool(sure)) for rule in alternative.rules if (sure := match(rule)) is not False]
            alternatives.append((alternative.guard, sides))
        if any(sides for _, sides in alternatives):
            relevant.append(_Relevant(entry.guard, alternatives))
    return relevant


def _combinations(relevant: list[_Relevant], given: Guard, budget: Budget) -> Iterator[list[Side] | None]:
    """Yield the rules that exist together, for every combination of guards that agree; ``None`` if there are too many.

    An entry may also be absent; then its guard must not follow from the final answers.
    """
    fixed = [entry.alternatives[0] for entry in relevant if not entry.guard and len(entry.alternatives) == 1]
    always = [side for _, sides in fixed for side in sides]
    depending = [entry for entry in relevant if entry.guard or len(entry.alternatives) > 1]
    pending: list[tuple[int, Guard, tuple[Guard, ...], tuple[Side, ...]]] = [(0, given, (), tuple(always))]
    for _ in range(MAX_COMBINATIONS):
        if not pending:
            return
        number, answers, absent, sides = pending.pop()
        try:
            budget.spend(COMBINATION_STEPS)
        except TooManyStepsError:
            yield None
            return
        if any(_follows(guard, answers) for guard in absent):
            continue
        if number == len(depending):
            yield list(sides)
            continue
        entry = depending[number]
        if not _follows(entry.guard, answers):
            pending.append((number + 1, answers, (*absent, entry.guard), sides))
        for guard, more in entry.alternatives:
            if agree(guard, answers):
                pending.append((number + 1, {**answers, **guard}, absent, (*sides, *more)))
    if pending:
        yield None


def _follows(guard: Guard, answers: Guard) -> bool:
    return all(question in answers and answers[question] == answer for question, answer in guard.items())


def _opens_together(rules: list[GroupRule]) -> bool:
    v4 = union(interval for rule in rules for interval in rule.v4)
    v6 = union(interval for rule in rules for interval in rule.v6)
    return is_internet(*public_sizes(v4, v6))


def _may_open(sides: list[Side]) -> bool:
    """Return whether the rules open to the Internet in the worst case of everything that is unknown."""
    v4 = union(interval for rule, _ in sides for interval in rule.v4)
    v6 = union(interval for rule, _ in sides for interval in rule.v6)
    public_v4, public_v6 = public_sizes(v4, v6)
    unknown_v4 = sum(peer.v4 for rule, _ in sides for peer in rule.unknown)
    unknown_v6 = sum(peer.v6 for rule, _ in sides for peer in rule.unknown)
    return is_internet(public_v4 + unknown_v4, public_v6 + unknown_v6)


def _undecided(sides: list[Side]) -> Exposure:
    rules = tuple(rule for rule, sure in sides if not sure or rule.unknown)
    reasons = [reason for rule, sure in sides for reason in _reasons(rule, sure)]
    return Exposure(Verdict.REVIEW, rules, "; ".join(dict.fromkeys(reasons)))


def _reasons(rule: GroupRule, sure: bool) -> Iterator[str]:
    if not sure:
        yield rule.reason or rule.ports.reason
    for peer in rule.unknown:
        yield peer.reason

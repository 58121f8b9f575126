"""The model of a security group from a template, a change set or a live account.

A rule's undetermined value is kept as what it certainly is and what it may be, so that a policy can distinguish a
violation (FAIL) from what cannot be decided (REVIEW).
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from belay.policy.networks import AddressSet, Interval, public_sizes
from belay.template.values import Guard
from belay.template.world import Budget

Direction = Literal["ingress", "egress"]

ALL_PROTOCOLS = "-1"
TCP, UDP, ICMP, ICMP_V6 = "6", "17", "1", "58"
PROTOCOL_NAMES = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMP_V6, "-1": ALL_PROTOCOLS}
SHOWN_PROTOCOLS = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP", ICMP_V6: "ICMPv6", ALL_PROTOCOLS: "all protocols"}
ALL_PORTS: Interval = (0, 65_535)
NO_PORTS: Interval = (1, 0)


def shown_protocol(protocol: str | None) -> str:
    """Return a protocol's name to display."""
    return "an unknown protocol" if protocol is None else SHOWN_PROTOCOLS.get(protocol, f"protocol {protocol}")


class GroupKey(NamedTuple):
    """Which group a value names: the text of an id or a name, or an unknown value by its key."""

    text: str
    known: bool


class Location(NamedTuple):
    """A position: file, resource, property, line and column (0 if there is no text)."""

    path: str
    resource: str
    property: str
    line: int
    column: int


class UnknownPeer(NamedTuple):
    """An unknown peer, and the most addresses of each family that it may have."""

    reason: str
    v4: int = 1 << 32
    v6: int = 1 << 128


class Ports(NamedTuple):
    """The ports of a rule: those it certainly opens, those it may open, and whether it is a single port."""

    certain: Interval
    possible: Interval
    single: bool | None
    reason: str = ""


class GroupRule(NamedTuple):
    """One rule of a security group: protocol number (``None`` if unknown), ports, peers, whether it has a description.

    ``v4`` and ``v6`` are the addresses it certainly opens to, ``unknown`` the unknown peers; other groups add nothing.
    ``reason`` says why the protocol is unknown. ``described`` is ``None`` if nothing is known about the rule.
    """

    direction: Direction
    place: Location
    protocol: str | None
    ports: Ports
    v4: AddressSet = ()
    v6: AddressSet = ()
    unknown: tuple[UnknownPeer, ...] = ()
    peers: str = ""
    described: bool | None = None
    reason: str = ""

    def covers(self, protocol: str, port: int) -> bool | None:
        """Return whether the rule allows this port of the protocol; ``None`` if undecided."""
        if self.protocol == ALL_PROTOCOLS:
            return True
        if self.protocol is None:
            return None
        if self.protocol != protocol:
            return False
        if protocol not in (TCP, UDP):
            return True
        if self.ports.certain[0] <= port <= self.ports.certain[1]:
            return True
        return None if self.ports.possible[0] <= port <= self.ports.possible[1] else False

    @property
    def may_reach_internet(self) -> bool:
        """Whether its peers include, or may include, a public address."""
        return bool(self.unknown) or any(public_sizes(self.v4, self.v6))

    def only_for(self, ports: Collection[int]) -> bool:
        """Return whether the rule certainly allows nothing but TCP or UDP to some of ``ports``."""
        first, last = self.ports.possible
        if self.protocol not in (TCP, UDP) or last - first >= len(ports):
            return False
        return all(map(ports.__contains__, range(first, last + 1)))

    @property
    def shown(self) -> str:
        """Protocol, ports and peers to display, such as ``TCP 22 from 0.0.0.0/0``."""
        way = "from" if self.direction == "ingress" else "to"
        first, last = self.ports.certain
        ports = ""
        if self.protocol in (TCP, UDP):
            ports = " unknown ports" if first > last else f" {first}" if first == last else f" {first}-{last}"
        return f"{shown_protocol(self.protocol)}{ports} {way} {self.peers or 'nobody'}"


def opaque_rule(direction: Direction, place: Location, reason: str) -> GroupRule:
    """Return a rule about which nothing is known: it may open anything to anyone."""
    ports = Ports(NO_PORTS, ALL_PORTS, None, reason)
    peer = (UnknownPeer(reason),)
    return GroupRule(direction, place, None, ports, unknown=peer, peers="an unknown peer", reason=reason)


class Alternative(NamedTuple):
    """The rules of an entry if the guard holds."""

    guard: Guard
    rules: tuple[GroupRule, ...]


class Entry(NamedTuple):
    """One entry of a group's rules: it exists if ``guard`` holds, as exactly one of the alternatives."""

    guard: Guard
    alternatives: tuple[Alternative, ...]


class InternetRules:
    """The entries of one direction of a group, reduced to the rules that may reach the Internet.

    ``port_ranges`` are the ranges of ports to which the same of these rules apply, in order and without gaps;
    ``protocols`` are the protocols that the rules name.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = _reaching(entries)
        self.rules = tuple([rule for entry in self.entries for one in entry.alternatives for rule in one.rules])
        named = dict.fromkeys(rule.protocol for rule in self.rules)
        self.protocols = tuple([each for each in named if each is not None and each != ALL_PROTOCOLS])
        self._any_protocol = ALL_PROTOCOLS in named or None in named
        edges = {0, ALL_PORTS[1] + 1}
        for rule in self.rules:
            for first, last in (rule.ports.certain, rule.ports.possible):
                edges.update((first, last + 1))
        self._edges = sorted(edges)
        self.port_ranges = [(first, after - 1) for first, after in pairwise(self._edges)]
        possible = [rule.ports.possible for rule in self.rules]
        self._lowest = min([first for first, _ in possible], default=0)
        self._highest = max([last for _, last in possible], default=0)

    def may_cover(self, protocol: str, port: int) -> bool:
        """Return whether any of the rules may apply to a port of a protocol: a quick test before the exact one."""
        if self._any_protocol:
            return True
        return protocol in self.protocols and (protocol not in (TCP, UDP) or self._lowest <= port <= self._highest)

    def range_of(self, port: int) -> int:
        """Return the number of the range that a port is in."""
        return bisect_right(self._edges, port)


@dataclass(frozen=True)
class SecurityGroup:
    """A security group with its own entries and those of standalone rules for it.

    ``declared`` is true if a template creates the group, so that EC2 allows all outbound traffic if it has no egress
    rule; ``guard`` says when it is created. ``together`` names the groups whose rules these are, if several are
    attached to one resource. ``budget`` limits the work on it and the other groups of its template.
    """

    place: Location
    ingress: tuple[Entry, ...] = ()
    egress: tuple[Entry, ...] = ()
    declared: bool = False
    together: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget, compare=False)
    guard: Guard = field(default_factory=dict)

    def entries(self, direction: Direction) -> tuple[Entry, ...]:
        """Return the entries of one direction."""
        return self.ingress if direction == "ingress" else self.egress

    def rules(self, *directions: Direction) -> Iterator[GroupRule]:
        """Yield the rules of every branch."""
        for direction in directions:
            for entry in self.entries(direction):
                for alternative in entry.alternatives:
                    yield from alternative.rules

    def internet_rules(self, direction: Direction) -> InternetRules:
        """Return the rules of one direction that may reach the Internet, found once for all policies."""
        return self._ingress_rules if direction == "ingress" else self._egress_rules

    @cached_property
    def _ingress_rules(self) -> InternetRules:
        return InternetRules(self.ingress)

    @cached_property
    def _egress_rules(self) -> InternetRules:
        return InternetRules(self.egress)

    @cached_property
    def exposures(self) -> dict[object, Any]:
        """A cache of the verdicts on sets of its rules, for the module ``exposure``."""
        return {}

    def most(self, direction: Direction) -> tuple[int, int]:
        """Return the most addresses of each family that the rules of one direction may open to, added up."""
        return self._most[direction]

    @cached_property
    def _most(self) -> dict[Direction, tuple[int, int]]:
        return {direction: most_of(self.rules(direction)) for direction in ("ingress", "egress")}


def _reaching(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    kept = []
    for entry in entries:
        alternatives = tuple(
            [
                Alternative(one.guard, tuple([rule for rule in one.rules if rule.may_reach_internet]))
                for one in entry.alternatives
            ]
        )
        if any(one.rules for one in alternatives):
            kept.append(Entry(entry.guard, alternatives))
    return tuple(kept)


def most_of(rules: Iterable[GroupRule]) -> tuple[int, int]:
    """Return the most addresses of each family that rules may open to, added up."""
    v4 = v6 = 0
    for rule in rules:
        for first, last in rule.v4:
            v4 += last - first + 1
        for first, last in rule.v6:
            v6 += last - first + 1
        for peer in rule.unknown:
            v4 += peer.v4
            v6 += peer.v6
    return v4, v6

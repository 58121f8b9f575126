"""One model of a security group, whether it is read from a template, a change set or a live account.

Every value that a rule leaves open is kept as what it certainly is and what it may be, so that a policy can tell a
violation (FAIL) from what cannot be decided (REVIEW).
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
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
    """Show a protocol number for people."""
    return "an unknown protocol" if protocol is None else SHOWN_PROTOCOLS.get(protocol, f"protocol {protocol}")


class Location(NamedTuple):
    """Where something stands: file, resource, property, line and column (0 where there is no text)."""

    path: str
    resource: str
    property: str
    line: int
    column: int


class UnknownPeer(NamedTuple):
    """A peer that cannot be told, and how many addresses of each family it holds at most."""

    reason: str
    v4: int = 1 << 32
    v6: int = 1 << 128


class Ports(NamedTuple):
    """The ports of a rule: those it certainly opens, those it may open, and whether that is one port."""

    certain: Interval
    possible: Interval
    single: bool | None
    reason: str = ""


class GroupRule(NamedTuple):
    """One rule: protocol number (``None`` where it cannot be told), ports, peers, and whether it is described.

    ``v4`` and ``v6`` are the addresses it certainly opens to, ``unknown`` the peers that cannot be told; other groups
    add nothing. ``reason`` says why the protocol cannot be told. ``described`` is ``None`` where nothing at all is
    known of the rule.
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
        """Tell whether the rule lets this protocol's port through; ``None`` where it cannot be told."""
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
        """Whether any public address is or may be among its peers."""
        return bool(self.unknown) or any(public_sizes(self.v4, self.v6))

    def only_for(self, ports: Collection[int]) -> bool:
        """Tell whether the rule certainly lets nothing through but TCP or UDP to some of ``ports``."""
        first, last = self.ports.possible
        if self.protocol not in (TCP, UDP) or last - first >= len(ports):
            return False
        return all(port in ports for port in range(first, last + 1))

    @property
    def shown(self) -> str:
        """Protocol, ports and peers for people, such as ``TCP 22 from 0.0.0.0/0``."""
        way = "from" if self.direction == "ingress" else "to"
        first, last = self.ports.certain
        ports = ""
        if self.protocol in (TCP, UDP):
            ports = " unknown ports" if first > last else f" {first}" if first == last else f" {first}-{last}"
        return f"{shown_protocol(self.protocol)}{ports} {way} {self.peers or 'nobody'}"


def opaque_rule(direction: Direction, place: Location, reason: str) -> GroupRule:
    """Return a rule of which nothing is known: it may open anything to anybody."""
    ports = Ports(NO_PORTS, ALL_PORTS, None, reason)
    peer = (UnknownPeer(reason),)
    return GroupRule(direction, place, None, ports, unknown=peer, peers="an unknown peer", reason=reason)


class Alternative(NamedTuple):
    """The rules that an entry comes to where the guard holds."""

    guard: Guard
    rules: tuple[GroupRule, ...]


class Entry(NamedTuple):
    """One entry of a group's rules: it is there where ``guard`` holds, and then it is exactly one alternative."""

    guard: Guard
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class SecurityGroup:
    """A security group with the entries of its own and of standalone rules attached to it.

    ``declared`` is true where a template makes the group, so that EC2 lets all traffic out where it has no egress rule;
    ``guard`` says when it is made. ``together`` names the groups whose rules these are, where one resource wears
    several. ``budget`` is what may be spent on judging it, with the other groups of its template.
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
        """Yield every rule that any course of things has; each place once where courses give the same rule."""
        for direction in directions:
            for entry in self.entries(direction):
                for alternative in entry.alternatives:
                    yield from alternative.rules

    @cached_property
    def reaching(self) -> dict[Direction, tuple[Entry, ...]]:
        """The entries of each direction with those of their rules that may reach the Internet; others left out."""
        return {"ingress": _reaching(self.ingress), "egress": _reaching(self.egress)}

    @cached_property
    def exposures(self) -> dict[object, Any]:
        """What was already judged of sets of its rules; kept by the one module that judges them."""
        return {}

    def most(self, direction: Direction) -> tuple[int, int]:
        """Return how many addresses of each family the rules of one direction may open to at most, all added up."""
        return self._most[direction]

    @cached_property
    def _most(self) -> dict[Direction, tuple[int, int]]:
        return {direction: _added_up(self.rules(direction)) for direction in ("ingress", "egress")}


def _reaching(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
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


def _added_up(rules: Iterable[GroupRule]) -> tuple[int, int]:
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

"""Reads protocols, ports and peers from the values of a template or an API response, as EC2 does."""

import re
from functools import lru_cache

from belay.policy.model import (
    ALL_PORTS,
    ALL_PROTOCOLS,
    NO_PORTS,
    PROTOCOL_NAMES,
    TCP,
    UDP,
    Direction,
    GroupRule,
    Location,
    Ports,
    UnknownPeer,
)
from belay.policy.networks import IPV4, IPV6, V4_BITS, V6_BITS, Interval, parse_network, union
from belay.policy.prefix_lists import LARGEST_V4, LARGEST_V6, service_of
from belay.template.scope import Value
from belay.template.values import NO_VALUE, Unknown

PORT = re.compile(r"(?:0|[1-9][0-9]{0,4})(?:\.0{1,5})?")
"""A port; JSON may have it as 22.0. No leading zeros: ``026`` is 22 in YAML 1.1 and 26 elsewhere."""
PROTOCOL = re.compile(r"0{0,9}[0-9]{1,3}")
LENGTH_AT_END = re.compile(r"/([0-9]{1,3})\Z")
WORLD = {IPV4: (0, (1 << V4_BITS) - 1), IPV6: (0, (1 << V6_BITS) - 1)}
MANY_BITS = 10
"""A group has at most 1,000 rules. Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""
LAST_PROTOCOL = 255

Opened = tuple[tuple[str | None, str], Ports]
"""What a rule opens: its protocol, or why that is unknown, and its ports."""


def read_opened(protocol: Value, first: Value, last: Value) -> Opened:
    """Return what a rule opens, by its protocol and the first and last port."""
    read = read_protocol(protocol)
    return read, read_ports(read[0], first, last)


def read_protocol(value: Value) -> tuple[str | None, str]:
    """Return the protocol's number, or ``None`` and the reason why it is unknown.

    Source: https://www.iana.org/assignments/protocol-numbers and the names that EC2 documents.
    """
    if isinstance(value, Unknown):
        return None, value.reason
    if value is NO_VALUE:
        return None, "the rule has no IpProtocol"
    if isinstance(value, str):
        text = value.strip().lower()
        if text in PROTOCOL_NAMES:
            return PROTOCOL_NAMES[text], ""
        if PROTOCOL.fullmatch(text) and int(text) <= LAST_PROTOCOL:
            return str(int(text)), ""
        return None, f"{value!r} is not a protocol that EC2 documents"
    return None, "IpProtocol is not a text"


def read_ports(protocol: str | None, first: Value, last: Value) -> Ports:
    """Return the ports of a rule; only TCP and UDP have ports.

    A TCP or UDP rule without ports means all of them, as -1 does. EC2 refuses a range that ends before it starts, so it
    opens nothing.
    """
    if protocol == ALL_PROTOCOLS:
        return Ports(ALL_PORTS, ALL_PORTS, single=False)
    if protocol not in (TCP, UDP, None):
        return Ports(NO_PORTS, NO_PORTS, single=None)
    if isinstance(first, str) and isinstance(last, str):
        return _known_ports(first, last)
    return _ports(first, last)


@lru_cache(maxsize=4096)
def _known_ports(first: str, last: str) -> Ports:
    return _ports(first, last)


def _ports(first: Value, last: Value) -> Ports:
    if first is NO_VALUE and last is NO_VALUE:
        return Ports(ALL_PORTS, ALL_PORTS, single=False)
    low, low_reason = _port(first, ALL_PORTS[0], "FromPort")
    high, high_reason = _port(last, ALL_PORTS[1], "ToPort")
    if low_reason or high_reason:
        same = isinstance(first, Unknown) and isinstance(last, Unknown) and first.key == last.key
        certain = NO_PORTS
        if not low_reason and first is not NO_VALUE and isinstance(last, Unknown) and low[0] <= high[1]:
            certain = (low[0], max(low[0], high[0]))
        elif not high_reason and last is not NO_VALUE and isinstance(first, Unknown) and low[0] <= high[1]:
            certain = (min(high[1], low[1]), high[1])
        return Ports(certain, (low[0], high[1]), True if same else None, low_reason or high_reason)
    ports = (low[0], high[1])
    if ports[0] > ports[1]:
        return Ports(NO_PORTS, NO_PORTS, single=None)
    return Ports(ports, ports, single=ports[0] == ports[1])


def _port(value: Value, everything: int, name: str) -> tuple[tuple[int, int], str]:
    """Return the lowest and highest port that ``value`` may be, and why it is not certain."""
    if isinstance(value, str):
        text = value.strip()
        if text == "-1":
            return (everything, everything), ""
        if PORT.fullmatch(text) and int(float(text)) <= ALL_PORTS[1]:
            return (int(float(text)), int(float(text))), ""
        return ALL_PORTS, f"{name} {value!r} is not a port"
    if isinstance(value, Unknown) and value.readings:
        found = [_port(text, everything, name)[0] for text in value.readings]
        same = found.count(found[0]) == len(found)
        return (min(low for low, _ in found), max(high for _, high in found)), "" if same else value.reason
    if isinstance(value, Unknown):
        low, high = value.bounds or ALL_PORTS
        return (max(low, 0), min(high, ALL_PORTS[1])), value.reason
    return ALL_PORTS, f"{name} is missing" if value is NO_VALUE else f"{name} is not a number"


class Peers:
    """The peers of one rule, gathered one by one."""

    __slots__ = ("_v4", "_v6", "shown", "unknown")

    def __init__(self) -> None:
        self._v4: list[Interval] = []
        self._v6: list[Interval] = []
        self.unknown: list[UnknownPeer] = []
        self.shown: list[str] = []

    def rule(self, direction: Direction, place: Location, opened: Opened, described: bool) -> GroupRule:
        """Return the rule that opens what ``opened`` says to these peers."""
        (protocol, reason), ports = opened
        shown, unknown = ", ".join(self.shown), tuple(self.unknown)
        v4, v6 = union(self._v4), union(self._v6)
        return GroupRule(direction, place, protocol, ports, v4, v6, unknown, shown, described, reason)

    def add_network(self, value: Value, family: int | None) -> None:
        """Add an address block; ``family`` is 4 or 6, according to its property, or ``None`` if it may be either."""
        if isinstance(value, str):
            network = parse_network(value)
            if network is None:
                self.add_unknown(UnknownPeer(f"{value!r} is not an address block"), value)
            else:
                self._add(*network)
                self.shown.append(value)
        elif isinstance(value, Unknown):
            self._add_unknown_network(value, family)
        elif value is not NO_VALUE:
            self.add_unknown(UnknownPeer("an address block is not a text"), "?")

    def _add_unknown_network(self, value: Unknown, family: int | None) -> None:
        """Add an unknown block; if its prefix length is known, so is its number of addresses."""
        if family is None and any(isinstance(part, str) and ":" in part for part in value.parts):
            family = IPV6
        tail = value.parts[-1] if value.parts and not value.many else None
        length = LENGTH_AT_END.search(tail) if isinstance(tail, str) else None
        if length is not None and int(length[1]) == 0:
            self._add(family or IPV4, WORLD[family or IPV4])  # whatever the address is, /0 is all of them
            self.shown.append(value.key)
            return
        v4, v6 = [
            0 if family not in (None, own) else self._most(value, int(length[1]) if length else None, own)
            for own in (IPV4, IPV6)
        ]
        self.add_unknown(UnknownPeer(value.reason, v4, v6), value.key if value.parts else f"${{{value.key}}}")

    @staticmethod
    def _most(value: Unknown, length: int | None, family: int) -> int:
        """Return the most addresses of one family that an unknown block of this prefix length has."""
        whole = V4_BITS if family == IPV4 else V6_BITS
        bits = value.prefix_bits if length is None else whole - length
        if bits is not None and any(part.many for part in value.parts if isinstance(part, Unknown)):
            bits += MANY_BITS
        return 1 << (whole if bits is None else min(max(bits, 0), whole))

    def _add(self, family: int, interval: Interval) -> None:
        (self._v4 if family == IPV4 else self._v6).append(interval)

    def add_service_list(self, identifier: str) -> bool:
        """Add a prefix list if it is one of AWS's services', whose addresses change; return whether it is."""
        service = service_of(identifier)
        if service is not None:
            reason = f"the addresses of {service} behind the prefix list {identifier} change"
            self.add_unknown(UnknownPeer(reason, LARGEST_V4, LARGEST_V6), identifier)
        return service is not None

    def add_other(self, shown: str) -> None:
        """Add a peer that is not an address of the Internet: another group, or a list of AWS's own services."""
        self.shown.append(shown)

    def add_unknown(self, peer: UnknownPeer, shown: str) -> None:
        """Add an unknown peer."""
        self.unknown.append(peer)
        self.shown.append(shown)

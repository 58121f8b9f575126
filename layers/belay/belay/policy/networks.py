"""Sets of addresses as exact unions of intervals, and which of them are the Internet."""

from collections.abc import Iterable
from functools import lru_cache

Interval = tuple[int, int]
"""First and last address, inclusive."""
AddressSet = tuple[Interval, ...]
"""Disjoint, non-adjacent intervals in order."""
Network = tuple[int, Interval]
"""4 or 6, and the addresses."""

OCTETS = {str(number): number for number in range(256)} | {"00": 0, "000": 0}
"""No other leading zeros: some readers read ``010`` as 8 and others as 10, so the caller has to report it."""

IPV4 = 4
IPV6 = 6
V4_BITS = 32
V6_BITS = 128
LONGEST_LENGTH = 9
"""Digits of a prefix length, with leading zeros."""


@lru_cache(maxsize=65_536)
def parse_network(text: str) -> Network | None:
    """Read an address block such as ``10.0.0.0/8``, or return ``None`` if it is not one.

    As EC2 does, host bits are dropped: ``10.1.2.3/0`` is ``0.0.0.0/0``. A block needs its prefix length.
    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
    """
    address, slash, length = text.strip().partition("/")
    if not slash or not length.isdecimal() or not length.isascii() or len(length) > LONGEST_LENGTH:
        return None
    if ":" in address:
        return _parse_v6(address, int(length))
    bits = V4_BITS - int(length)
    try:
        one, two, three, four = map(OCTETS.__getitem__, address.split("."))
    except (KeyError, ValueError):
        return None
    if bits < 0:
        return None
    value = one << 24 | two << 16 | three << 8 | four
    first = value >> bits << bits
    return IPV4, (first, first | (1 << bits) - 1)


def _parse_v6(address: str, length: int) -> Network | None:
    import ipaddress  # noqa: PLC0415 - most templates have no IPv6, and importing it takes longer than reading one

    try:
        value = int(ipaddress.IPv6Address(address))
    except ValueError:
        return None
    bits = V6_BITS - length
    if bits < 0:
        return None
    first = value >> bits << bits
    return IPV6, (first, first | (1 << bits) - 1)


def union(intervals: Iterable[Interval]) -> AddressSet:
    """Return the union of intervals in any order, which may overlap."""
    intervals = tuple(intervals)
    if len(intervals) < 2:  # noqa: PLR2004 - the usual rule has one peer
        return intervals
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def size(intervals: Iterable[Interval]) -> int:
    """Return the number of addresses in a set."""
    return sum([last - first + 1 for first, last in intervals])


@lru_cache(maxsize=16)
def trusted_addresses(networks: tuple[str, ...]) -> tuple[AddressSet, AddressSet]:
    """Return the addresses of each family in an application's trusted networks."""
    found = [network for network in map(parse_network, networks) if network]
    v4, v6 = [union(interval for family, interval in found if family == own) for own in (IPV4, IPV6)]
    return v4, v6


def intersection(one: AddressSet, other: AddressSet) -> AddressSet:
    """Return the addresses in both sets."""
    found: list[Interval] = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            found.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(one: AddressSet, other: AddressSet) -> AddressSet:
    """Return the addresses that are only in the first set."""
    found: list[Interval] = []
    for first, last in one:
        start = first
        for hole_first, hole_last in other:
            if hole_last < start or hole_first > last:
                continue
            if hole_first > start:
                found.append((start, hole_first - 1))
            start = hole_last + 1
        if start <= last:
            found.append((start, last))
    return tuple(found)


def _union_of(texts: str) -> AddressSet:
    networks = [parse_network(text) for text in texts.split()]
    return union(network[1] for network in networks if network is not None)


NOT_GLOBAL_V4 = _union_of(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
"""Source: https://www.iana.org/assignments/iana-ipv4-special-registry"""

INTERNET_V4 = difference(((0, (1 << V4_BITS) - 1),), NOT_GLOBAL_V4)
"""Every IPv4 address that can come from the Internet."""

# Written as numbers, the first 16 bits and the length: parsing texts would need to import ipaddress.
_ALLOCATED_V6 = (
    *((0x2001, 16), (0x2003, 18), (0x2400, 12), (0x2410, 12), (0x2600, 12), (0x2610, 23), (0x2620, 23)),
    *((0x2630, 12), (0x2800, 12), (0x2A00, 12), (0x2A10, 12), (0x2C00, 12)),
)
INTERNET_V6 = union((head << 112, (head << 112) + (1 << (V6_BITS - length)) - 1) for head, length in _ALLOCATED_V6)
"""The part of 2000::/3 that is allocated to the registries.

Source: https://www.iana.org/assignments/ipv6-unicast-address-assignments
"""

_SIZE_V4 = size(INTERNET_V4)
_SIZE_V6 = size(INTERNET_V6)


def is_internet(v4: int, v6: int) -> bool:
    """Return whether this many addresses of :data:`INTERNET_V4` or :data:`INTERNET_V6` count as the whole Internet.

    Nine tenths do: a rule with small holes is still open to the Internet.
    """
    return v4 * 10 >= _SIZE_V4 * 9 or v6 * 10 >= _SIZE_V6 * 9


@lru_cache(maxsize=4096)
def public_sizes(v4: AddressSet, v6: AddressSet) -> tuple[int, int]:
    """Return the number of public addresses in each of the two sets."""
    return size(intersection(v4, INTERNET_V4)), size(intersection(v6, INTERNET_V6))


LOOPBACK_V4 = _union_of("127.0.0.0/8")
LOOPBACK_V6 = ((1, 1),)


def is_loopback(v4: AddressSet, v6: AddressSet) -> bool:
    """Return whether the two sets have loopback addresses and no others."""
    return bool(v4 or v6) and not difference(v4, LOOPBACK_V4) and not difference(v6, LOOPBACK_V6)

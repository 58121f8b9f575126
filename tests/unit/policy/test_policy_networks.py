"""Interval unions against the standard library, and what counts as the Internet."""

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.policy.networks import (
    INTERNET_V4,
    INTERNET_V6,
    Interval,
    difference,
    intersection,
    is_internet,
    is_loopback,
    parse_network,
    public_sizes,
    size,
    union,
)

INTERVALS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 10)).map(lambda it: (it[0], it[0] + it[1])), max_size=8
)


def members(intervals: tuple[Interval, ...]) -> set[int]:
    return {address for first, last in intervals for address in range(first, last + 1)}


@given(INTERVALS, INTERVALS)
def test_unions_are_exact(one: list[Interval], other: list[Interval]) -> None:
    a, b = union(one), union(other)
    assert members(a) == {address for first, last in one for address in range(first, last + 1)}
    assert all(before[1] + 1 < after[0] for before, after in pairwise(a))
    assert members(intersection(a, b)) == members(a) & members(b)
    assert members(difference(a, b)) == members(a) - members(b)
    assert size(a) == len(members(a))


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_ipv4_blocks_are_read_as_the_standard_library_reads_them(address: ipaddress.IPv4Address, length: int) -> None:
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    assert parse_network(f"{address}/{length}") == (4, (int(network[0]), int(network[-1])))


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_ipv6_blocks_are_read_as_the_standard_library_reads_them(address: ipaddress.IPv6Address, length: int) -> None:
    network = ipaddress.ip_network(f"{address.exploded}/{length}", strict=False)
    assert parse_network(f"{address}/{length}") == (6, (int(network[0]), int(network[-1])))


NO_BLOCKS = """
0.0.0.0 0.0.0.0/ 0.0.0.0/33 1.2.3/8 256.0.0.0/8 010.0.0.0/8 a.b.c.d/8 ::/129 :: x/0 0.0.0.0/0.0.0.0 0.0.0.0/\u0660
1.2.3.4.5/8 ::g/0
"""


@pytest.mark.parametrize("text", ["", *NO_BLOCKS.split()])
def test_what_is_no_block_is_not_read(text: str) -> None:
    assert parse_network(text) is None


def opened(*texts: str) -> bool:
    networks = [network for network in map(parse_network, texts) if network]
    assert len(networks) == len(texts)
    v4 = union(interval for family, interval in networks if family == 4)
    v6 = union(interval for family, interval in networks if family == 6)
    return is_internet(*public_sizes(v4, v6))


def complement(*texts: str) -> list[str]:
    rest = [ipaddress.ip_network("0.0.0.0/0")]
    for hole in map(ipaddress.ip_network, texts):
        rest = [
            part
            for network in rest
            for part in (network.address_exclude(hole) if hole.subnet_of(network) else [network])  # type: ignore[arg-type, type-var]
        ]
    return [str(network) for network in rest]


@pytest.mark.parametrize(
    "blocks",
    [
        ["0.0.0.0/0"],
        ["10.1.2.3/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        ["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"],
        complement("10.0.0.0/8"),
        complement("10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "127.0.0.0/8", "224.0.0.0/3"),
        complement("8.8.8.8/32"),
        ["::/0"],
        ["0:0:0:0:0:0:0:0/0"],
        ["2000::/3"],
        ["2000::/4", "3000::/4"],
        ["10.0.0.0/8", "::/1"],
    ],
)
def test_the_whole_internet_is_seen(blocks: list[str]) -> None:
    assert opened(*blocks)


@pytest.mark.parametrize(
    "blocks",
    [
        ["0.0.0.0/1"],
        ["128.0.0.0/1"],
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
        ["224.0.0.0/3"],
        ["203.0.113.7/32"],
        ["fc00::/7"],
        ["fe80::/10"],
        ["2600::/12"],
        ["8000::/1"],
    ],
)
def test_a_part_of_it_is_not_the_internet(blocks: list[str]) -> None:
    assert not opened(*blocks)


def test_private_addresses_are_not_of_the_internet() -> None:
    for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"):
        network = parse_network(text)
        assert network is not None
        assert intersection((network[1],), INTERNET_V4) == ()
    assert all(first >= 0x2000 << 112 and last >> 125 == 1 for first, last in INTERNET_V6)


def test_loopback() -> None:
    assert is_loopback(((2130706433, 2130706433),), ())
    assert is_loopback((), ((1, 1),))
    assert not is_loopback((), ())
    assert not is_loopback(((2130706433, 2130706433), (1, 2)), ())

"""Security groups as EC2's DescribeSecurityGroups returns them.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from belay.policy.model import Alternative, Direction, Entry, GroupRule, Location, SecurityGroup, UnknownPeer
from belay.policy.networks import IPV4, IPV6, difference, is_internet, parse_network, size, trusted_addresses
from belay.policy.reading import Peers, read_opened
from belay.template.scope import Value
from belay.template.values import NO_VALUE

PERMISSIONS: dict[Direction, str] = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}

NARROW_V4 = frozenset(f"/{length}" for length in range(10, 33))
NARROW_V6 = frozenset([*(f"/{length}" for length in range(20, 100)), *(f"{length}" for length in range(100, 129))])
"""The last characters of blocks so small that :data:`FEW` of them are not the Internet."""
NARROW_SIZES = (1 << 22, 1 << 108)
"""The most addresses of such a block, of each family."""
FEW = 500
WHOLE = "/0"
"""The last characters of a block of all addresses."""
NOTHING: Mapping[str, Any] = {}
"""The placeholder of an omitted permission, so that later ones keep their numbers."""


class NarrowBlocks(dict[str, bool]):
    """Whether blocks are narrow, judged by their last characters, and trusted, if any are; found once for each text."""

    def __init__(self, trusted: tuple[str, ...]) -> None:
        super().__init__()
        self._trusted = trusted_addresses(trusted) if trusted else None

    def __missing__(self, block: str) -> bool:
        """Judge a block."""
        narrow = block[-3:] in (NARROW_V6 if ":" in block else NARROW_V4) and self._is_trusted(block)
        self[block] = narrow
        return narrow

    def _is_trusted(self, block: str) -> bool:
        if self._trusted is None:
            return True
        network = parse_network(block)
        if network is None:
            return False
        family, interval = network
        return not difference((interval,), self._trusted[family == IPV6])


def broad_part(
    group: Mapping[str, Any], directions: Iterable[Direction], narrow: NarrowBlocks
) -> Mapping[str, Any] | None:
    """Return the part of a group that may open it to a large network, or an untrusted one, in these directions.

    ``None`` if nothing may. Nearly all groups have only narrow blocks, and most others also ``0.0.0.0/0``, to which
    narrow blocks add nothing. A group whose blocks may add up to the Internet, or that is not in EC2's format, is
    returned unchanged.
    """
    kept: dict[str, Any] = {}
    for direction in directions:
        permissions = group.get(PERMISSIONS[direction]) or ()
        broad = _broad(permissions, narrow)
        if broad is None:
            return group
        if broad:
            kept[PERMISSIONS[direction]] = [
                permission if number in broad else NOTHING for number, permission in enumerate(permissions)
            ]
    return {"GroupId": group.get("GroupId"), "GroupName": group.get("GroupName"), **kept} if kept else None


def _broad(permissions: Sequence[Mapping[str, Any]], narrow: NarrowBlocks) -> set[int] | None:
    """Return the numbers of the permissions with a block that is not narrow; ``None`` if the others matter, too."""
    broad: set[int] = set()
    partial: list[str] = []
    count = 0
    try:
        for number, permission in enumerate(permissions):
            for source in permission["IpRanges"]:
                count += 1
                if not narrow[source["CidrIp"]]:
                    broad.add(number)
                    partial.append(source["CidrIp"])
            for source in permission["Ipv6Ranges"]:
                count += 1
                if not narrow[source["CidrIpv6"]]:
                    broad.add(number)
                    partial.append(source["CidrIpv6"])
            if permission["PrefixListIds"]:
                return None
        return None if count > FEW or (partial and _add_up(partial, count)) else broad
    except (KeyError, TypeError, AttributeError):
        return None


def _add_up(blocks: Iterable[str], narrow: int) -> bool:
    """Whether blocks that are not narrow may only with others be the Internet; each narrow one counts fully."""
    sizes = {IPV4: narrow * NARROW_SIZES[0], IPV6: narrow * NARROW_SIZES[1]}
    for block in blocks:
        if block[-2:] == WHOLE:
            continue
        network = parse_network(block)
        if network is None:
            return True
        family, interval = network
        sizes[family] += size([interval])
    return is_internet(sizes[IPV4], sizes[IPV6])


def live_groups(
    groups: Sequence[Mapping[str, Any]], prefix_lists: Mapping[str, Sequence[str]], path: str
) -> Iterator[SecurityGroup]:
    """Yield the groups of a response; ``prefix_lists`` has the blocks of each prefix list by id."""
    for group in groups:
        name = str(group.get("GroupId") or group.get("GroupName") or "?")
        place = Location(path, name, "", 0, 0)
        yield SecurityGroup(
            place,
            tuple(_entries(group, "ingress", place, prefix_lists)),
            tuple(_entries(group, "egress", place, prefix_lists)),
        )


def _entries(
    group: Mapping[str, Any], direction: Direction, place: Location, prefix_lists: Mapping[str, Sequence[str]]
) -> Iterator[Entry]:
    name = PERMISSIONS[direction]
    for number, permission in enumerate(group.get(name) or ()):
        if permission is NOTHING:
            continue
        where = Location(place.path, place.resource, f"{name}[{number}]", 0, 0)
        rules = tuple(_rules(permission, direction, where, prefix_lists))
        yield Entry({}, (Alternative({}, rules),))


def _rules(
    permission: Mapping[str, Any], direction: Direction, place: Location, prefix_lists: Mapping[str, Sequence[str]]
) -> Iterator[GroupRule]:
    opened = read_opened(*(_value(permission.get(name)) for name in ("IpProtocol", "FromPort", "ToPort")))
    for source, peers in _peers(permission, prefix_lists):
        yield peers.rule(direction, place, opened, bool(source.get("Description")))


def _peers(
    permission: Mapping[str, Any], prefix_lists: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Mapping[str, Any], Peers]]:
    for key, name, family in (("IpRanges", "CidrIp", IPV4), ("Ipv6Ranges", "CidrIpv6", IPV6)):
        for source in permission.get(key) or ():
            peers = Peers()
            peers.add_network(_value(source.get(name)), family)
            if not peers.shown:
                peers.add_unknown(UnknownPeer(f"a source has no {name}"), "?")
            yield source, peers
    for source in permission.get("PrefixListIds") or ():
        peers = Peers()
        identifier = str(source.get("PrefixListId"))
        if identifier in prefix_lists:
            peers.add_other(f"prefix list {identifier}")
            for block in prefix_lists[identifier]:
                peers.add_network(block, IPV4)
        elif not peers.add_service_list(identifier):
            peers.add_unknown(UnknownPeer(f"the entries of the prefix list {identifier} were not read"), identifier)
        yield source, peers
    for source in permission.get("UserIdGroupPairs") or ():
        peers = Peers()
        peers.add_other(f"group {source.get('GroupId') or source.get('GroupName') or '?'}")
        yield source, peers


def _value(value: object) -> Value:
    return NO_VALUE if value is None else str(value)

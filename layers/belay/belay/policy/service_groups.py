"""Ports that a service opens for its own resources, without a security group in the template.

Sources: https://docs.aws.amazon.com/eks/latest/APIReference/API_RemoteAccessConfig.html (without source groups port 22
is open to 0.0.0.0/0), https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
(SSHSourceRestriction), https://docs.aws.amazon.com/lightsail/2016-11-28/api-reference/API_PortInfo.html (an instance's
own firewall) and https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_IpPermission.html. Lightsail's API
does not document its default sources, so they are left to a person's review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from belay.policy.model import (
    ALL_PROTOCOLS,
    Alternative,
    Entry,
    GroupRule,
    Location,
    SecurityGroup,
    UnknownPeer,
    opaque_rule,
)
from belay.policy.networks import IPV4, IPV6
from belay.policy.reading import Peers, read_ports, read_protocol
from belay.template.resolver import get, items
from belay.template.resources import properties
from belay.template.scope import ListValue, MapValue, Value
from belay.template.stacks import Found
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import Budget, World, explore

SSH = ("tcp", "22", "22")
RDP = ("tcp", "3389", "3389")
ANYWHERE = "0.0.0.0/0"
BEANSTALK_NAMESPACE = "aws:autoscaling:launchconfiguration"
RESTRICTION_PARTS = 4

Opened = tuple[Value, Value, Value]
"""Protocol, first port and last port."""
Reader = Callable[[MapValue, Location, World], tuple[GroupRule, ...]]


def service_groups(found: Found, budget: Budget) -> Iterator[SecurityGroup]:
    """Yield the group that a service creates for a resource, if it has ingress rules."""
    reader = READERS.get(found.kind)
    if reader is None:
        return
    scope, node = found.body.scope, found.body.node
    place = Location(scope.document.path, found.path, "Properties", node.line, node.column)
    alternatives = tuple(
        [
            Alternative(branch.guard, branch.outcome or (opaque_rule("ingress", place, branch.reason),))
            for branch in explore(partial(_rules, found, reader, place), found.guard, scope.budget)
            if branch.given_up or branch.outcome
        ]
    )
    if alternatives:
        entries = tuple([Entry(one.guard, (one,)) for one in alternatives])
        yield SecurityGroup(place, entries, guard=found.guard, budget=budget)


def _rules(found: Found, reader: Reader, place: Location, world: World) -> tuple[GroupRule, ...]:
    given = properties(found.body, world)
    if isinstance(given, Unknown):
        return (opaque_rule("ingress", place, given.reason),)
    return reader(given, place, world)


def _node_group(given: MapValue, place: Location, world: World) -> tuple[GroupRule, ...]:
    access = get(given, "RemoteAccess", world)
    if access is NO_VALUE:
        return ()
    place = place._replace(property="Properties.RemoteAccess")
    if not isinstance(access, MapValue):
        return (_rule(SSH, access, place),)
    place = place._replace(line=access.node.line, column=access.node.column)
    groups = get(access, "SourceSecurityGroups", world)
    if groups is NO_VALUE or (isinstance(groups, ListValue) and not list(items(groups, world))):
        return (_rule(SSH, ANYWHERE, place),)
    return (_rule(SSH, groups, place),) if isinstance(groups, Unknown) else ()


def _environment(given: MapValue, place: Location, world: World) -> tuple[GroupRule, ...]:
    listed = get(given, "OptionSettings", world)
    if listed is NO_VALUE:
        return ()
    place = place._replace(property="Properties.OptionSettings")
    if not isinstance(listed, ListValue):
        return (_rule(SSH, listed, place),)
    options = dict(_options(listed, world))
    restriction = options.get("SSHSourceRestriction", NO_VALUE)
    if isinstance(restriction, str):
        protocol, first, last, source, *_ = [*map(str.strip, restriction.split(",")), *[""] * RESTRICTION_PARTS]
        return () if source.startswith("sg-") else (_rule((protocol, first, last), source, place),)
    if restriction is not NO_VALUE:
        return (_rule(SSH, restriction, place),)
    if options.get("EC2KeyName", NO_VALUE) is NO_VALUE:
        return ()
    reason = "without SSHSourceRestriction, Elastic Beanstalk decides from where SSH is allowed"
    return (_rule(SSH, Unknown("SSHSourceRestriction", reason), place),)


def _options(listed: ListValue, world: World) -> Iterator[tuple[str, Value]]:
    for option in items(listed, world):
        if isinstance(option, MapValue) and get(option, "Namespace", world) == BEANSTALK_NAMESPACE:
            name = get(option, "OptionName", world)
            if isinstance(name, str):
                yield name, get(option, "Value", world)


def _lightsail(given: MapValue, place: Location, world: World) -> tuple[GroupRule, ...]:
    networking = get(given, "Networking", world)
    ports = get(networking, "Ports", world) if isinstance(networking, MapValue) else networking
    if ports is NO_VALUE:
        default = Unknown("Networking", "without Networking, Lightsail decides which ports are open")
        return tuple(_rule(opened, default, place) for opened in (SSH, RDP))
    place = place._replace(property="Properties.Networking.Ports")
    if not isinstance(ports, ListValue):
        return (opaque_rule("ingress", place, _why(ports, "Ports")),)
    return tuple(_lightsail_port(each, place, world) for each in items(ports, world))


def _lightsail_port(port: Value, place: Location, world: World) -> GroupRule:
    if not isinstance(port, MapValue):
        return opaque_rule("ingress", place, _why(port, "an entry of Ports"))
    peers = Peers()
    for name, family in (("Cidrs", IPV4), ("Ipv6Cidrs", IPV6)):
        listed = get(port, name, world)
        for each in items(listed, world) if isinstance(listed, ListValue) else (listed,):
            peers.add_network(each, family)
    if get(port, "CidrListAliases", world) is not NO_VALUE:
        peers.add_other("CidrListAliases")
    if not peers.shown:
        peers.add_unknown(UnknownPeer("it names no addresses, so Lightsail decides which are allowed"), "?")
    return _opening(_opened(port, world), peers, place)


def _game_servers(named: str, given: MapValue, place: Location, world: World) -> tuple[GroupRule, ...]:
    """Return the permissions in a fleet's property ``named``; without any, GameLift opens ports only for players."""
    permissions = get(given, named, world)
    if permissions is NO_VALUE:
        return ()
    place = place._replace(property=f"Properties.{named}")
    if not isinstance(permissions, ListValue):
        return (opaque_rule("ingress", place, _why(permissions, named)),)
    return tuple(
        _rule(_opened(each, world), get(each, "IpRange", world), place)
        if isinstance(each, MapValue)
        else opaque_rule("ingress", place, _why(each, f"an entry of {named}"))
        for each in items(permissions, world)
    )


def _opened(entry: MapValue, world: World) -> Opened:
    return get(entry, "Protocol", world), get(entry, "FromPort", world), get(entry, "ToPort", world)


def _why(value: Value, name: str) -> str:
    return value.reason if isinstance(value, Unknown) else f"{name} does not have the type that the service expects"


def _rule(opened: Opened, source: Value, place: Location) -> GroupRule:
    peers = Peers()
    peers.add_network(source, None)
    if not peers.shown:
        peers.add_unknown(UnknownPeer("it names no peer"), "?")
    return _opening(opened, peers, place)


def _opening(opened: Opened, peers: Peers, place: Location) -> GroupRule:
    protocol, reason = read_protocol(ALL_PROTOCOLS if opened[0] == "all" else opened[0])
    ports = read_ports(protocol, opened[1], opened[2])
    peer = (peers.v4, peers.v6, tuple(peers.unknown), ", ".join(peers.shown))
    return GroupRule("ingress", place, protocol, ports, *peer, described=True, reason=reason)


READERS: Final[dict[str, Reader]] = {
    "AWS::EKS::Nodegroup": _node_group,
    "AWS::ElasticBeanstalk::ConfigurationTemplate": _environment,
    "AWS::ElasticBeanstalk::Environment": _environment,
    "AWS::GameLift::ContainerFleet": partial(_game_servers, "InstanceInboundPermissions"),
    "AWS::GameLift::Fleet": partial(_game_servers, "EC2InboundPermissions"),
    "AWS::Lightsail::Instance": _lightsail,
}

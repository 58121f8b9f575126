"""Ports that a service opens for its own resources, without a security group in the template.

Sources: https://docs.aws.amazon.com/eks/latest/APIReference/API_RemoteAccessConfig.html (without source groups port 22
is open to 0.0.0.0/0), https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
(SSHSourceRestriction), https://docs.aws.amazon.com/lightsail/2016-11-28/api-reference/API_PortInfo.html (an instance's
own firewall) and https://docs.aws.amazon.com/gameliftservers/latest/apireference/API_IpPermission.html. Lightsail's API
does not document its default sources, so they are left to a person's review. So is what the replication servers of
Elastic Disaster Recovery open, port 1500 (https://docs.aws.amazon.com/drs/latest/userguide/Network-Requirements.html).

Which types have such ports was read from the descriptions and the handlers' permissions in the schemas of all 1,817
types of AWS in November 2026. Those of directories, HSMs, managed EMR endpoints, route servers and Refactor Spaces open
ports only to their own VPC; a load balancer, a container service or a streaming input is meant to be reached.
"""

from collections.abc import Callable, Collection, Iterator
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
from belay.policy.networks import IPV4, IPV6, V4_BITS, V6_BITS
from belay.policy.reading import Peers, read_opened
from belay.template.resolver import get, items, settled
from belay.template.resources import properties
from belay.template.scope import ListValue, MapValue, Value
from belay.template.stacks import Found
from belay.template.values import NO_VALUE, Unknown
from belay.template.world import Budget, World, explore

SSH = ("tcp", "22", "22")
RDP = ("tcp", "3389", "3389")
REPLICATION = ("tcp", "1500", "1500")
DATABASES = {"mysql": ("tcp", "3306", "3306"), "postgres": ("tcp", "5432", "5432")}
ANYWHERE = "0.0.0.0/0"
WINDOWS = "WINDOWS"
CONFIGURATION_TEMPLATE = "AWS::ElasticBeanstalk::ConfigurationTemplate"
BEANSTALK_NAMESPACE = "aws:autoscaling:launchconfiguration"
RESTRICTION = "SSHSourceRestriction"
KEY_NAME = "EC2KeyName"
RESTRICTION_PARTS = 4

Opened = tuple[Value, Value, Value]
"""Protocol, first port and last port."""
Reader = Callable[[MapValue, Location, World], tuple[GroupRule, ...]]


def service_groups(found: Found, templates: Collection[str], budget: Budget) -> Iterator[SecurityGroup]:
    """Yield the group that a service creates for a resource, if it has ingress rules.

    ``templates`` are the paths of the Elastic Beanstalk configuration templates that are checked themselves.
    """
    reader = READERS.get(found.kind)
    if found.kind in BEANSTALK:
        reader = partial(_environment, templates)
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
    opened = RDP if _is_windows(get(given, "AmiType", world), world) else SSH
    if not isinstance(access, MapValue):
        return (_rule(opened, access, place),)
    place = place._replace(line=access.node.line, column=access.node.column)
    groups = get(access, "SourceSecurityGroups", world)
    if groups is NO_VALUE or (isinstance(groups, ListValue) and not list(items(groups, world))):
        return (_rule(opened, ANYWHERE, place),)
    return (_rule(opened, groups, place),) if isinstance(groups, Unknown) else ()


def _is_windows(kind: Value, world: World) -> bool:
    """Return whether a node group runs Windows, so that RDP takes the place of SSH."""
    if not isinstance(kind, Unknown):
        return isinstance(kind, str) and kind.startswith(WINDOWS)
    start = kind.parts[0] if kind.parts else None
    if isinstance(start, str) and not WINDOWS.startswith(start):
        return start.startswith(WINDOWS)
    return world.choose(("is Windows", kind.key), (False, True))


def _environment(templates: Collection[str], given: MapValue, place: Location, world: World) -> tuple[GroupRule, ...]:
    listed = get(given, "OptionSettings", world)
    place = place._replace(property="Properties.OptionSettings")
    options: dict[str, list[Value]] = {}
    for name, value in _options(listed, world) if isinstance(listed, ListValue) else ():
        options.setdefault(name, []).append(value)
    if options.get(RESTRICTION):
        return tuple([rule for value in options[RESTRICTION] for rule in _restriction(value, place)])
    if not isinstance(listed, ListValue) and listed is not NO_VALUE:
        return (opaque_rule("ingress", place, _why(listed, "OptionSettings")),)
    if any(value is not NO_VALUE for value in options.get(KEY_NAME, ())):
        reason = f"without {RESTRICTION}, Elastic Beanstalk decides from where SSH is allowed"
        return (_rule(SSH, Unknown(RESTRICTION, reason), place),)
    saved = any(not (isinstance(each, Unknown) and each.key in templates) for each in _saved(given, world))
    reason = "the options of a saved configuration are not in the template"
    return (opaque_rule("ingress", place._replace(property="Properties"), reason),) if saved else ()


def _restriction(value: Value, place: Location) -> tuple[GroupRule, ...]:
    """Return the rule of an option such as ``tcp,22,22,10.0.0.0/8``; the source may be a group."""
    if value is NO_VALUE:
        return ()
    if not isinstance(value, str):
        ports: Value = value if isinstance(value, Unknown) else Unknown(RESTRICTION, _why(value, RESTRICTION))
        return (_rule((ports, ports, ports), value, place),)
    protocol, first, last, source, *_ = [*map(str.strip, value.split(",")), *[""] * RESTRICTION_PARTS]
    return () if source.startswith("sg-") else (_rule((protocol, first, last), source, place),)


def _options(listed: ListValue, world: World) -> Iterator[tuple[str, Value]]:
    """Yield the options about SSH by name; an option that may be the restriction is one, with an unknown value."""
    for option in items(listed, world):
        if not isinstance(option, MapValue):
            yield RESTRICTION, Unknown(RESTRICTION, _why(option, "an option"))
            continue
        namespace, name = (settled(get(option, each, world), world) for each in ("Namespace", "OptionName"))
        if not _may_be(namespace, BEANSTALK_NAMESPACE) or not _may_be(name, RESTRICTION, KEY_NAME):
            continue
        if isinstance(namespace, str) and isinstance(name, str):
            yield name, get(option, "Value", world)
        else:
            unsure = name if isinstance(namespace, str) else namespace
            yield RESTRICTION, Unknown(RESTRICTION, _why(unsure, "an option's name"))


def _may_be(value: Value, *texts: str) -> bool:
    return value in texts if isinstance(value, str) else value is not NO_VALUE


def _saved(given: MapValue, world: World) -> Iterator[Value]:
    """Yield what names a saved configuration, or an environment whose configuration is copied."""
    source = get(given, "SourceConfiguration", world)
    named = get(source, "TemplateName", world) if isinstance(source, MapValue) else source
    for value in (named, get(given, "TemplateName", world), get(given, "EnvironmentId", world)):
        if value is not NO_VALUE:
            yield value


def _database(given: MapValue, place: Location, world: World) -> tuple[GroupRule, ...]:
    """Return the port of a database in public mode, which lets anyone with its password connect."""
    public = settled(get(given, "PubliclyAccessible", world), world)
    if public is NO_VALUE or (isinstance(public, str) and public.lower() != "true"):
        return ()
    blueprint = get(given, "RelationalDatabaseBlueprintId", world)
    named = [
        opened for name, opened in DATABASES.items() if not isinstance(blueprint, str) or blueprint.startswith(name)
    ]
    source: Value = ANYWHERE if isinstance(public, str) else public
    return tuple(_rule(opened, source, place._replace(property="Properties.PubliclyAccessible")) for opened in named)


def _replication(given: MapValue, place: Location, world: World) -> tuple[GroupRule, ...]:
    """Return the port of Elastic Disaster Recovery's default group, if its replication servers get it."""
    default = settled(get(given, "AssociateDefaultSecurityGroup", world), world)
    if isinstance(default, str) and default.lower() == "false":
        return ()
    reason = "Elastic Disaster Recovery decides from where its default group allows replication"
    place = place._replace(property="Properties.AssociateDefaultSecurityGroup")
    return (_rule(REPLICATION, Unknown("AssociateDefaultSecurityGroup", reason), place),)


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
    listed_by = {IPV4: get(port, "Cidrs", world), IPV6: get(port, "Ipv6Cidrs", world)}
    only_aliases = get(port, "CidrListAliases", world) is not NO_VALUE and set(listed_by.values()) == {NO_VALUE}
    for family, listed in listed_by.items():
        for each in items(listed, world) if isinstance(listed, ListValue) else (listed,):
            peers.add_network(_block(each, family), family)
        if listed is NO_VALUE and not only_aliases:
            reason = f"it names no IPv{family} addresses, so Lightsail decides which are allowed"
            v4, v6 = [1 << bits if family == own else 0 for own, bits in ((IPV4, V4_BITS), (IPV6, V6_BITS))]
            peers.add_unknown(UnknownPeer(reason, v4, v6), "?")
    if only_aliases:
        peers.add_other("CidrListAliases")
    return _opening(_opened(port, world), peers, place)


def _block(value: Value, family: int) -> Value:
    """Return an address as a block: Lightsail allows both."""
    alone = isinstance(value, str) and "/" not in value
    return f"{value}/{V4_BITS if family == IPV4 else V6_BITS}" if alone else value


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
    protocol, first, last = opened
    read = read_opened(ALL_PROTOCOLS if protocol == "all" else protocol, first, last)
    return peers.rule("ingress", place, read, described=True)


BEANSTALK = frozenset({CONFIGURATION_TEMPLATE, "AWS::ElasticBeanstalk::Environment"})
READERS: Final[dict[str, Reader]] = {
    "AWS::DRS::ReplicationConfigurationTemplate": _replication,
    "AWS::EKS::Nodegroup": _node_group,
    "AWS::GameLift::ContainerFleet": partial(_game_servers, "InstanceInboundPermissions"),
    "AWS::GameLift::Fleet": partial(_game_servers, "EC2InboundPermissions"),
    "AWS::Lightsail::Database": _database,
    "AWS::Lightsail::Instance": _lightsail,
}

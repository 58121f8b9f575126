"""Security groups as a template and its nested stacks declare them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from belay.policy.model import (
    Alternative,
    Direction,
    Entry,
    Place,
    Rule,
    SecurityGroup,
    opaque_rule,
)
from belay.policy.prefix_lists import is_of_aws
from belay.policy.reading import Peers, UnknownPeer, read_ports, read_protocol
from belay.template.nodes import Node
from belay.template.resolver import (
    STACK_TYPES,
    as_text,
    child_stack,
    force,
    get,
    items,
    properties,
    resource_type,
)
from belay.template.scope import Scope
from belay.template.sections import macros, resources
from belay.template.values import NO_VALUE, Guard, Lazy, Row, Table, Unknown, Value
from belay.template.world import World, agree, explore

GROUP = "AWS::EC2::SecurityGroup"
PREFIX_LIST = "AWS::EC2::PrefixList"
STANDALONE: dict[str, Direction] = {
    "AWS::EC2::SecurityGroupIngress": "ingress",
    "AWS::EC2::SecurityGroupEgress": "egress",
}
INLINE: dict[Direction, str] = {"ingress": "SecurityGroupIngress", "egress": "SecurityGroupEgress"}
PREFIX_LIST_PROPERTIES = ("SourcePrefixListId", "DestinationPrefixListId")
GROUP_PROPERTIES = ("SourceSecurityGroupId", "SourceSecurityGroupName", "DestinationSecurityGroupId")
MANY = "it depends on more combinations of conditions than are tried"
MAX_STACKS = 200
"""Stacks that are followed in one release, nested ones each time they are made."""

HIDDEN_TYPES = {
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": "the product's template lies in Service Catalog",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """A resource of some stack, under the conditions it is made."""

    name: str
    guard: Guard
    body: Table
    kind: str


def security_groups(root: Scope) -> tuple[list[SecurityGroup], list[str]]:
    """Return the groups of a stack and its nested stacks, and the paths of the templates that were read.

    What no template shows (a nested template from elsewhere, a macro's work) is a group of which nothing is known, so
    every policy answers REVIEW with the reason.
    """
    return _Collector().collect(root)


class _Collector:
    def __init__(self) -> None:
        self._paths: dict[str, None] = {}
        self._found: list[_Found] = []
        self._groups: list[SecurityGroup] = []
        self._prefix_lists: dict[str, list[_Found]] = {}
        self._stacks = 0

    def collect(self, root: Scope) -> tuple[list[SecurityGroup], list[str]]:
        self._stack(root, {})
        for found in self._found:
            if found.kind == PREFIX_LIST:
                self._prefix_lists.setdefault(found.body.scope.key(found.name), []).append(found)
        attached = self._standalone()
        for found in self._found:
            if found.kind == GROUP:
                self._groups.append(self._group(found, attached))
        for owner, per_direction in attached.items():
            first = next(iter(per_direction.values()))[0]
            place = next(rule.place for alternative in first for rule in alternative.rules)
            self._groups.append(
                SecurityGroup(
                    place, tuple(per_direction.get("ingress", ())), tuple(per_direction.get("egress", ())), whole=False
                )
            )
            del owner
        return self._groups, list(self._paths)

    def _stack(self, scope: Scope, given: Guard) -> None:
        self._stacks += 1
        document = scope.document
        self._paths[document.path] = None
        for macro in macros(document):
            node = document.root.entries["Transform"]
            name = scope.key("Transform")
            self._opaque(scope, name, node, given, f"the macro {macro} may rewrite the template when it is deployed")
        hidden = document.root.entries.get("Fn::Transform")
        if hidden is not None:
            reason = "Fn::Transform may put anything into the template when it is deployed"
            self._opaque(scope, scope.key("Fn::Transform"), hidden, given, reason)
        for resource in resources(scope, given):
            name = scope.key(resource.name)
            if isinstance(resource.body, Unknown):
                node = document.section("Resources").entries.get(resource.name, document.section("Resources"))
                self._opaque(scope, name, node, resource.guard, resource.body.reason)
                continue
            self._resource(resource.name, resource.guard, resource.body)

    def _resource(self, name: str, guard: Guard, body: Table) -> None:
        kind = resource_type(body) or ""
        if kind == GROUP or kind == PREFIX_LIST or kind in STANDALONE:
            self._found.append(_Found(name, guard, body, kind))
        elif kind in STACK_TYPES:
            self._child(name, guard, body)
        elif kind in HIDDEN_TYPES:
            self._opaque(body.scope, body.scope.key(name), body.node, guard, HIDDEN_TYPES[kind])
        elif kind.endswith("::MODULE"):
            reason = f"the module {kind} may hold anything"
            self._opaque(body.scope, body.scope.key(name), body.node, guard, reason)

    def _child(self, name: str, guard: Guard, body: Table) -> None:
        if self._stacks >= MAX_STACKS:
            self._opaque(body.scope, body.scope.key(name), body.node, guard, f"there are more than {MAX_STACKS} stacks")
            return
        for course in explore(lambda world: child_stack(name, body, world), guard):
            if isinstance(course.outcome, Scope):
                self._stack(course.outcome, course.guard)
            else:
                reason = course.outcome.reason if course.outcome else MANY
                self._opaque(body.scope, body.scope.key(name), body.node, course.guard, reason)

    def _opaque(self, scope: Scope, name: str, node: Node, guard: Guard, reason: str) -> None:
        place = Place(scope.document.path, name, "", node.line, node.column)
        self._groups.append(
            SecurityGroup(
                place,
                ((Alternative(guard, (opaque_rule("ingress", place, reason),)),),),
                ((Alternative(guard, (opaque_rule("egress", place, reason),)),),),
                whole=False,
            )
        )

    def _group(self, found: _Found, attached: dict[str, dict[Direction, list[Entry]]]) -> SecurityGroup:
        key = found.body.scope.key(found.name)
        place = _place(found, "", found.body.node)
        more = attached.pop(key, {})
        ingress = (*self._inline(found, "ingress"), *more.get("ingress", ()))
        egress = (*self._inline(found, "egress"), *more.get("egress", ()))
        return SecurityGroup(place, ingress, egress, guards=(found.guard,))

    def _inline(self, found: _Found, direction: Direction) -> Iterator[Entry]:
        name = INLINE[direction]

        def listed(world: World) -> tuple[Lazy, ...] | Unknown:
            given = properties(found.body, world)
            value = get(given, name, world) if isinstance(given, Table) else given
            if isinstance(value, Row):
                return tuple([item for item in value.items if isinstance(item, Lazy)])
            if isinstance(value, Table):
                return (Lazy(value.node, value.scope),)
            if value is NO_VALUE:
                return ()
            return value if isinstance(value, Unknown) else Unknown(name, f"{name} is no list of rules")

        if not _mentions(found.body, name):
            return
        for course in explore(listed, found.guard):
            if not isinstance(course.outcome, tuple):
                reason = course.outcome.reason if course.outcome else MANY
                rule = opaque_rule(direction, _place(found, name, found.body.node), reason)
                yield (Alternative(course.guard, (rule,)),)
                continue
            for number, item in enumerate(course.outcome):
                yield self._entry(found, f"{name}[{number}]", item, direction, course.guard)

    def _entry(self, found: _Found, path: str, item: Lazy, direction: Direction, guard: Guard) -> Entry:
        alternatives = []
        for course in explore(lambda world: self._rules(found, path, item, direction, world), guard):
            rules = course.outcome
            if rules is None:
                rules = (opaque_rule(direction, _place(found, path, item.node), MANY),)
            alternatives.append(Alternative(course.guard, rules))
        return tuple(alternatives)

    def _rules(
        self, found: _Found, path: str, item: Lazy | Value, direction: Direction, world: World
    ) -> tuple[Rule, ...]:
        value = force(item, world)
        if isinstance(value, Table):
            return (self._rule(found, path, value, direction, world),)
        if isinstance(value, Row):
            return tuple([rule for inner in value.items for rule in self._rules(found, path, inner, direction, world)])
        if value is NO_VALUE:
            return ()
        node = item.node if isinstance(item, Lazy) else found.body.node
        reason = value.reason if isinstance(value, Unknown) else "an entry is no rule"
        return (opaque_rule(direction, _place(found, path, node), reason),)

    def _rule(self, found: _Found, path: str, table: Table, direction: Direction, world: World) -> Rule:
        protocol, reason = read_protocol(get(table, "IpProtocol", world))
        ports = read_ports(protocol, get(table, "FromPort", world), get(table, "ToPort", world))
        peers = Peers()
        prefix = f"{path}." if path else ""
        shown, node = path, table.node
        for name, family in (("CidrIp", 4), ("CidrIpv6", 6)):
            value = get(table, name, world)
            for block in items(value, world) if isinstance(value, Row) else (value,):
                peers.add_network(block, family)
            if value is not NO_VALUE and name in table.node.entries:
                shown, node = f"{prefix}{name}", table.node.entries[name]
        for name in PREFIX_LIST_PROPERTIES:
            value = get(table, name, world)
            if value is not NO_VALUE:
                self._add_prefix_list(peers, value, world)
        for name in GROUP_PROPERTIES:
            value = get(table, name, world)
            if value is not NO_VALUE:
                peers.add_other(f"group {as_text(value) or '?'}")
        if not peers.shown:
            peers.add_unknown(UnknownPeer("the rule names no peer"), "")
        description = get(table, "Description", world)
        return Rule(
            direction,
            _place(found, shown, node),
            protocol,
            ports,
            peers.v4,
            peers.v6,
            tuple(peers.unknown),
            ", ".join(peers.shown),
            described=description is not NO_VALUE and description != "",
            reason=reason,
        )

    def _add_prefix_list(self, peers: Peers, value: Value, world: World) -> None:
        shown = as_text(value) or "?"
        if isinstance(value, str) and is_of_aws(value):
            peers.add_other(f"AWS's prefix list {value}")
            return
        lists = self._prefix_lists.get(value.key, []) if isinstance(value, Unknown) else []
        listed = next((found for found in lists if agree(found.guard, world.answers)), None)
        if listed is None:
            peers.add_unknown(UnknownPeer(f"the entries of the prefix list {shown} are not in the template"), shown)
            return
        given = properties(listed.body, world)
        rows = get(given, "Entries", world) if isinstance(given, Table) else given
        if rows is NO_VALUE:
            rows = Row(())
        if not isinstance(rows, Row):
            reason = rows.reason if isinstance(rows, Unknown) else "its entries are no list"
            peers.add_unknown(UnknownPeer(f"the prefix list {shown}: {reason}"), shown)
            return
        peers.add_other(f"prefix list {shown}")
        for row in items(rows, world):
            block = get(row, "Cidr", world) if isinstance(row, Table) else row
            peers.add_network(block, 4)

    def _standalone(self) -> dict[str, dict[Direction, list[Entry]]]:
        """Return the standalone rules by the group they are for, each with its alternatives for that group."""
        attached: dict[str, dict[Direction, list[Entry]]] = {}
        for found in self._found:
            if found.kind not in STANDALONE:
                continue
            direction = STANDALONE[found.kind]
            per_group: dict[str, list[Alternative]] = {}
            for course in explore(lambda world, it=found: self._attached(it, STANDALONE[it.kind], world), found.guard):
                place = _place(found, "", found.body.node)
                group, rule = course.outcome or (place.resource, opaque_rule(direction, place, MANY))
                per_group.setdefault(group, []).append(Alternative(course.guard, (rule,)))
            for group, alternatives in per_group.items():
                attached.setdefault(group, {}).setdefault(direction, []).append(tuple(alternatives))
        return attached

    def _attached(self, found: _Found, direction: Direction, world: World) -> tuple[str, Rule]:
        given = properties(found.body, world)
        own = found.body.scope.key(found.name)
        if isinstance(given, Unknown):
            return own, opaque_rule(direction, _place(found, "", found.body.node), given.reason)
        group = get(given, "GroupId", world)
        if group is NO_VALUE:
            group = get(given, "GroupName", world)
        key = group.key if isinstance(group, Unknown) else group if isinstance(group, str) else own
        return key, self._rule(found, "", given, direction, world)


def _mentions(body: Table, name: str) -> bool:
    """Tell whether a group's properties may hold ``name``: a quick look before the search for every course."""
    given = body.node.entries.get("Properties")
    entries = getattr(given, "entries", None)
    if given is None:
        return False
    return entries is None or name in entries or any(key.startswith("Fn::") for key in entries)


def _place(found: _Found, path: str, node: Node) -> Place:
    scope = found.body.scope
    shown = f"Properties.{path}" if path else "Properties"
    return Place(scope.document.path, scope.key(found.name), shown, node.line, node.column)

"""Security groups as a template and its nested stacks declare them."""

from collections.abc import Iterator
from functools import partial

from belay.policy.attached_together import attached_together
from belay.policy.exposure import JUDGING_STEPS
from belay.policy.model import (
    Alternative,
    Direction,
    Entry,
    GroupKey,
    GroupRule,
    Location,
    SecurityGroup,
    UnknownPeer,
    opaque_rule,
)
from belay.policy.networks import IPV4, IPV6
from belay.policy.reading import Peers, read_opened
from belay.policy.same_group import ID, possibly_same_group
from belay.policy.service_groups import CONFIGURATION_TEMPLATE, service_groups
from belay.template.nodes import Node
from belay.template.resolver import force, get, items, read, settled
from belay.template.resources import properties
from belay.template.scope import Lazy, ListValue, MapValue, Scope, Value
from belay.template.stacks import Found, Hidden, StackTree
from belay.template.texts import as_text
from belay.template.values import NO_VALUE, Guard, Unknown
from belay.template.world import Budget, Explorer, World, agree, explore

GROUP = "AWS::EC2::SecurityGroup"
PREFIX_LIST = "AWS::EC2::PrefixList"
STANDALONE: dict[str, Direction] = {
    "AWS::EC2::SecurityGroupIngress": "ingress",
    "AWS::EC2::SecurityGroupEgress": "egress",
}
INLINE: dict[Direction, str] = {"ingress": "SecurityGroupIngress", "egress": "SecurityGroupEgress"}
NETWORK_PROPERTIES = {"CidrIp": IPV4, "CidrIpv6": IPV6}
FAMILIES = {"IPv4": IPV4, "IPv6": IPV6}
"""The values of a prefix list's AddressFamily."""
PREFIX_LIST_PROPERTIES = frozenset({"SourcePrefixListId", "DestinationPrefixListId"})
GROUP_PROPERTIES = frozenset({"SourceSecurityGroupId", "SourceSecurityGroupName", "DestinationSecurityGroupId"})
PEER_PROPERTIES = frozenset({*NETWORK_PROPERTIES, *PREFIX_LIST_PROPERTIES, *GROUP_PROPERTIES})


def security_groups(root: Scope) -> tuple[list[SecurityGroup], tuple[str, ...]]:
    """Return the groups of a stack and its nested stacks, and the paths of the templates that were read.

    Whatever the templates do not show (an external nested template, a macro's output) becomes a group about which
    nothing is known, so every policy's verdict is REVIEW with the reason.
    """
    return _Collector(root).collect()


class _Collector:
    def __init__(self, root: Scope) -> None:
        self._root = root
        self._explorer = Explorer(root.budget)
        self._found: list[Found] = []
        self._named: list[Found] = []
        self._groups: list[SecurityGroup] = []
        self._budget = Budget(JUDGING_STEPS)
        self._prefix_lists: dict[str, list[Found]] = {}

    def collect(self) -> tuple[list[SecurityGroup], tuple[str, ...]]:
        stacks = StackTree(self._root)
        others: list[Found] = []
        for one in stacks:
            if isinstance(one, Hidden):
                self._groups.append(_hidden(one))
                continue
            if one.kind == PREFIX_LIST:
                self._prefix_lists.setdefault(one.path, []).append(one)
            elif one.kind == GROUP or one.kind in STANDALONE:
                self._found.append(one)
            else:
                others.append(one)
        templates = frozenset(one.path for one in others if one.kind == CONFIGURATION_TEMPLATE)
        for one in others:
            self._groups += service_groups(one, templates, self._budget)
        self._named = [one for one in self._found if one.kind == GROUP and _mentions(one.body, "GroupName")]
        attached = self._standalone()
        # A group that is created under a condition is found once for each combination of answers that makes it true.
        groups: dict[GroupKey, list[SecurityGroup]] = {}
        for found in self._found:
            if found.kind == GROUP:
                key = GroupKey(found.path, known=False)
                groups.setdefault(key, []).append(self._group(found, attached.get(key, {})))
        elsewhere = {key: _elsewhere(rest, self._budget) for key, rest in attached.items() if key not in groups}
        self._groups += [group for ways in groups.values() for group in ways]
        self._groups += elsewhere.values()
        groups |= {key: [group] for key, group in elsewhere.items()}
        self._groups += [*attached_together(groups, others, self._key), *possibly_same_group(elsewhere)]
        return self._groups, stacks.templates

    def _group(self, found: Found, attached: dict[Direction, list[Entry]]) -> SecurityGroup:
        place = _place(found, "", found.body.node)
        ingress = (*self._inline(found, "ingress"), *attached.get("ingress", ()))
        egress = (*self._inline(found, "egress"), *attached.get("egress", ()))
        return SecurityGroup(place, ingress, egress, declared=True, guard=found.guard, budget=self._budget)

    def _inline(self, found: Found, direction: Direction) -> Iterator[Entry]:
        name = INLINE[direction]

        def listed(world: World) -> tuple[Value | Lazy, ...] | Unknown:
            given = properties(found.body, world)
            value = get(given, name, world) if isinstance(given, MapValue) else given
            if isinstance(value, ListValue):
                return value.items
            if isinstance(value, MapValue):
                return (Lazy(value.node, value.scope),)
            if value is NO_VALUE:
                return ()
            return value if isinstance(value, Unknown) else Unknown(name, f"{name} is not a list of rules")

        if not _mentions(found.body, name):
            return
        for branch in explore(listed, found.guard, found.body.scope.budget):
            if branch.outcome is None or isinstance(branch.outcome, Unknown):
                reason = branch.reason
                rule = opaque_rule(direction, _place(found, name, found.body.node), reason)
                yield Entry(branch.guard, (Alternative(branch.guard, (rule,)),))
                continue
            for number, item in enumerate(branch.outcome):
                yield self._entry(found, f"{name}[{number}]", item, direction, branch.guard)

    def _entry(self, found: Found, path: str, item: Value | Lazy, direction: Direction, guard: Guard) -> Entry:
        run = partial(self._rules, found, path, item, direction)
        branches = explore(run, guard, found.body.scope.budget) if guard else self._explorer.explore(run)
        alternatives = []
        for branch in branches:
            rules = branch.outcome
            if rules is None:
                rules = (opaque_rule(direction, _place(found, path, _node(found, item)), branch.reason),)
            alternatives.append(Alternative(branch.guard, rules))
        return Entry(guard, tuple(alternatives))

    def _rules(
        self, found: Found, path: str, item: Lazy | Value, direction: Direction, world: World
    ) -> tuple[GroupRule, ...]:
        value = force(item, world)
        if isinstance(value, MapValue):
            return (self._rule(found, path, value, direction, world),)
        if isinstance(value, ListValue):
            return tuple([rule for inner in value.items for rule in self._rules(found, path, inner, direction, world)])
        if value is NO_VALUE:
            return ()
        reason = value.reason if isinstance(value, Unknown) else "an entry is not a rule"
        return (opaque_rule(direction, _place(found, path, _node(found, item)), reason),)

    def _rule(self, found: Found, path: str, table: MapValue, direction: Direction, world: World) -> GroupRule:
        given = read(table, world)
        if isinstance(given, Unknown):
            return opaque_rule(direction, _place(found, path, table.node), given.reason)
        opened = read_opened(*(given.get(name, NO_VALUE) for name in ("IpProtocol", "FromPort", "ToPort")))
        peers = Peers()
        shown = path
        node: Node = table.node
        for name, value in given.items():
            if name not in PEER_PROPERTIES:
                continue
            if name in NETWORK_PROPERTIES:
                for block in items(value, world) if isinstance(value, ListValue) else (value,):
                    peers.add_network(block, NETWORK_PROPERTIES[name])
                shown = f"{path}.{name}" if path else name
                node = table.node.entries.get(name, node)
            elif name in PREFIX_LIST_PROPERTIES:
                self._add_prefix_list(peers, value, world)
            else:
                peers.add_other(f"group {as_text(value) or '?'}")
        if not peers.shown:
            peers.add_unknown(UnknownPeer("the rule names no peer"), "")
        return peers.rule(direction, _place(found, shown, node), opened, given.get("Description", "") != "")

    def _add_prefix_list(self, peers: Peers, value: Value, world: World) -> None:
        shown = as_text(value) or "?"
        if peers.add_service_list(shown):
            return
        lists = self._prefix_lists.get(value.key, []) if isinstance(value, Unknown) else []
        listed = next((found for found in lists if agree(found.guard, world.answers)), None)
        if listed is None:
            peers.add_unknown(UnknownPeer(f"the entries of the prefix list {shown} are not in the template"), shown)
            return
        given = properties(listed.body, world)
        rows = get(given, "Entries", world) if isinstance(given, MapValue) else given
        if rows is NO_VALUE:
            rows = ListValue(())
        if not isinstance(rows, ListValue):
            reason = rows.reason if isinstance(rows, Unknown) else "its entries are not a list"
            peers.add_unknown(UnknownPeer(f"the prefix list {shown}: {reason}"), shown)
            return
        peers.add_other(f"prefix list {shown}")
        family = get(given, "AddressFamily", world) if isinstance(given, MapValue) else NO_VALUE
        for row in items(rows, world):
            block = get(row, "Cidr", world) if isinstance(row, MapValue) else row
            peers.add_network(block, FAMILIES.get(family) if isinstance(family, str) else None)

    def _standalone(self) -> dict[GroupKey, dict[Direction, list[Entry]]]:
        """Return the standalone rules by their group, each with its alternatives for that group."""
        attached: dict[GroupKey, dict[Direction, list[Entry]]] = {}
        for found in self._found:
            if found.kind not in STANDALONE:
                continue
            direction = STANDALONE[found.kind]
            branches = [
                (branch.guard, branch.outcome or _given_up(found, direction, branch.reason))
                for branch in explore(partial(self._attached, found, direction), found.guard, found.body.scope.budget)
            ]
            for group in dict.fromkeys(group for _, (group, _) in branches):
                alternatives = tuple(
                    [Alternative(guard, (rule,) if owner == group else ()) for guard, (owner, rule) in branches]
                )
                attached.setdefault(group, {}).setdefault(direction, []).append(Entry(found.guard, alternatives))
        return attached

    def _attached(self, found: Found, direction: Direction, world: World) -> tuple[GroupKey, GroupRule]:
        given = properties(found.body, world)
        own = GroupKey(found.path, known=False)
        if isinstance(given, Unknown):
            return own, opaque_rule(direction, _place(found, "", found.body.node), given.reason)
        group = get(given, "GroupId", world)
        if group is NO_VALUE:
            group = get(given, "GroupName", world)
        return self._key(group, world) or own, self._rule(found, "", given, direction, world)

    def _key(self, value: Value, world: World) -> GroupKey | None:
        """Return which group a value names by id or by name; ``None`` if it is neither."""
        value = settled(value, world)
        if isinstance(value, Unknown):
            return GroupKey(value.key, known=False)
        if not isinstance(value, str):
            return None
        for found in self._named if not value.startswith(ID) else ():
            if agree(found.guard, world.answers):
                given = properties(found.body, world)
                if isinstance(given, MapValue) and settled(get(given, "GroupName", world), world) == value:
                    return GroupKey(found.path, known=False)
        return GroupKey(value, known=True)


def _given_up(found: Found, direction: Direction, reason: str) -> tuple[GroupKey, GroupRule]:
    return GroupKey(found.path, known=False), opaque_rule(direction, _place(found, "", found.body.node), reason)


def _hidden(hidden: Hidden) -> SecurityGroup:
    """Return a group about which nothing is known."""
    place = Location(hidden.scope.document.path, hidden.path, "", hidden.node.line, hidden.node.column)
    rules = [opaque_rule(direction, place, hidden.reason) for direction in INLINE]
    ingress, egress = [(Entry(hidden.guard, (Alternative(hidden.guard, (rule,)),)),) for rule in rules]
    return SecurityGroup(place, ingress, egress, declared=True)


def _elsewhere(entries: dict[Direction, list[Entry]], budget: Budget) -> SecurityGroup:
    """Return the visible part of a group that is created elsewhere: its standalone rules."""
    listed = [entry for per_direction in entries.values() for entry in per_direction]
    place = next(rule.place for entry in listed for one in entry.alternatives for rule in one.rules)
    return SecurityGroup(place, tuple(entries.get("ingress", ())), tuple(entries.get("egress", ())), budget=budget)


def _mentions(body: MapValue, name: str) -> bool:
    """Return whether a group's properties may have ``name``: a quick test before exploring every branch."""
    given = body.node.entries.get("Properties")
    entries = getattr(given, "entries", None)
    if given is None:
        return False
    return entries is None or name in entries or any(key == "Ref" or key.startswith("Fn::") for key in entries)


def _node(found: Found, item: Value | Lazy) -> Node:
    return item.node if isinstance(item, Lazy) else found.body.node


def _place(found: Found, path: str, node: Node) -> Location:
    scope = found.body.scope
    shown = f"Properties.{path}" if path else "Properties"
    return Location(scope.document.path, scope.key(found.name), shown, node.line, node.column)

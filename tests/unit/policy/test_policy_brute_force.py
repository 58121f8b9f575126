"""The resolver against brute force: random templates, evaluated one by one under every value of every parameter."""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings

TODAY = date(2026, 1, 1)
BLOCKS = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.1.2.3/0", "192.168.0.0/16"]
FLAGS = ["blue", "green", "red"]
PORTS = ["22", "80", "3389"]
NOTHING = {"Ref": "AWS::NoValue"}
CONDITIONS = ["One", "Two", "Three"]
PARAMETERS = {"Block": BLOCKS, "Flag": FLAGS, "Other": FLAGS, "Port": PORTS}
MAPPINGS = {
    "Net": {flag: {"Block": block, "Port": port} for flag, block, port in zip(FLAGS, BLOCKS, PORTS, strict=False)}
}


def texts(
    domain: list[str], parameter: str, field: str | None, named: list[str] = CONDITIONS
) -> st.SearchStrategy[Any]:
    """Return expressions that come to a text of ``domain``; ``named`` are the conditions they may depend on."""
    leaves = [st.sampled_from(domain), st.just({"Ref": parameter})]
    if field:
        leaves.append(st.just({"Fn::FindInMap": ["Net", {"Ref": "Flag"}, field]}))
    leaf = st.one_of(leaves)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            *([st.tuples(st.sampled_from(named), inner, inner).map(lambda it: {"Fn::If": list(it)})] if named else []),
            st.tuples(inner, inner, st.sampled_from(["0", "1"])).map(
                lambda it: {"Fn::Select": [it[2], [it[0], it[1]]]}
            ),
            inner.map(lambda it: {"Fn::Join": ["", [it]]}),
            inner.map(lambda it: {"Fn::Sub": ["${It}", {"It": it}]}),
            inner.map(lambda it: {"Fn::Select": ["0", {"Fn::Split": ["|", {"Fn::Join": ["|", [it, "x"]]}]}]}),
        ),
        max_leaves=4,
    )


FLAG = texts(FLAGS, "Flag", None, []) | st.just({"Ref": "Other"})
EQUALS = st.tuples(FLAG, FLAG).map(lambda it: {"Fn::Equals": list(it)})


def conditions(known: list[str]) -> st.SearchStrategy[Any]:
    """Return conditions that may name the ones before them."""
    leaf = EQUALS | st.sampled_from(known).map(lambda it: {"Condition": it}) if known else EQUALS
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(lambda it: {"Fn::Not": [it]}),
            st.lists(inner, min_size=2, max_size=3).map(lambda it: {"Fn::And": it}),
            st.lists(inner, min_size=2, max_size=3).map(lambda it: {"Fn::Or": it}),
        ),
        max_leaves=3,
    )


def optional(inner: st.SearchStrategy[Any], absent: Any) -> st.SearchStrategy[Any]:
    return inner | st.tuples(st.sampled_from(CONDITIONS), inner).map(lambda it: {"Fn::If": [it[0], it[1], absent]})


RULE = st.fixed_dictionaries(
    {
        "IpProtocol": st.sampled_from(["tcp", "6", "udp", "-1", -1]),
        "FromPort": texts(PORTS, "Port", "Port"),
        "ToPort": texts(PORTS, "Port", "Port"),
        "CidrIp": optional(texts(BLOCKS, "Block", "Block"), NOTHING),
        "SourceSecurityGroupId": st.just("sg-12345678"),
    }
)
RULES = optional(st.lists(optional(RULE, NOTHING), max_size=3), NOTHING)


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Return a template of one group and one standalone rule for it, each perhaps under a condition."""
    group: dict[str, Any] = {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "d", "SecurityGroupIngress": draw(RULES)},
    }
    rule: dict[str, Any] = {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {**draw(RULE), "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}},
    }
    for resource in (group, rule):
        if draw(st.booleans()):
            resource["Condition"] = draw(st.sampled_from(CONDITIONS))
    return {
        "Parameters": {name: {"Type": "String", "AllowedValues": values} for name, values in PARAMETERS.items()},
        "Mappings": MAPPINGS,
        "Conditions": {name: draw(conditions(CONDITIONS[:number])) for number, name in enumerate(CONDITIONS)},
        "Resources": {"Group": group, "Rule": rule},
    }


class Concrete:
    """A template under one value of every parameter: small, slow and written without the engine."""

    def __init__(self, template: Mapping[str, Any], values: Mapping[str, str]) -> None:
        self.template = template
        self.values = values

    def holds(self, condition: Any) -> bool:
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((name, argument),) = condition.items()
        match name:
            case "Condition":
                return self.holds(argument)
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all(self.holds(one) for one in argument)
            case "Fn::Or":
                return any(self.holds(one) for one in argument)
        return bool(self.value(argument[0]) == self.value(argument[1]))

    def value(self, node: Any) -> Any:  # noqa: PLR0911 - one a function
        if not isinstance(node, dict):
            return node
        ((name, argument),) = node.items()
        match name:
            case "Ref":
                return None if argument == "AWS::NoValue" else self.values[argument]
            case "Fn::If":
                return self.value(argument[1] if self.holds(argument[0]) else argument[2])
            case "Fn::FindInMap":
                return MAPPINGS[argument[0]][self.value(argument[1])][argument[2]]
            case "Fn::Join":
                return argument[0].join([self.value(one) for one in argument[1]])
            case "Fn::Split":
                return self.value(argument[1]).split(argument[0])
            case "Fn::Sub":
                return self.value(argument[1]["It"])
        listed = argument[1] if isinstance(argument[1], list) else self.value(argument[1])
        return self.value(listed[int(argument[0])])

    def made(self, name: str) -> bool:
        condition = self.template["Resources"][name].get("Condition")
        return condition is None or self.holds(condition)

    def rules(self) -> Iterator[Mapping[str, Any]]:
        if self.made("Group"):
            listed = self.conditional(self.template["Resources"]["Group"]["Properties"]["SecurityGroupIngress"])
            for rule in listed or []:
                concrete = self.conditional(rule)
                if concrete is not None:
                    yield concrete
        if self.made("Rule"):
            yield self.template["Resources"]["Rule"]["Properties"]

    def conditional(self, node: Any) -> Any:
        if isinstance(node, dict) and "Fn::If" in node:
            condition, yes, no = node["Fn::If"]
            return self.conditional(yes if self.holds(condition) else no)
        return None if node == NOTHING else node

    def opens_ssh(self) -> bool:
        networks = [
            ipaddress.ip_network(block, strict=False)
            for rule in self.rules()
            for block in [self.value(rule["CidrIp"])]
            if block is not None and self.lets_ssh_through(rule)
        ]
        return any(
            network.prefixlen == 0
            for network in ipaddress.collapse_addresses(networks)  # type: ignore[type-var]
        )

    def lets_ssh_through(self, rule: Mapping[str, Any]) -> bool:
        if str(rule["IpProtocol"]) == "-1":
            return True
        return rule["IpProtocol"] in ("tcp", "6") and (
            int(self.value(rule["FromPort"])) <= 22 <= int(self.value(rule["ToPort"]))
        )


def ssh_verdict(template: Mapping[str, Any]) -> str:
    data = json.dumps(template).encode()
    report = check_template({"t.json": data}, "t.json", {}, PolicySettings(), TODAY, defaults_apply=False)
    return str(report.summary()["t.json"]["policies"]["ssh-open"])


def brute_force(template: Mapping[str, Any]) -> str:
    names = list(PARAMETERS)
    worlds = [dict(zip(names, values, strict=True)) for values in product(*PARAMETERS.values())]
    return "FAIL" if any(Concrete(template, world).opens_ssh() for world in worlds) else "PASS"


@settings(deadline=None)
@given(templates())
def test_finite_parameters_are_decided_as_brute_force_decides_them(template: dict[str, Any]) -> None:
    assert ssh_verdict(template) == brute_force(template)


@settings(deadline=None)
@given(templates(), st.sampled_from(list(PARAMETERS)))
def test_a_parameter_open_to_any_value_never_hides_what_brute_force_finds(template: dict[str, Any], name: str) -> None:
    found = brute_force(template)
    template["Parameters"][name] = {"Type": "String"}
    verdict = ssh_verdict(template)
    # More values are possible now: a violation may appear, none may go silently.
    assert verdict in (("FAIL", "REVIEW") if found == "FAIL" else ("PASS", "FAIL", "REVIEW"))


@settings(deadline=None)
@given(templates(), st.data())
def test_values_that_are_passed_decide(template: dict[str, Any], data: st.DataObject) -> None:
    values = {name: data.draw(st.sampled_from(domain)) for name, domain in PARAMETERS.items()}
    files = {"t.json": json.dumps(template).encode()}
    report = check_template(files, "t.json", values, PolicySettings(), TODAY)
    expected = "FAIL" if Concrete(template, values).opens_ssh() else "PASS"
    assert report.summary()["t.json"]["policies"]["ssh-open"] == expected

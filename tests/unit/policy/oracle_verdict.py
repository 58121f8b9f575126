"""Brute force: what a template of ``oracle_templates`` opens under every assignment. Shares no code with the engine.

Small, slow and naive on purpose. Addresses are two halves of the Internet, as all blocks of these templates are.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from oracle_templates import PARAMETERS, Plain, written

MOST = 4096
"""Assignments that are tried; a template with more is left out."""
READINGS = {"010": ["8", "10", "010"], "1_0": ["10", "1_0"], "1.0": ["1", "1.0"], "on": ["true", "on"]}
HALVES = {"0.0.0.0/0": 3, "0.0.0.0/1": 1, "128.0.0.0/1": 2}
EVERYTHING = 3
UNKNOWN = "?"
OCTAL_PORT = "026"
HERE = ("child.yaml", "https://<bucket>.s3.amazonaws.com/<prefix>/child.yaml")
LAUNCH = "aws:autoscaling:launchconfiguration"

Rule = tuple[bool | None, int | None]
"""Whether it covers port 22, and which halves it opens; ``None`` if not known."""


class Stack:
    """One stack under one assignment."""

    def __init__(self, found: "Assignment", path: str, template: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self.found = found
        self.path = path
        self.template = template
        self.values = values

    def holds(self, condition: Any) -> bool:
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((name, argument),) = condition.items()
        assert isinstance(argument, str if name == "Condition" else list)
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Not":
            return not self.holds(argument[0])
        if name in ("Fn::And", "Fn::Or"):
            return (all if name == "Fn::And" else any)([self.holds(one) for one in argument])
        assert name == "Fn::Equals"
        return bool(self.value(argument[0]) == self.value(argument[1]))

    def value(self, node: Any, loop: Mapping[str, str] | None = None) -> Any:  # noqa: C901, PLR0911 - one for each function
        loop = loop or {}
        if isinstance(node, Plain):
            return self.found.readings.get(node, str(node))
        if isinstance(node, list):
            return [self.value(item, loop) for item in node]
        if not isinstance(node, dict) or len(node) != 1 or not next(iter(node)).startswith(("Ref", "Fn::")):
            return node
        ((name, argument),) = node.items()
        if name == "Ref":
            return self.named(argument, loop)
        if name == "Fn::If":
            return self.value(argument[1] if self.holds(argument[0]) else argument[2], loop)
        if name == "Fn::GetAtt":
            resource, attribute = argument
            return self.referred(resource) if attribute == "GroupId" else self.referred(resource, "/C")
        if name == "Fn::ImportValue":
            self.found.refused |= argument == "exported" and "Child/" not in self.found.stacks
            return "<Child/C>" if argument == "exported" else UNKNOWN
        if name == "Fn::FindInMap":
            return self.mapped(argument, loop)
        if name == "Fn::Join":
            return argument[0].join([one for one in self.value(argument[1], loop) if one is not None])
        if name == "Fn::Split":
            return self.value(argument[1], loop).split(argument[0])
        if name == "Fn::Sub":
            text, given = (argument, {}) if isinstance(argument, str) else argument
            for key in {piece.partition("}")[0] for piece in text.split("${")[1:]}:
                shown = self.value(given[key], loop) if key in given else self.named(key, loop)
                text = text.replace(f"${{{key}}}", shown)
            return text
        assert name == "Fn::Select"
        index = int(self.value(argument[0], loop))
        listed = self.value(argument[1], loop)
        return UNKNOWN if None in listed[: index + 1] else listed[index]

    def named(self, name: str, loop: Mapping[str, str]) -> Any:
        if name == "AWS::NoValue":
            return None
        special = {"ReleaseBucket": "<bucket>", "ReleasePrefix": "<prefix>", "Opaque": UNKNOWN}
        if name in loop or name in self.values or name in special:
            return {**special, **self.values, **loop}[name]
        return self.referred(name)

    def referred(self, name: str, inside: str = "") -> str:
        """Return a reference's value; CloudFormation refuses one to a resource that is not created."""
        body = self.template["Resources"][name]
        self.found.refused |= "Condition" in body and not self.holds(body["Condition"])
        return self.identity(name + inside)

    def identity(self, name: str) -> str:
        return f"<{self.path}{name}>"

    def mapped(self, argument: list[Any], loop: Mapping[str, str]) -> Any:
        table = {self.value(key): row for key, row in self.template["Mappings"][argument[0]].items()}
        row = table.get(self.value(argument[1], loop))
        if row is None:
            return self.value(argument[3]["DefaultValue"], loop)
        return row[argument[2]]

    def resources(self) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, str]]]:
        for name, body in self.template["Resources"].items():
            if not name.startswith("Fn::ForEach"):
                yield name, body, {}
                continue
            identifier, collection, bodies = body
            rounds = self.value(collection)
            ((key, inner),) = bodies.items()
            self.found.maybe |= len({key.replace("${V}", each) for each in rounds}) < len(rounds)
            for each in rounds:
                yield key.replace("${V}", each), inner, {identifier: each}

    def look(self) -> None:
        self.found.maybe |= "Modules" in self.template
        self.found.stacks.add(self.path)
        for name, body, loop in self.resources():
            if "Condition" not in body or self.holds(body["Condition"]):
                self.resource(name, body["Type"], self.value(body["Properties"], loop), loop)
        for output in self.template.get("Outputs", {}).values():
            # CloudFormation refuses one of a resource that is not created.
            self.value(output["Value"])

    def resource(self, name: str, kind: str, properties: Any, loop: Mapping[str, str]) -> None:
        own = self.identity(name)
        if kind == "AWS::EC2::SecurityGroup":
            self.found.rules.setdefault(own, []).extend(self.inline(properties))
        elif kind == "AWS::EC2::SecurityGroupIngress":
            # The only group that is referenced by name is the root's first one.
            group = self.referred("G0") if "GroupName" in properties else self.value(properties["GroupId"], loop)
            self.found.rules.setdefault(group, []).append(self.rule(properties, loop))
        elif kind == "AWS::EC2::Instance":
            listed = self.value(properties["SecurityGroupIds"])
            self.found.attached.append([one for one in listed if one is not None])
        elif kind == "AWS::CloudFormation::Stack":
            self.nested(name, properties)
        elif kind != "AWS::EC2::PrefixList":
            self.found.rules.setdefault(own, []).append(self.service(kind, properties))

    def nested(self, name: str, properties: Mapping[str, Any]) -> None:
        if self.value(properties["TemplateURL"]) not in HERE:
            self.found.maybe = True
            return
        template = self.found.files["child.yaml"]
        declared = template["Parameters"]
        values = {key: one["Default"] for key, one in declared.items() if "Default" in one}
        values |= {key: self.value(one) for key, one in properties["Parameters"].items()}
        values["All"] = values["All"].split(",")
        Stack(self.found, f"{name}/", template, values).look()

    def inline(self, properties: Any) -> Iterator[Rule]:
        if properties == UNKNOWN:
            yield None, None
            return
        listed = [value for key, value in properties.items() if key == "SecurityGroupIngress"]
        for key, value in properties.items():
            if key.startswith("Fn::ForEach"):
                listed += [rules for _ in value[1] for rules in value[2].values()]
        if len(listed) > 1:
            yield None, None
            return
        for rules in listed:
            for rule in self.value(rules) or []:
                if rule is not None:
                    yield self.rule(rule, {})

    def rule(self, rule: Mapping[str, Any], loop: Mapping[str, str]) -> Rule:
        if "SourcePrefixListId" in rule:
            listed = self.template["Resources"]["List"]["Properties"]
            whole = listed["AddressFamily"] == "IPv6" and len(listed["Entries"]) >= 8
            return True, None if whole else 0
        block = self.value(rule["CidrIp"], loop)
        halves = None if block == UNKNOWN else HALVES.get(block, 0)
        protocol = self.value(rule["IpProtocol"])
        if protocol == "-1":
            return True, halves
        if protocol == "udp":
            return False, halves
        first, last = (self.value(rule[name], loop) for name in ("FromPort", "ToPort"))
        if OCTAL_PORT in (first, last):
            known = {first, last} - {OCTAL_PORT}
            return True if known == {"22"} else False if first == "80" else None, halves
        return int(first) <= 22 <= int(last), halves

    def service(self, kind: str, properties: Mapping[str, Any]) -> Rule:
        if kind == "AWS::EKS::Nodegroup":
            return not self.value(properties["AmiType"]).startswith("WINDOWS"), EVERYTHING
        if kind == "AWS::Lightsail::Instance":
            return True, 0 if "Ipv6Cidrs" in properties["Networking"]["Ports"][0] else None
        if kind == "AWS::ElasticBeanstalk::Environment" and "OptionSettings" in properties:
            option = self.value(properties["OptionSettings"][0])
            if option == UNKNOWN:
                return True, None
            namespace, name = (self.value(option[key]) for key in ("Namespace", "OptionName"))
            if namespace == LAUNCH and name != UNKNOWN:
                return True, HALVES.get(option["Value"].rpartition(",")[2], 0)
            return namespace in (LAUNCH, UNKNOWN), None
        return None, None


class Assignment:
    """A value of every parameter, and a reading of every scalar that has several."""

    def __init__(self, files: Mapping[str, Any], values: Mapping[str, str], readings: Mapping[str, str]) -> None:
        self.files = files
        self.readings = readings
        self.rules: dict[str, list[Rule]] = {}
        self.attached: list[list[str]] = []
        self.stacks: set[str] = set()
        self.maybe = False
        self.refused = False
        read = {name: readings[text] if isinstance(text, Plain) else text for name, text in values.items()}
        root = Stack(self, "", files["root.yaml"], read)
        if "Child" in root.template["Resources"]:
            child = root.template["Resources"]["Child"]
            made = "Condition" not in child or root.holds(child["Condition"])
            if made and root.value(child["Properties"]["TemplateURL"]) in HERE:
                self.stacks.add("Child/")
        root.look()

    def opens(self) -> bool:
        """Return whether port 22 is certainly open to the Internet."""
        return any(self.halves(groups, certain=True) == EVERYTHING for groups in self.together())

    def may_open(self) -> bool:
        return self.maybe or any(self.halves(groups, certain=False) == EVERYTHING for groups in self.together())

    def together(self) -> list[list[str]]:
        return [*([name] for name in self.rules), *self.attached]

    def halves(self, groups: list[str], *, certain: bool) -> int:
        found = 0
        for name in groups:
            for covers, halves in self.rules.get(name, ()):
                if covers is True and halves is not None:
                    found |= halves
                elif covers is not False and not certain:
                    found |= EVERYTHING if halves is None else halves
        return found


def allowed(files: Mapping[str, Any], given: Mapping[str, str] | None = None) -> set[str] | None:
    """Return the verdicts that are right; ``None`` if there are too many assignments. ``given`` are values passed."""
    root = written(files["root.yaml"])
    domains = {name: of for name, of in PARAMETERS.items() if f'"{name}"' in root or f"${{{name}}}" in root}
    declared = files["root.yaml"].get("Parameters", {})
    assert all(declared[name]["AllowedValues"] == of for name, of in domains.items() if name in declared)
    domains = {name: [given[name]] if given else of for name, of in domains.items() if name in declared}
    everything = written(files)
    readings = {text: of for text, of in READINGS.items() if text in everything or text in str(domains)}
    count = 1
    for of in (*domains.values(), *readings.values()):
        count *= len(of)
    if count > MOST:
        return None
    for resource in files["root.yaml"]["Resources"].values():
        assert "Type" in resource or isinstance(resource, list)
    right = "PASS"
    anything: set[str] = set()
    for values in product(*domains.values()):
        for read in product(*readings.values()):
            found = Assignment(files, dict(zip(domains, values, strict=True)), dict(zip(readings, read, strict=True)))
            if found.refused:
                # Any verdict is right for a stack that CloudFormation refuses.
                anything = {"FAIL", "REVIEW"}
            elif found.opens():
                # A fault of the template itself, such as a duplicate key, may hide what is open.
                return {"FAIL", "REVIEW"} if _has_faults(files) else {"FAIL"}
            elif found.may_open():
                right = "REVIEW"
    return {right, *anything}


def _has_faults(files: Mapping[str, Any]) -> bool:
    return any(sign in written(files) for sign in ('"Twice"', '"Fn::ForEach::D"', "Opaque"))

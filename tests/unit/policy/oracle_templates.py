"""Random templates over the language that the policies evaluate: each seed gives the same files of a release.

A scalar without quotes is :class:`Plain`; any other text is quoted.
"""

import json
import random
from typing import Any


class Plain(str):
    """A scalar or a key without quotes."""

    __slots__ = ()


NOTHING = {"Ref": "AWS::NoValue"}
BLOCKS = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8"]
CLOSED = "192.168.0.0/16"
PORTS = ["22", "80"]
FLAGS = ["blue", "red"]
KINDS = ["AL2023_x86_64_STANDARD", "WINDOWS_CORE_2022_x86_64"]
PARAMETERS: dict[str, list[Any]] = {
    "Block": BLOCKS[:3],
    "Other": BLOCKS[1:],
    "Port": PORTS,
    "Flag": FLAGS,
    "Color": FLAGS,
    "Index": ["0", "1"],
    "Kind": KINDS,
    "Number": [Plain("010"), "9"],
}
KIND_OF = {"block": ["Block", "Other"], "port": ["Port"], "flag": ["Flag", "Color"]}
DOMAINS = {"block": BLOCKS, "port": PORTS, "flag": FLAGS}
EQUAL_TO = [
    (Plain("010"), "8"),
    (Plain("1_0"), "10"),
    (Plain("1.0"), "1"),
    (Plain("on"), "true"),
    (Plain("010"), Plain("010")),
    ("010", "8"),
    ("on", "true"),
    ({"Ref": "Number"}, "8"),
    ({"Ref": "Number"}, Plain("010")),
]
MAPPINGS = {
    "Net": {
        "blue": {"block": "0.0.0.0/1", "port": "22", "flag": "red", "Ports": ["22"]},
        "red": {"block": "128.0.0.0/1", "port": "80", "flag": "blue", "Ports": ["80", "22"]},
    },
    "Octal": {Plain("010"): {"block": "0.0.0.0/0"}, "9": {"block": CLOSED}},
}


class Generator:
    """The files of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.conditions: list[str] = []
        self.parameters = PARAMETERS
        self.groups: list[Any] = []

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def files(self) -> dict[str, Any]:
        """Return the templates by path; the root is ``root.yaml``."""
        files = {"root.yaml": {}}
        names = self.random.sample(list(PARAMETERS), self.random.choice([2, 3, 3, 4]))
        self.parameters = {name: PARAMETERS[name] for name in names}
        nested = self.chance(0.4)
        self.groups = [{"Ref": "G0"}, {"Fn::GetAtt": ["G0", "GroupId"]}, {"Fn::Sub": "${G1}"}, {"Ref": "G1"}]
        if nested:
            self.groups += [{"Fn::GetAtt": ["Child", "Outputs.C"]}, {"Fn::ImportValue": "exported"}]
        files["root.yaml"] = self.template(["G0", "G1"], nested=nested)
        if nested:
            child = Generator(self.random.randrange(1 << 30))
            child.parameters = {"Block": BLOCKS, "Flag": FLAGS}
            files["child.yaml"] = child.child()
        return files

    def child(self) -> dict[str, Any]:
        self.groups = [{"Ref": "C"}, {"Ref": "Given"}, {"Fn::Sub": "${Given}"}]
        found = self.template(["C"], nested=False)
        names = ["Block", "Flag"]
        found["Parameters"] = {name: {"Type": "String", "Default": DOMAINS[name.lower()][-1]} for name in names}
        found["Parameters"] |= {"Given": {"Type": "String"}, "All": {"Type": "CommaDelimitedList"}}
        if self.chance(0.3):
            found["Resources"]["Listed"] = self.host({"Ref": "All"})
        found["Outputs"] = {"C": {"Value": {"Ref": "C"}, "Export": {"Name": "exported"}}}
        return found

    def template(self, groups: list[str], *, nested: bool) -> dict[str, Any]:
        self.conditions = []
        conditions: dict[str, Any] = {}
        for name in ("One", "Two"):
            conditions[name] = self.condition(2)
            self.conditions.append(name)
        resources = self.groups_and_rules(groups)
        for number in range(self.random.choice([0, 1, 1, 2])):
            resources[f"I{number}"] = self.maybe_made(self.host(self.attached()))
        if self.chance(0.12):
            resources |= self.loop()
        if nested:
            resources["Child"] = self.maybe_made(self.stack())
        if self.chance(0.12):
            resources["Special"] = self.maybe_made(self.special())
        if self.chance(0.1):
            resources |= self.prefix_list()
        used = written([conditions, resources])
        found = {
            "Parameters": {name: {"Type": "String", "AllowedValues": list(of)} for name, of in self.parameters.items()},
            "Mappings": {name: table for name, table in MAPPINGS.items() if f'"{name}"' in used},
            "Conditions": conditions,
            "Resources": resources,
        }
        if '"Opaque"' in used:
            found["Parameters"]["Opaque"] = {"Type": "String"}
        if nested:
            found["Parameters"] |= {"ReleaseBucket": {"Type": "String"}, "ReleasePrefix": {"Type": "String"}}
        return {**found, "Modules": {"Local": {"Source": "./local.yaml"}}} if self.chance(0.01) else found

    def groups_and_rules(self, groups: list[str]) -> dict[str, Any]:
        resources: dict[str, Any] = {name: self.maybe_made(self.group(name)) for name in groups}
        for number in range(self.random.choice([0, 1, 1, 2])):
            resources[f"R{number}"] = self.maybe_made(self.standalone())
            if self.chance(0.3) and "Condition" in resources[groups[0]]:
                resources[f"R{number}"]["Condition"] = resources[groups[0]]["Condition"]
        return resources

    def prefix_list(self) -> dict[str, Any]:
        family, count = self.random.choice([("IPv4", 12), ("IPv6", 12), ("IPv6", 1)])
        tail = "::/12" if family == "IPv6" else ".0.0.0/12"
        entries = [{"Cidr": {"Fn::Sub": ["${H}" + tail, {"H": {"Fn::ImportValue": f"h{n}"}}]}} for n in range(count)]
        listed = {"Type": "AWS::EC2::PrefixList", "Properties": {"AddressFamily": family, "Entries": entries}}
        rule = {"IpProtocol": "tcp", "FromPort": "22", "ToPort": "22", "SourcePrefixListId": {"Ref": "List"}}
        return {
            "List": listed,
            "L": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": "sg-1", **rule}},
        }

    def condition(self, depth: int) -> Any:
        if depth and self.chance(0.3):
            inner = [self.condition(depth - 1) for _ in range(2)]
            return {self.random.choice(["Fn::And", "Fn::Or"]): inner} if self.chance(0.7) else {"Fn::Not": inner[:1]}
        if self.conditions and self.chance(0.2):
            return {"Condition": self.random.choice(self.conditions)}
        if self.chance(0.2) and {"Flag", "Color"} <= self.parameters.keys():
            return {"Fn::Equals": [{"Ref": "Flag"}, {"Ref": "Color"}]}
        if self.chance(0.25):
            pairs = [pair for pair in EQUAL_TO if "Number" in self.parameters or not isinstance(pair[0], dict)]
            return {"Fn::Equals": list(self.random.choice(pairs))}
        return {"Fn::Equals": [self.text("flag", 1), self.text("flag", 0)]}

    def maybe_made(self, resource: dict[str, Any]) -> dict[str, Any]:
        return {**resource, "Condition": self.random.choice(self.conditions)} if self.chance(0.25) else resource

    def maybe(self, value: Any, absent: Any = NOTHING) -> Any:
        if not self.chance(0.25):
            return value
        branches = [value, absent]
        self.random.shuffle(branches)
        return {"Fn::If": [self.random.choice(self.conditions), *branches]}

    def text(self, kind: str, depth: int = 2) -> Any:  # noqa: PLR0911 - one for each kind of expression
        """Return an expression whose value is a block, a port or a flag."""
        names = [name for name in KIND_OF[kind] if name in self.parameters]
        way = self.random.randrange(12 if depth and self.conditions else 3)
        if way == 1 and names:
            return {"Ref": self.random.choice(names)}
        if way == 2 and "Flag" in self.parameters and depth:
            return {"Fn::FindInMap": ["Net", {"Ref": "Flag"}, kind]}
        if way == 3:
            return {"Fn::If": [self.random.choice(self.conditions), self.text(kind, depth - 1), self.text(kind, 0)]}
        if way == 4:
            index = (
                {"Ref": "Index"} if "Index" in self.parameters and self.chance(0.4) else self.random.choice(["0", "1"])
            )
            return {"Fn::Select": [index, [self.text(kind, depth - 1), self.text(kind, 0)]]}
        if way == 5:
            return {"Fn::Join": ["", [self.text(kind, depth - 1)]]}
        if way == 6:
            return {"Fn::Sub": ["${It}", {"It": self.text(kind, depth - 1)}]}
        if way == 7:
            split = {"Fn::Split": ["|", {"Fn::Join": ["|", ["x", self.text(kind, depth - 1)]]}]}
            return {"Fn::Select": ["1", split]}
        if way == 8 and names:
            return {"Fn::Sub": f"${{{self.random.choice(names)}}}"}
        if way == 9 and kind == "block":
            return self.odd_block()
        return self.random.choice(DOMAINS[kind])

    def odd_block(self) -> Any:
        way = self.random.randrange(4)
        if way == 0:
            return {"Fn::Select": [Plain("010"), [*[CLOSED] * 8, self.text("block", 0), CLOSED, self.text("block", 0)]]}
        if way == 1:
            key = self.random.choice(["8", "9", "10", Plain("010")])
            return {"Fn::FindInMap": ["Octal", key, "block", {"DefaultValue": CLOSED}]}
        if way == 2 and "Number" in self.parameters:
            return {"Fn::FindInMap": ["Octal", {"Ref": "Number"}, "block"]}
        return {"Fn::Select": ["1", [{"Fn::If": [self.conditions[0], CLOSED, NOTHING]}, CLOSED, self.text("block", 0)]]}

    def rule(self) -> dict[str, Any]:
        port = Plain("026") if self.chance(0.02) else self.text("port")
        return {
            "IpProtocol": self.random.choice(["tcp", "tcp", "6", "udp", "-1", Plain("-1")]),
            "FromPort": port,
            "ToPort": port if self.chance(0.7) else self.text("port"),
            "CidrIp": self.text("block"),
        }

    def rules(self) -> Any:
        return self.maybe([self.maybe(self.rule()) for _ in range(self.random.choice([0, 1, 1, 2]))])

    def group(self, name: str) -> dict[str, Any]:
        named = {"GroupDescription": "d", "GroupName": f"the-{name}"}
        properties: Any = {**named, "SecurityGroupIngress": self.rules()}
        if self.chance(0.05):
            keep = {} if self.chance(0.5) else {"SecurityGroupIngress": [self.rule()]}
            loop = ["D", ["Ingress"], {"SecurityGroup${D}": [self.rule()]}]
            properties = {**named, "Fn::ForEach::D": loop, **keep}
        elif self.chance(0.1):
            properties = {"Fn::If": [self.random.choice(self.conditions), properties, named]}
        elif self.chance(0.02):
            properties = {"Ref": "Opaque"}
        return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}

    def one_group(self) -> Any:
        one = self.random.choice(self.groups)
        if self.chance(0.2):
            return {"Fn::If": [self.random.choice(self.conditions), one, self.random.choice(self.groups)]}
        return one

    def standalone(self) -> dict[str, Any]:
        by_name = self.chance(0.1) and {"Ref": "G0"} in self.groups
        group = {"GroupName": "the-G0"} if by_name else {"GroupId": self.one_group()}
        return {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {**group, **self.rule()}}

    def host(self, groups: Any) -> dict[str, Any]:
        return {"Type": "AWS::EC2::Instance", "Properties": {"SecurityGroupIds": groups}}

    def attached(self) -> Any:
        listed = [self.maybe(self.one_group()) for _ in range(2)]
        way = self.random.randrange(4)
        if way == 0:
            return {"Fn::If": [self.random.choice(self.conditions), listed, [self.one_group()]]}
        if way == 1:
            pair = [self.random.choice(self.groups) for _ in range(2)]
            return {"Fn::Split": [",", {"Fn::Join": [",", pair]}]}
        return listed

    def loop(self) -> dict[str, Any]:
        flag = {"Ref": "Flag"} if "Flag" in self.parameters else "red"
        collection = self.random.choice([PORTS, ["22"], {"Fn::FindInMap": ["Net", flag, "Ports"]}])
        rule = {**self.rule(), "FromPort": {"Ref": "V"}, "ToPort": {"Fn::Sub": "${V}"}, "GroupId": self.one_group()}
        key = "Twice" if self.chance(0.2) else "L${V}"
        body = {key: {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule}}
        return {"Fn::ForEach::L": ["V", collection, body]}

    def stack(self) -> dict[str, Any]:
        url = self.random.choices(
            [
                "child.yaml",
                {"Fn::Sub": "https://${ReleaseBucket}.s3.amazonaws.com/${ReleasePrefix}/child.yaml"},
                "https://release-bucket.s3.amazonaws.com/release-prefix/child.yaml",
                "https://${ReleaseBucket}.s3.amazonaws.com/${ReleasePrefix}/child.yaml",
            ],
            [10, 10, 1, 1],
        )[0]
        own = [{"Ref": "G0"}, {"Ref": "G1"}]
        passed = {"Given": self.random.choice(own), "All": {"Fn::Join": [",", own]}}
        passed |= {name: self.text(name.lower()) for name in ("Block", "Flag") if self.chance(0.7)}
        return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": passed}}

    def special(self) -> dict[str, Any]:
        value = f"tcp,22,22,{self.random.choice(BLOCKS)}"
        launch = "aws:autoscaling:launchconfiguration"
        namespace = self.random.choice([launch, launch, "aws:ec2:vpc", {"Ref": "Opaque"}])
        name = self.random.choice(["SSHSourceRestriction", "SSHSourceRestriction", {"Fn::ImportValue": "name"}])
        option = {"Namespace": namespace, "OptionName": name, "Value": value}
        environment = [{"OptionSettings": [option]}, {"TemplateName": "saved"}, {"OptionSettings": [{"Ref": "Opaque"}]}]
        port = {"Protocol": "tcp", "FromPort": "22", "ToPort": "22", "Cidrs": ["10.0.0.0/8"]}
        ports = [port, {**port, "Ipv6Cidrs": ["fc00::/7"]}]
        kind, properties = self.random.choice(
            [
                ("AWS::LaunchWizard::Deployment", {"Name": "d"}),
                ("AWS::SageMaker::Project", {"ProjectName": "p"}),
                ("AWS::ElasticBeanstalk::Environment", self.random.choice(environment)),
                ("AWS::ElasticBeanstalk::Environment", environment[0]),
                ("AWS::Lightsail::Instance", {"Networking": {"Ports": [self.random.choice(ports)]}}),
                ("AWS::EKS::Nodegroup", {"AmiType": self.kind(), "RemoteAccess": {"Ec2SshKey": "k"}}),
                ("AWS::EKS::Nodegroup", {"AmiType": KINDS[1], "RemoteAccess": {"Ec2SshKey": "k"}}),
            ]
        )
        return {"Type": kind, "Properties": properties}

    def kind(self) -> Any:
        return {"Ref": "Kind"} if "Kind" in self.parameters else self.random.choice(KINDS)


def written(node: Any) -> str:
    """Return a template as YAML in flow style."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{written(key)}: {written(value)}" for key, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(written(item) for item in node) + "]"
    return str(node) if isinstance(node, Plain) else json.dumps(node)

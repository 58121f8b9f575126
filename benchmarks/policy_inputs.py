"""The inputs of the policy benchmarks: templates of 1 MB, live groups, and hostile templates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

GROUPS = 500
RULES = 13
PARAMETERS = {"Office": "10.60.0.0/16", "Port": "8443", "Environment": "test", "Vpc": "vpc-0123456789abcdef0"}
"""The values that are passed to :func:`with_parameters`."""

Rule = tuple[str, str]
"""The ports and the source of a rule, as written."""


def of_literals() -> str:
    """Return a template of 1 MB: 500 groups of 13 rules, all private."""
    return _template("", lambda group, number: (str(1000 + number), f"10.{group % 250}.{number}.0/24"))


def with_parameters() -> str:
    """Return the same template with a parameter, a mapping or a condition in every rule."""
    declared = """\
  Office: {Type: String}
  Port: {Type: Number, Default: 8443}
  Environment: {Type: String, Default: test, AllowedValues: [test, production]}
Mappings:
  Networks:
    test: {Office: 10.20.0.0/16}
    production: {Office: 10.40.0.0/16}
Conditions:
  IsProduction: !Equals [!Ref Environment, production]
"""
    return _template(declared, _parameterized)


def _parameterized(group: int, number: int) -> Rule:
    sources = (
        "!Ref Office",
        "!FindInMap [Networks, !Ref Environment, Office]",
        f"!If [IsProduction, 10.{group % 250}.{number}.0/24, 10.{group % 250}.0.0/16]",
        '!Sub "${Office}"',
    )
    return "!Ref Port" if number % 3 == 0 else str(1000 + number), sources[number % 4]


def _template(declared: str, rule: Callable[[int, int], Rule]) -> str:
    lines = ["AWSTemplateFormatVersion: '2010-09-09'", "Parameters:", "  Vpc:", "    Type: AWS::EC2::VPC::Id"]
    lines += [*declared.splitlines(), "Resources:"]
    for group in range(GROUPS):
        lines += [
            f"  Group{group}:",
            "    Type: AWS::EC2::SecurityGroup",
            "    Properties:",
            f"      GroupDescription: group {group}",
            "      VpcId: {Ref: Vpc}",
            "      SecurityGroupIngress:",
        ]
        for number in range(RULES):
            ports, source = rule(group, number)
            lines += [
                "      - IpProtocol: tcp",
                f"        FromPort: {ports}",
                f"        ToPort: {ports}",
                f"        CidrIp: {source}",
                f"        Description: rule number {number} of group {group} from a private range",
            ]
    return "\n".join([*lines, ""])


SINGLE_PORTS = [
    *((port, port) for port in (22, 25, 53, 80, 123, 389, 443, 636, 2049, 3306)),
    *((port, port) for port in (3389, 5432, 5601, 6379, 8080, 8443, 9090, 9200, 11211, 27017)),
]
MIXED_PORTS = [*SINGLE_PORTS[:18], (8000, 8099), (30000, 32767)]
"""Typical content of groups: services, a small range, NodePorts."""


def live_groups(ports: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return groups in the format of DescribeSecurityGroups: private, except HTTPS in every twentieth."""
    return [
        {
            "GroupId": f"sg-{group:017x}",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": first,
                    "ToPort": last,
                    "IpRanges": [{"CidrIp": _block(group, number, first), "Description": "a client"}],
                    "Ipv6Ranges": [],
                    "PrefixListIds": [],
                    "UserIdGroupPairs": [],
                }
                for number, (first, last) in enumerate(ports)
            ],
            "IpPermissionsEgress": [],
        }
        for group in range(10_000)
    ]


def _block(group: int, number: int, port: int) -> str:
    return "0.0.0.0/0" if port == 443 and group % 20 == 0 else f"10.{group % 250}.{number}.0/24"


def plainly_open(group: Mapping[str, Any]) -> bool:
    """Return what a text comparison can find: whether one rule names the whole Internet and SSH's port."""
    for rule in group["IpPermissions"]:
        if rule["IpProtocol"] == "-1" or (rule["IpProtocol"] == "tcp" and rule["FromPort"] <= 22 <= rule["ToPort"]):
            if any(source["CidrIp"] == "0.0.0.0/0" for source in rule["IpRanges"]):
                return True
            if any(source["CidrIpv6"] == "::/0" for source in rule["Ipv6Ranges"]):
                return True
    return False


OPEN_RULE = "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: %s}"


def hostile() -> Iterator[tuple[str, str]]:
    """Yield templates that are designed to be slow, by name."""
    bomb = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    yield "alias-bomb.yaml", f"a0: &a0 [x,x,x,x,x,x,x,x,x]\n{bomb}Resources: {{}}\n"
    yield "deep.yaml", "Resources: " + "[" * 100_000
    yield "deep.json", '{"Resources": ' + "[" * 100_000
    yield "fifty-megabytes.yaml", "Resources: {}\n" + "# comment\n" * (5 * 1024 * 1024)
    yield "duplicate-keys.yaml", "Resources: {}\nResources: {}\n"
    yield "dense-lists.json", '{"Resources": {}, "M": [' + "[]," * 690_000 + "[]]}"
    yield "dense-numbers.json", '{"Resources": {}, "M": [' + "1," * 1_000_000 + "1]}"
    # JSON up to the last comma, so that it is read as YAML, too.
    yield "nearly-json.json", '{"Resources": {}, "M": [' + '{"a":[]},' * 190_000 + "]}"
    yield "dense-flow.yaml", "Resources: {}\nM: [" + "1," * 1_000_000 + "1]\n"
    parameter = f"{{Type: String, AllowedPattern: '^(([a-z])+.)+[A-Z]([a-z])+$', Default: {'a' * 50_000}}}"
    yield "regular-expression.yaml", f"Parameters: {{P: {parameter}}}\n{_groups(1, 1, lambda _: '!Ref P')}"
    doubled = "".join(
        f"  C{n}: !And [!Condition C{n - 1}, !Or [!Condition C{n - 1}, !Equals [!Ref P{n}, x]]]\n" for n in range(1, 60)
    )
    names = "".join(f"  P{n}: {{Type: String}}\n" for n in range(60))
    opened = _groups(1, 1, lambda _: "!If [C59, 0.0.0.0/0, !Ref AWS::NoValue]")
    yield "conditions.yaml", f"Parameters:\n{names}Conditions:\n  C0: !Equals [!Ref P0, x]\n{doubled}{opened}"
    octal = "".join(f"    0{number:o}: {{k: 10.0.0.0/8}}\n" for number in range(8, 4308))
    asked = "Parameters: {P: {Type: String}}\n"
    found = _groups(50, 13, lambda _: "!FindInMap [M, !Ref P, k]")
    yield "octal-keys.yaml", f"{asked}Mappings:\n  M:\n{octal}{found}"
    wide = "".join(f"    k{number}: {{k: 10.0.0.0/8}}\n" for number in range(40_000))
    yield "wide-map.yaml", f"{asked}Mappings:\n  M:\n{wide}{found}"
    known = _groups(100, 60, lambda number: f"!FindInMap [M, k{number}, k]")
    yield "wide-map-of-known-keys.yaml", f"Mappings:\n  M:\n{wide}{known}"
    chosen = "".join(f"  C{number}: !Equals [!Ref P, x{number}]\n" for number in range(6_000))
    either = _groups(100, 60, lambda number: f"!If [C{number}, 10.0.0.0/8, 0.0.0.0/0]")
    yield "wide-conditions.yaml", f"{asked}Conditions:\n{chosen}{either}"
    values = ", ".join(f"10.{number // 256}.{number % 256}.0/24" for number in range(60_000))
    allowed = f"Parameters: {{P: {{Type: String, AllowedValues: [{values}]}}}}\n"
    yield "wide-allowed-values.yaml", allowed + _groups(100, 60, lambda _: "!Ref P")
    rounds = f"[X, [{', '.join(f'a{number}' for number in range(20_000))}], {{'k${{X}}': {{k: 10.0.0.0/8}}}}]"
    looped = f"Transform: AWS::LanguageExtensions\nMappings:\n  M: {{'Fn::ForEach::L': {rounds}}}\n"
    yield "loops.yaml", looped + _groups(50, 13, lambda number: f"!FindInMap [M, ka{number}, k]")
    yield "many-rules.yaml", _groups(20, 1_200, lambda number: f"{number % 32 * 8}.0.0.0/5")


def _groups(count: int, rules: int, source: Callable[[int], str]) -> str:
    lines = ["Resources:"]
    for group in range(count):
        lines += [f"  G{group}:", "    Type: AWS::EC2::SecurityGroup", "    Properties:", "      GroupDescription: d"]
        lines.append("      SecurityGroupIngress:")
        lines += [f"        - {OPEN_RULE % source(group * rules + number)}" for number in range(rules)]
    return "\n".join([*lines, ""])

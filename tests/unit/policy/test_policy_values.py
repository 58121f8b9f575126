"""What one value of one rule means for SSH, in every spelling: protocol, ports, block, and origin."""

from datetime import date

import pytest

from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings

WORLD = "0.0.0.0/0"
TEMPLATE = """{before}
Resources:
  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.0.0.0/16}}}}
  Address: {{Type: AWS::EC2::EIP}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: d
      SecurityGroupIngress:
        - IpProtocol: {protocol}
{ports}          {name}: {value}
"""


def verdict(
    value: str = WORLD,
    *,
    name: str = "CidrIp",
    protocol: str = "tcp",
    first: str | None = "22",
    last: str | None = "22",
    before: str = "",
    passed: dict[str, str] | None = None,
) -> str:
    ports = "".join(
        f"          {key}: {port}\n" for key, port in (("FromPort", first), ("ToPort", last)) if port is not None
    )
    text = TEMPLATE.format(before=before, protocol=protocol, ports=ports, name=name, value=value)
    report = check_template(
        {"t.yaml": text.encode()},
        "t.yaml",
        passed or {},
        PolicySettings(),
        date(2026, 1, 1),
        defaults_apply=bool(passed),
    )
    return str(report.summary()["t.yaml"]["policies"]["ssh-open"])


@pytest.mark.parametrize("protocol", ["tcp", "TCP", "Tcp", "6", "'6'", "'06'", "-1", "'-1'"])
def test_protocols_that_are_tcp(protocol: str) -> None:
    assert verdict(protocol=protocol) == "FAIL"


@pytest.mark.parametrize("protocol", ["udp", "17", "icmp", "1", "icmpv6", "58", "47", "0"])
def test_protocols_that_are_not(protocol: str) -> None:
    assert verdict(protocol=protocol) == "PASS"


@pytest.mark.parametrize(
    "protocol",
    ["all", "ALL", "any", "gre", "6.0", "-1.0", "0x6", "256", "tcp6", "''", "~", "!Ref AWS::NoValue", "!Ref Vpc"],
)
def test_protocols_that_ec2_does_not_document(protocol: str) -> None:
    assert verdict(protocol=protocol) == "REVIEW"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("0", "65535", "FAIL"),
        ("20", "30", "FAIL"),
        ("'20'", "'30'", "FAIL"),
        ("-1", "-1", "FAIL"),
        ("22", "-1", "FAIL"),
        (None, None, "FAIL"),
        ("22.0", "22.0", "FAIL"),
        ("!Sub '22'", "!Sub '22'", "FAIL"),
        ("!Select [0, ['22']]", "22", "FAIL"),
        ("0", "0", "PASS"),
        ("1", "21", "PASS"),
        ("23", "65535", "PASS"),
        ("23", "22", "PASS"),
        ("22", None, "REVIEW"),
        (None, "22", "REVIEW"),
        ("0x16", "0x16", "REVIEW"),
        ("0o26", "0o26", "REVIEW"),
        ("0b10110", "0b10110", "REVIEW"),
        ("026", "026", "REVIEW"),
        ("'022'", "'022'", "REVIEW"),
        ("+22", "+22", "REVIEW"),
        ("2_2", "2_2", "REVIEW"),
        ("2.2e1", "2.2e1", "REVIEW"),
        ("1:0", "30", "REVIEW"),
        ("0", "65536", "REVIEW"),
        ("-2", "30", "REVIEW"),
        ("[22]", "[22]", "REVIEW"),
        ("'{{resolve:ssm:port}}'", "'{{resolve:ssm:port}}'", "REVIEW"),
    ],
)
def test_ports(first: str | None, last: str | None, expected: str) -> None:
    assert verdict(first=first, last=last) == expected


@pytest.mark.parametrize(("first", "last"), [("8", "0"), ("-1", "-1"), ("3", "4"), ("22", "22")])
def test_types_of_icmp_are_no_ports(first: str, last: str) -> None:
    assert verdict(protocol="icmp", first=first, last=last) == "PASS"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (WORLD, "FAIL"),
        ("'0.0.0.0/0 '", "FAIL"),
        ("10.1.2.3/0", "FAIL"),
        ("255.255.255.255/0", "FAIL"),
        ("'0.0.0.0/00'", "FAIL"),
        ("000.000.000.000/0", "FAIL"),
        ("'::/0'", "FAIL"),
        ("[0.0.0.0/0]", "FAIL"),
        ("0.0.0.0/1", "PASS"),
        ("128.0.0.0/1", "PASS"),
        ("0.0.0.0/32", "PASS"),
        ("224.0.0.0/4", "PASS"),
        ("100.64.0.0/10", "PASS"),
        ("0.0.0.0", "REVIEW"),
        ("0/0", "REVIEW"),
        ("'*'", "REVIEW"),
        ("any", "REVIEW"),
        ("''", "REVIEW"),
        ("~", "REVIEW"),
        ("0.0.0.0/33", "REVIEW"),
        ("'0.0.0.0/-0'", "REVIEW"),
        ("'0.0.0.0 /0'", "REVIEW"),
        ("'0.0.0.0/\u0660'", "REVIEW"),
        ("'\uff10.0.0.0/0'", "REVIEW"),
        ("010.0.0.0/8", "REVIEW"),
        ("0.0.0.0/0,10.0.0.0/8", "REVIEW"),
    ],
)
def test_blocks_of_ipv4(value: str, expected: str) -> None:
    assert verdict(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("::/0", "FAIL"),
        ("0::0/0", "FAIL"),
        ("::0/00", "FAIL"),
        ("0:0:0:0:0:0:0:0/0", "FAIL"),
        ("0000::/0", "FAIL"),
        ("2001::/0", "FAIL"),
        ("::/1", "FAIL"),
        ("2000::/3", "FAIL"),
        ("0.0.0.0/0", "FAIL"),
        ("8000::/1", "PASS"),
        ("::ffff:0:0/96", "PASS"),
        ("2001:db8::/32", "PASS"),
        ("fc00::/7", "PASS"),
        ("fe80::/10", "PASS"),
        ("::1/128", "PASS"),
        ("::", "REVIEW"),
        ("::/129", "REVIEW"),
    ],
)
def test_blocks_of_ipv6(value: str, expected: str) -> None:
    assert verdict(f"'{value}'", name="CidrIpv6") == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SourceSecurityGroupId", "sg-1", "PASS"),
        ("SourceSecurityGroupId", "!GetAtt Group.GroupId", "PASS"),
        ("SourceSecurityGroupName", "default", "PASS"),
        ("SourcePrefixListId", "pl-12345678", "REVIEW"),
        ("SourcePrefixListId", "!ImportValue List", "REVIEW"),
        ("SourcePrefixListId", "pl-63a5400a", "PASS"),
        ("cidrIp", WORLD, "REVIEW"),
        ("CIDRIP", WORLD, "REVIEW"),
    ],
)
def test_peers_that_are_no_blocks(name: str, value: str, expected: str) -> None:
    assert verdict(value, name=name) == expected


ANY = "Parameters: {C: {Type: String}}"
MAPPED = "Mappings: {M: {us-east-1: {cidr: 0.0.0.0/0}, eu-west-1: {cidr: 10.0.0.0/8}}}"


@pytest.mark.parametrize(
    ("before", "value", "expected"),
    [
        (ANY, "!Ref C", "REVIEW"),
        ("Parameters: {C: {Type: String, Default: 10.0.0.0/8}}", "!Ref C", "REVIEW"),
        ("Parameters: {C: {Type: String, Default: 0.0.0.0/0}}", "!Ref C", "FAIL"),
        ("Parameters: {C: {Type: String, AllowedValues: [10.0.0.0/8, 0.0.0.0/0]}}", "!Ref C", "FAIL"),
        ("Parameters: {C: {Type: String, AllowedValues: [10.0.0.0/8, 192.168.0.0/16]}}", "!Ref C", "PASS"),
        ("Parameters: {C: {Type: String, AllowedPattern: '10[.].*'}}", "!Ref C", "REVIEW"),
        ("Parameters: {C: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /x}}", "!Ref C", "REVIEW"),
        ("Parameters: {C: {Type: CommaDelimitedList}}", "!Select [0, !Ref C]", "REVIEW"),
        (
            "Parameters: {C: {Type: CommaDelimitedList, Default: '10.0.0.0/8, 0.0.0.0/0'}}",
            "!Select [1, !Ref C]",
            "FAIL",
        ),
        ("Parameters: {C: {Type: List<String>, Default: 0.0.0.0/0}}", "!Ref C", "FAIL"),
        (ANY, "!Sub '${C}'", "REVIEW"),
        (ANY, "!Sub '${C}/32'", "PASS"),
        (ANY, "!Sub '10.${C}.0.0/16'", "PASS"),
        (ANY, "!Sub '${C}/0'", "FAIL"),
        (ANY, "!Sub '0.0.0.0/${C}'", "REVIEW"),
        ("", "!Sub ['${a}/${b}', {a: 0.0.0.0, b: 0}]", "FAIL"),
        ("", "!Sub '${Address.PublicIp}/32'", "PASS"),
        ("", "!Join ['/', [0.0.0.0, '0']]", "FAIL"),
        ("", "!Select [1, !Split [',', '10.0.0.0/8,0.0.0.0/0']]", "FAIL"),
        ("", "!Select [0, !Split [',', '10.0.0.0/8,0.0.0.0/0']]", "PASS"),
        ("", "!Select [0, !Cidr [0.0.0.0/0, 1, 32]]", "FAIL"),
        ("", "!Select [0, !Cidr [10.0.0.0/16, 4, 8]]", "PASS"),
        ("", "!GetAtt Vpc.CidrBlock", "PASS"),
        ("", "!GetAtt Custom.Value", "REVIEW"),
        ("", "!ImportValue Office", "REVIEW"),
        ("", "'{{resolve:ssm:/office}}'", "REVIEW"),
        ("", "!Sub '{{resolve:ssm:/${AWS::StackName}/office}}'", "REVIEW"),
        ("", "{Fn::Base64: 0.0.0.0/0}", "REVIEW"),
        ("", "{Fn::GetStackOutput: {StackName: a, OutputName: b}}", "REVIEW"),
        ("Transform: AWS::LanguageExtensions", "{Fn::ToJsonString: 0.0.0.0/0}", "REVIEW"),
        (MAPPED, "!FindInMap [M, !Ref AWS::Region, cidr]", "FAIL"),
        (MAPPED, "!FindInMap [M, eu-west-1, cidr]", "PASS"),
        (MAPPED, "!FindInMap [M, nowhere, cidr]", "REVIEW"),
        (MAPPED, "!FindInMap [M, nowhere, cidr, {DefaultValue: 0.0.0.0/0}]", "FAIL"),
        ("Conditions: {T: !Equals [a, a]}", "!If [T, 0.0.0.0/0, 10.0.0.0/8]", "FAIL"),
        ("Conditions: {T: !Equals [a, b]}", "!If [T, 0.0.0.0/0, 10.0.0.0/8]", "PASS"),
        ("Conditions: {T: !Not [!Equals [a, a]]}", "!If [T, 10.0.0.0/8, 0.0.0.0/0]", "FAIL"),
        (f"{ANY}\nConditions: {{T: !Equals [!Ref C, b]}}", "!If [T, 0.0.0.0/0, 10.0.0.0/8]", "FAIL"),
        (
            f"{ANY}\nConditions: {{T: !And [!Equals [!Ref C, b], !Equals [!Ref C, a]]}}",
            "!If [T, 0.0.0.0/0, 10.0.0.0/8]",
            "PASS",
        ),
        (
            f"{ANY}\nConditions: {{A: !Equals [!Ref C, x], T: !Or [!Condition A, !Not [!Condition A]]}}",
            "!If [T, 10.0.0.0/8, 0.0.0.0/0]",
            "PASS",
        ),
        ("", "!If [Missing, 10.0.0.0/8, 0.0.0.0/0]", "FAIL"),
    ],
)
def test_where_a_block_comes_from(before: str, value: str, expected: str) -> None:
    assert verdict(value, before=before) == expected


@pytest.mark.parametrize(
    ("before", "passed", "expected"),
    [
        ("Parameters: {C: {Type: String, Default: 0.0.0.0/0}}", {"C": "10.0.0.0/8"}, "PASS"),
        ("Parameters: {C: {Type: String, Default: 10.0.0.0/8}}", {"C": WORLD}, "FAIL"),
        ("Parameters: {C: {Type: 'AWS::SSM::Parameter::Value<String>'}}", {"C": "/office"}, "REVIEW"),
        ("Parameters: {C: {Type: String}}", {"C": "{{resolve:ssm:/office}}"}, "REVIEW"),
    ],
)
def test_what_is_really_passed_decides(before: str, passed: dict[str, str], expected: str) -> None:
    assert verdict("!Ref C", before=before, passed=passed) == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("{Type: Number}", "REVIEW"),
        ("{Type: Number, AllowedValues: [80, 22]}", "FAIL"),
        ("{Type: Number, AllowedValues: [80, 443]}", "PASS"),
        ("{Type: Number, MinValue: 1024, MaxValue: 2000}", "PASS"),
        ("{Type: Number, MinValue: 20, MaxValue: 2000}", "REVIEW"),
    ],
)
def test_a_port_that_is_a_parameter(declared: str, expected: str) -> None:
    assert verdict(first="!Ref P", last="!Ref P", before=f"Parameters: {{P: {declared}}}") == expected

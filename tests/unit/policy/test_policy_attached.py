"""Groups that are attached to one resource: which of them, by what expressions, under which conditions."""

from datetime import date

import pytest

from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report

HALF = (
    "  {name}: {{Type: AWS::EC2::SecurityGroup, Properties: {{GroupDescription: d, GroupName: {name}-group, "
    "SecurityGroupIngress: [{{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: {block}}}]}}}}\n"
)
HALVES = HALF.format(name="L", block="0.0.0.0/1") + HALF.format(name="U", block="128.0.0.0/1")
HEAD = """
Parameters: {P: {Type: String, AllowedValues: [a, b]}, T: {Type: String}, G: {Type: 'AWS::EC2::SecurityGroup::Id'}}
Conditions: {C: !Equals [!Ref P, a], N: !Not [!Condition C]}
Resources:
"""
CHILDREN = {
    "groups.yaml": f"""
Resources:
{HALVES}
Outputs:
  L: {{Value: !Ref L, Export: {{Name: lower}}}}
  U: {{Value: !Sub '${{U}}', Export: {{Name: !Sub 'the-upper'}}}}
  Both: {{Value: !Join [',', [!Ref L, !GetAtt U.GroupId]]}}
""",
    "host.yaml": """
Parameters: {Groups: {Type: 'List<AWS::EC2::SecurityGroup::Id>'}}
Resources: {Host: {Type: AWS::EC2::Instance, Properties: {SecurityGroupIds: !Ref Groups}}}
""",
    "importing.yaml": """
Resources:
  Host: {Type: AWS::EC2::Instance, Properties: {SecurityGroupIds: [!ImportValue lower, !ImportValue the-upper]}}
""",
}


def verdict(resources: str) -> str:
    files = {"root.yaml": HEAD + HALVES + resources, **CHILDREN}
    data = {path: text.encode() for path, text in files.items()}
    report = check_template(data, "root.yaml", {}, PolicySettings(), date(2026, 1, 1), defaults_apply=False)
    return Report(tuple(one for one in report.findings if one.policy == "ssh-open")).verdict.value


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("[!Ref L, !Ref U]", "FAIL"),
        ("[!Ref L, !Ref L]", "PASS"),
        ("[!Sub '${L}', !Sub '${U.GroupId}']", "FAIL"),
        ("[L-group, !Ref U]", "FAIL"),
        ("!Split [',', !Sub '${L},${U}']", "FAIL"),
        ("!Split [',', !Sub '${L},${T},${U}']", "FAIL"),
        ("!Split [',', !Join [',', [!Ref L, !GetAtt [U, GroupId]]]]", "FAIL"),
        ("[!Select [0, !Split ['|', !Sub '${L}|x']], !Ref U]", "FAIL"),
        ("[!Select [1, !Split ['|', !Sub '${L}|${G}']], !Ref U]", "PASS"),
        ("[!Select [1, [!Ref G, !Ref L]], !Ref U]", "FAIL"),
        ("!If [C, [!Ref L, !Ref U], [!Ref L]]", "FAIL"),
        ("!If [C, [!Ref L], [!Ref U]]", "PASS"),
        ("[!If [C, !Ref L, !Ref U]]", "PASS"),
        ("[!If [C, !Ref L, !Ref G], !Ref U]", "FAIL"),
        ("[!If [C, !Ref G, !Ref L], !Ref U]", "FAIL"),
        ("[!If [C, !Ref L, !Ref U], !If [C, !Ref L, !Ref U]]", "PASS"),
        ("[!If [C, !Ref L, !Ref U], !If [N, !Ref L, !Ref U]]", "FAIL"),
        ("[!If [C, !Ref AWS::NoValue, !Ref L], !If [C, !Ref U, !Ref AWS::NoValue]]", "PASS"),
    ],
)
def test_a_list_of_groups(groups: str, expected: str) -> None:
    assert verdict(f"  Host: {{Type: AWS::EC2::Instance, Properties: {{SecurityGroupIds: {groups}}}}}\n") == expected


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        ("EC2::Instance", "{SecurityGroups: [L-group], SecurityGroupIds: [!Ref U]}", "FAIL"),
        ("EC2::Instance", "{NetworkInterfaces: [{DeviceIndex: 0, GroupSet: [!Ref L, !Ref U]}]}", "FAIL"),
        ("EC2::Instance", "{NetworkInterfaces: [{GroupSet: [!Ref L]}, {GroupSet: [!Ref U]}]}", "PASS"),
        ("EC2::LaunchTemplate", "{LaunchTemplateData: !If [C, {SecurityGroupIds: [!Ref L, !Ref U]}, {}]}", "FAIL"),
        (
            "EMR::Cluster",
            "{Instances: {EmrManagedMasterSecurityGroup: !Ref L, AdditionalMasterSecurityGroups: [!Ref U]}}",
            "FAIL",
        ),
        (
            "EMR::Cluster",
            "{Instances: {EmrManagedMasterSecurityGroup: !Ref L, EmrManagedSlaveSecurityGroup: !Ref U}}",
            "PASS",
        ),
        ("EKS::Nodegroup", "{RemoteAccess: {Ec2SshKey: k, SourceSecurityGroups: [!Ref L, !Ref U]}}", "PASS"),
    ],
)
def test_properties_that_attach_groups(kind: str, properties: str, expected: str) -> None:
    assert verdict(f"  Host: {{Type: 'AWS::{kind}', Properties: {properties}}}\n") == expected


def stack(name: str, file: str, parameters: str = "{}", more: str = "") -> str:
    given = f"{{TemplateURL: {file}.yaml, Parameters: {parameters}}}"
    return f"  {name}: {{Type: AWS::CloudFormation::Stack, {more}Properties: {given}}}\n"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (stack("Host", "host", "{Groups: !Join [',', [!Ref L, !Ref U]]}"), "FAIL"),
        (stack("Host", "host", "{Groups: !Sub '${L},${T},${U}'}"), "FAIL"),
        (stack("Host", "host", "{Groups: !If [C, !Ref L, !Ref U]}"), "PASS"),
        (stack("S", "groups") + stack("Host", "host", "{Groups: !Sub '${S.Outputs.L},${S.Outputs.U}'}"), "FAIL"),
        (stack("S", "groups") + stack("Host", "host", "{Groups: !GetAtt S.Outputs.Both}"), "FAIL"),
        (stack("S", "groups") + stack("Host", "importing"), "FAIL"),
        (stack("Host", "importing") + stack("S", "groups"), "FAIL"),
        (stack("S", "groups", more="Condition: C, ") + stack("Host", "importing", more="Condition: N, "), "PASS"),
        (stack("Host", "importing"), "PASS"),
    ],
)
def test_groups_of_nested_stacks(resources: str, expected: str) -> None:
    assert verdict(resources) == expected


RULE = "{{GroupId: {group}, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: {block}}}"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("!ImportValue z", "!ImportValue z", "FAIL"),
        ("!ImportValue z", "!ImportValue y", "REVIEW"),
        ("sg-1", "sg-2", "PASS"),
        ("sg-1", "sg-1", "FAIL"),
        ("!Sub 'sg-${T}'", "!Sub 'sg-${P}'", "REVIEW"),
        ("!Sub 'sg-${T}'", "sg-1", "REVIEW"),
        ("!Select [0, !Split [',', !Sub '${L},${U}']]", "!Ref L", "FAIL"),
    ],
)
def test_rules_of_a_group_that_is_named_by_an_expression(one: str, other: str, expected: str) -> None:
    rules = [RULE.format(group=one, block="0.0.0.0/1"), RULE.format(group=other, block="128.0.0.0/1")]
    named = [f"  R{n}: {{Type: AWS::EC2::SecurityGroupIngress, Properties: {rule}}}\n" for n, rule in enumerate(rules)]
    assert verdict("".join(named)) == expected


@pytest.mark.parametrize(("attached", "verdict"), [("C", "FAIL"), ("D", "REVIEW")])
def test_an_output_of_a_template_that_is_not_there_is_the_same_group_wherever_it_is_named(
    attached: str, verdict: str
) -> None:
    template = f"""
Resources:
{HALF.format(name="L", block="0.0.0.0/1")}
  Child: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: 'https://elsewhere.example.com/child.yaml'}}}}
  Host: {{Type: AWS::EC2::Instance, Properties: {{SecurityGroupIds: [!Ref L, !GetAtt Child.Outputs.{attached}]}}}}
  Fn::ForEach::Rules:
    - V
    - ['22']
    - R${{V}}:
        Type: AWS::EC2::SecurityGroupIngress
        Properties:
          {{GroupId: !GetAtt Child.Outputs.C, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 128.0.0.0/1}}
"""
    report = check_template({"root.yaml": template.encode()}, "root.yaml", {}, PolicySettings(), date(2026, 1, 1))
    assert report.summary()["root.yaml"]["policies"]["ssh-open"] == verdict

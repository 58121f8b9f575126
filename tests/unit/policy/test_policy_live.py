"""A deployed stage: live rules compared with the templates', and groups that cannot be read."""

from datetime import date
from typing import Any

import pytest

from belay.policy.declared import declared_groups
from belay.policy.live import LiveStack, check_live
from belay.policy.settings import PolicySettings, Waiver
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.stack.resource import StackResource, resources_of

TODAY = date(2026, 1, 1)
DRIFT = "undeclared-rule"

TEMPLATE = """
Parameters:
  Office: {Type: String}
  Port: {Type: Number}
  Peer: {Type: String}
Resources:
  Bastion:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: Bastion, VpcId: vpc-1}
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Web
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}
        - {IpProtocol: TCP, FromPort: 22, ToPort: 22, SourceSecurityGroupId: !GetAtt Bastion.GroupId}
        - {IpProtocol: "6", FromPort: 8443, ToPort: 8443, CidrIp: 10.1.2.3/8}
        - {IpProtocol: tcp, FromPort: 9000, ToPort: 9000, SourcePrefixListId: pl-0123}
      SecurityGroupEgress:
        - {IpProtocol: "-1", CidrIp: 10.0.0.0/8}
"""


def stack(template: str = TEMPLATE, parameters: dict[str, str] | None = None, **ids: str) -> LiveStack:
    declared, _ = declared_groups(
        {"a.yaml": template.encode()}, "a.yaml", parameters or {}, defaults_apply=parameters is not None
    )
    resources = [StackResource(path, "AWS::EC2::SecurityGroup", group) for path, group in ids.items()]
    return LiveStack(tuple(resources), tuple(declared))


def permission(protocol: str, *ports: int, **sources: Any) -> dict[str, Any]:
    given = dict(zip(("FromPort", "ToPort"), (*ports, *ports), strict=False)) if ports else {}
    lists = {"cidr": ("IpRanges", "CidrIp"), "group": ("UserIdGroupPairs", "GroupId"), "list": ("PrefixListIds",)}
    found: dict[str, Any] = {"IpProtocol": protocol, **given}
    for kind, value in sources.items():
        name, key = (*lists[kind], "PrefixListId")[:2]
        found[name] = [{key: value, "Description": "why"}]
    return found


def group(group_id: str, ingress: list[Any], egress: list[Any] | None = None) -> dict[str, Any]:
    out = [permission("-1", cidr="0.0.0.0/0")] if egress is None else egress
    return {"GroupId": group_id, "IpPermissions": ingress, "IpPermissionsEgress": out}


AS_DECLARED = [
    permission("tcp", 443, cidr="0.0.0.0/0"),
    permission("tcp", 22, group="sg-bastion"),
    permission("tcp", 8443, cidr="10.0.0.0/8"),
    permission("tcp", 9000, list="pl-0123"),
]
OUT = [permission("-1", cidr="10.0.0.0/8")]


def check(
    stacks: list[LiveStack], groups: list[dict[str, Any]], settings: PolicySettings | None = None, **lists: list[str]
) -> Report:
    return check_live(stacks, groups, lists, settings or PolicySettings(), TODAY, path="production")


def drift(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.policy == DRIFT]


def web(
    *added: dict[str, Any], egress: list[Any] | None = None, settings: PolicySettings | None = None
) -> list[Finding]:
    live = [group("sg-web", [*AS_DECLARED, *added], egress or OUT), group("sg-bastion", [])]
    return drift(check([stack(Bastion="sg-bastion", Web="sg-web")], live, settings))


def test_a_stage_that_is_what_its_templates_say_has_not_drifted() -> None:
    assert web() == []


@pytest.mark.parametrize(
    "added",
    [
        permission("tcp", 22, cidr="0.0.0.0/0"),
        permission("tcp", 22, cidr="198.51.100.7/32"),
        permission("tcp", 22, group="sg-other"),
        permission("udp", 443, cidr="0.0.0.0/0"),
        permission("tcp", 443, 444, cidr="0.0.0.0/0"),
        permission("tcp", 8443, cidr="10.0.0.0/7"),
        permission("-1", cidr="10.0.0.0/8"),
    ],
    ids=lambda added: str({key: value for key, value in added.items() if value})[:70],
)
def test_a_rule_that_no_template_shows_is_found(added: dict[str, Any]) -> None:
    (finding,) = web(added)
    assert (finding.verdict, finding.resource, finding.property) == (Verdict.FAIL, "sg-web", "IpPermissions[4]")
    assert finding.severity is Severity.MEDIUM


def test_a_narrower_rule_is_within_what_the_template_shows() -> None:
    assert web(permission("tcp", 8443, cidr="10.9.0.0/16")) == []


def test_ec2_s_own_egress_rule_is_expected_only_where_the_template_has_none() -> None:
    assert [f.property for f in web(egress=[*OUT, permission("-1", cidr="0.0.0.0/0")])] == ["IpPermissionsEgress[1]"]


def test_drift_is_advice_until_the_operator_says_otherwise() -> None:
    added = permission("tcp", 22, cidr="198.51.100.7/32")
    assert not web(added)[0].counts
    assert web(added, settings=PolicySettings(severities={DRIFT: Severity.HIGH}))[0].counts
    assert web(added, settings=PolicySettings(disabled=frozenset({DRIFT}))) == []
    accepted = Waiver(DRIFT, "sg-web", "the office", "net", date(2026, 12, 31))
    assert web(added, settings=PolicySettings(waivers=(accepted,)))[0].waiver == "the office (net, until 2026-12-31)"
    late = Waiver(DRIFT, "sg-web", "the office", "net", date(2025, 12, 31))
    assert "has expired" in web(added, settings=PolicySettings(waivers=(late,)))[0].message


UNKNOWN = """
Resources:
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Web
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, %s}]
"""


@pytest.mark.parametrize(
    ("declared", "added"),
    [
        ("CidrIp: !ImportValue office", permission("tcp", 22, cidr="198.51.100.7/32")),
        ("SourceSecurityGroupId: !ImportValue bastion", permission("tcp", 22, group="sg-other")),
    ],
)
def test_a_rule_that_may_be_the_template_s_is_for_review(declared: str, added: dict[str, Any]) -> None:
    (finding,) = drift(check([stack(UNKNOWN % declared, Web="sg-web")], [group("sg-web", [added])]))
    assert finding.verdict is Verdict.REVIEW
    assert finding.message.startswith("Cannot be decided")


def test_entries_of_a_prefix_list_that_were_not_read_are_for_review() -> None:
    (finding,) = web(permission("tcp", 9000, list="pl-9999"))
    assert finding.verdict is Verdict.REVIEW


def test_an_unknown_rule_excuses_no_other_port() -> None:
    live = [group("sg-web", [permission("tcp", 23, cidr="198.51.100.7/32")])]
    (finding,) = drift(check([stack(UNKNOWN % "CidrIp: !ImportValue office", Web="sg-web")], live))
    assert finding.verdict is Verdict.FAIL


def test_a_template_that_cannot_be_read_leaves_it_to_people() -> None:
    template = "Transform: SomeMacro\nResources: {}"
    live = [group("sg-web", [permission("tcp", 22, cidr="198.51.100.7/32")])]
    findings = drift(check([stack(template, Web="sg-web")], live))
    assert {finding.verdict for finding in findings} == {Verdict.REVIEW}


def test_rules_of_one_stack_for_a_group_of_another_are_shown() -> None:
    standing = """
Resources:
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !ImportValue web, IpProtocol: tcp, FromPort: 5000, ToPort: 5000, CidrIp: 192.0.2.0/24}
"""
    live = [group("sg-web", [*AS_DECLARED, permission("tcp", 5000, cidr="192.0.2.0/24")], OUT)]
    assert drift(check([stack(Bastion="sg-bastion", Web="sg-web"), stack(standing)], live)) == []


def test_groups_of_others_are_judged_and_cannot_drift() -> None:
    report = check([stack(Web="sg-web")], [group("sg-foreign", [permission("tcp", 22, cidr="0.0.0.0/0")])])
    assert drift(report) == []
    assert ("sg-foreign", "ssh-open") in {(finding.resource, finding.policy) for finding in report.findings}
    assert report.verdict is Verdict.FAIL


def test_groups_that_are_not_read_are_told() -> None:
    broker = StackResource("Queue/Broker", "AWS::AmazonMQ::Broker", "b-1")
    report = check([LiveStack((broker,), ())], [])
    (finding,) = report.findings
    assert (finding.policy, finding.verdict, finding.resource) == ("unseen-groups", Verdict.REVIEW, "Queue/Broker")
    assert report.verdict is Verdict.PASS


def test_resources_are_named_by_the_path_through_nested_stacks() -> None:
    def summary(logical: str, kind: str, physical: str, status: str = "CREATE_COMPLETE") -> dict[str, str]:
        return {
            "LogicalResourceId": logical,
            "ResourceType": kind,
            "PhysicalResourceId": physical,
            "ResourceStatus": status,
        }

    summaries = {
        "root": [
            summary("Network", "AWS::CloudFormation::Stack", "child"),
            summary("Gone", "X", "y", "DELETE_COMPLETE"),
        ],
        "child": [summary("Web", "AWS::EC2::SecurityGroup", "sg-1")],
    }
    assert resources_of("root", summaries) == (
        StackResource("Network", "AWS::CloudFormation::Stack", "child"),
        StackResource("Network/Web", "AWS::EC2::SecurityGroup", "sg-1"),
    )

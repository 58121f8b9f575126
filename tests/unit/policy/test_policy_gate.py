"""The gate on templates: what is found, where, and what can only be reviewed."""

import json
from datetime import date

import pytest

from belay.errors import UnreadableTemplate
from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings, Waiver
from belay.policy.verdict import Finding, Report, Severity, Verdict

TODAY = date(2026, 1, 1)
OPEN = "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}"
CLOSED = "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}"


def group(rules: str, name: str = "Group") -> str:
    return (
        f"  {name}:\n    Type: AWS::EC2::SecurityGroup\n"
        f"    Properties:\n      GroupDescription: d\n      SecurityGroupIngress: {rules}\n"
    )


def check(
    files: dict[str, str] | str, parameters: dict[str, str] | None = None, *, defaults_apply: bool = False
) -> Report:
    texts = {"root.yaml": files} if isinstance(files, str) else files
    data = {path: text.encode() for path, text in texts.items()}
    return check_template(data, "root.yaml", parameters or {}, PolicySettings(), TODAY, defaults_apply=defaults_apply)


def ssh(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.policy == "ssh-open"]


def verdict(report: Report) -> str:
    return Report(tuple(ssh(report))).verdict.value


def reason(report: Report) -> str:
    return "\n".join(finding.message for finding in ssh(report))


def test_a_finding_says_what_where_and_how_to_fix_it() -> None:
    (finding,) = ssh(check("Resources:\n" + group(f"\n        - {CLOSED}\n        - {OPEN}")))
    assert (finding.path, finding.resource, finding.verdict) == ("root.yaml", "Group", Verdict.FAIL)
    assert (finding.line, finding.column) == (8, 63)
    assert finding.property == "Properties.SecurityGroupIngress[1].CidrIp"
    assert finding.severity is Severity.CRITICAL
    assert "TCP 22 (SSH): TCP 22 from 0.0.0.0/0" in finding.message
    assert finding.fix


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: TCP, FromPort: '22', ToPort: '22', CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: 6, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: '06', FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: -1, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: '-1', CidrIpv6: '::/0'}", "FAIL"),
        ("{IpProtocol: tcp, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: -1, ToPort: -1, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 0, ToPort: 65535, CidrIp: 10.9.8.7/0}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 20, ToPort: 22, CidrIp: !Join [/, [0.0.0.0, 0]]}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Sub '${Any}/0'}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: !Ref Any, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: [10.0.0.0/8, 0.0.0.0/0]}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: ' 0.0.0.0/0 '}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: '::/0'}", "FAIL"),
        ("{IpProtocol: udp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}", "PASS"),
        ("{IpProtocol: icmp, FromPort: -1, ToPort: -1, CidrIp: 0.0.0.0/0}", "PASS"),
        ("{IpProtocol: '47', CidrIp: 0.0.0.0/0}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 23, ToPort: 21, CidrIp: 0.0.0.0/0}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 23, ToPort: 3388, CidrIp: 0.0.0.0/0}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, SourceSecurityGroupId: !Ref Any}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, SourcePrefixListId: pl-3b927c52}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Sub '${Any}/32'}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Sub '10.${Any}.0.0/16'}", "PASS"),
        ("{IpProtocol: tcp, FromPort: !Ref High, ToPort: !Ref High, CidrIp: 0.0.0.0/0}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !GetAtt Vpc.CidrBlock}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIpv6: !Select [0, !GetAtt Vpc.Ipv6CidrBlocks]}", "PASS"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Any}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Sub '0.0.0.0/${Any}'}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !ImportValue x}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !GetAtt Custom.Cidr}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: '{{resolve:ssm:/cidr}}'}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 00.00.00.00/0}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 010.0.0.0/0}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22, ToPort: 22, SourcePrefixListId: pl-0123456789abcdef0}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 026, ToPort: 026, CidrIp: 0.0.0.0/0}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 22.0, ToPort: 22, CidrIp: 0.0.0.0/0}", "FAIL"),
        ("{IpProtocol: tcp, FromPort: !Ref Any, ToPort: !Ref Any, CidrIp: 0.0.0.0/0}", "REVIEW"),
        ("{IpProtocol: tcp, FromPort: 20, CidrIp: 0.0.0.0/0}", "REVIEW"),
        ("{IpProtocol: !Ref Any, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}", "REVIEW"),
        ("{IpProtocol: all, CidrIp: 0.0.0.0/0}", "REVIEW"),
        ("{FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}", "REVIEW"),
        ("{Fn::Transform: {Name: Any}, IpProtocol: udp}", "REVIEW"),
        ("!Ref Any", "REVIEW"),
        ("!Ref AWS::NoValue", "PASS"),
        ("text", "REVIEW"),
    ],
)
def test_one_rule(rule: str, expected: str) -> None:
    text = f"""
Parameters: {{Any: {{Type: String}}, High: {{Type: Number, MinValue: 1024, MaxValue: 65535}}}}
Resources:
  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: !Ref Any}}}}
  Custom: {{Type: Custom::Network, Properties: {{ServiceToken: arn}}}}
{group(f"[{rule}]")}"""
    assert verdict(check(text)) == expected, rule


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (group(f"!If [Never, [{OPEN}], [{CLOSED}]]"), "PASS"),
        (group(f"!If [Maybe, [{OPEN}], [{CLOSED}]]"), "FAIL"),
        (group(f"[!If [Never, {OPEN}, !Ref AWS::NoValue]]"), "PASS"),
        (group(OPEN), "FAIL"),
        (group("!Ref Any"), "REVIEW"),
        (group("None"), "REVIEW"),
        (group(f"[{OPEN}]").replace("Properties:", "Condition: Never\n    Properties:"), "PASS"),
        (group(f"[{OPEN}]").replace("Properties:", "Condition: Maybe\n    Properties:"), "FAIL"),
        (group(f"[{OPEN}]").replace("Properties:", "Condition: Unheard\n    Properties:"), "FAIL"),
        ("  Custom: {Type: Custom::Anything, Properties: {ServiceToken: arn}}\n", "PASS"),
        ("  Module: {Type: My::Network::Group::MODULE}\n", "REVIEW"),
        ("  Product: {Type: AWS::ServiceCatalog::CloudFormationProvisionedProduct}\n", "REVIEW"),
        ("  Set: {Type: AWS::CloudFormation::StackSet, Properties: {TemplateURL: 'https://x'}}\n", "REVIEW"),
        ("  Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}\n", "REVIEW"),
        ("  A: {Type: AWS::S3::Bucket, Fn::Transform: {Name: Macro}}\n", "REVIEW"),
        ("  A: {Type: AWS::S3::Bucket, Properties: {Fn::Transform: {Name: Macro}}}\n", "PASS"),
        ("  A: {Type: AWS::EC2::SecurityGroup, Properties: {Fn::Transform: {Name: Macro}}}\n", "REVIEW"),
        ("  A: {Type: !Ref Any}\n", "REVIEW"),
        ("  A: text\n", "REVIEW"),
        (
            "  In: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: sg-1, IpProtocol: tcp, FromPort: 22, "
            "ToPort: 22, CidrIp: 0.0.0.0/0}}\n",
            "FAIL",
        ),
        (
            "  Fn::ForEach::Rules: [Port, ['21', '22'], {'In${Port}': {Type: AWS::EC2::SecurityGroupIngress, "
            "Properties: {GroupId: sg-1, IpProtocol: tcp, FromPort: !Ref Port, ToPort: !Ref Port, "
            "CidrIp: 0.0.0.0/0}}}]\n",
            "FAIL",
        ),
        (
            "  Fn::ForEach::Rules: [Port, !Ref Ports, {'In${Port}': {Type: AWS::EC2::SecurityGroupIngress, Properties: "
            "{GroupId: sg-1, IpProtocol: tcp, FromPort: '${Port}', ToPort: '${Port}', CidrIp: 0.0.0.0/0}}}]\n",
            "REVIEW",
        ),
        (
            "  Fn::ForEach::Kinds: [Kind, [SecurityGroupIngress], {'In${Kind}': {Type: 'AWS::EC2::${Kind}', "
            "Properties: {GroupId: sg-1, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}}}]\n",
            "FAIL",
        ),
    ],
)
def test_resources(resources: str, expected: str) -> None:
    text = f"""
Parameters: {{Any: {{Type: String}}, Ports: {{Type: CommaDelimitedList}}}}
Conditions: {{Never: !Equals [a, b], Maybe: !Equals [!Ref Any, x]}}
Resources:
{resources}"""
    assert verdict(check(text)) == expected


def test_rules_of_one_group_add_up_wherever_they_stand() -> None:
    rule = "IpProtocol: tcp, FromPort: 22, ToPort: 22"
    kind = "Type: AWS::EC2::SecurityGroupIngress"
    halves = f"""
Resources:
  One: {{{kind}, Properties: {{GroupId: !Ref Group, {rule}, CidrIp: 0.0.0.0/1}}}}
  Two: {{{kind}, Properties: {{GroupId: !GetAtt Group.GroupId, {rule}, CidrIp: 128.0.0.0/1}}}}
  Group: {{Type: AWS::EC2::SecurityGroup, Properties: {{GroupDescription: d}}}}
"""
    (finding,) = ssh(check(halves))
    assert finding.verdict is Verdict.FAIL
    assert (finding.resource, finding.group) == ("One", "Group")
    assert "together" in finding.message
    assert verdict(check(halves.replace("GroupId: !Ref Group", "GroupId: sg-elsewhere"))) == "PASS"


def test_prefix_lists_of_the_template_are_read() -> None:
    text = f"""
Parameters: {{Any: {{Type: String}}}}
Resources:
  List: {{Type: AWS::EC2::PrefixList, Properties: {{Entries: ENTRIES}}}}
{group("[{IpProtocol: tcp, FromPort: 22, ToPort: 22, SourcePrefixListId: !GetAtt List.PrefixListId}]")}"""
    assert verdict(check(text.replace("ENTRIES", "[{Cidr: 0.0.0.0/1}, {Cidr: 128.0.0.0/1}]"))) == "FAIL"
    assert verdict(check(text.replace("ENTRIES", "[{Cidr: 10.0.0.0/8}]"))) == "PASS"
    assert verdict(check(text.replace("ENTRIES", "[{Cidr: !Ref Any}]"))) == "REVIEW"
    assert verdict(check(text.replace("ENTRIES", "!Ref Any"))) == "REVIEW"


PARENT = """
Parameters: {ReleaseBucket: {Type: String}, ReleasePrefix: {Type: String}, Size: {Type: String}}
Conditions: {IsLarge: !Equals [!Ref Size, large]}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Sub 'https://s3.${AWS::Region}.${AWS::URLSuffix}/${ReleaseBucket}/${ReleasePrefix}/templates/child.yaml'
      Parameters: {Source: SOURCE}
"""
CHILD = f"""
Parameters: {{Source: {{Type: String, Default: 10.0.0.0/8}}}}
Resources:
{group("[{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Source}]")}
Outputs:
  Network: {{Value: !Ref Source}}
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("0.0.0.0/0", "FAIL"),
        ("10.0.0.0/8", "PASS"),
        ("!Ref AWS::NoValue", "PASS"),
        ("!If [IsLarge, 0.0.0.0/0, 10.0.0.0/8]", "FAIL"),
        ("!Ref Size", "REVIEW"),
        ("!ImportValue x", "REVIEW"),
    ],
)
def test_nested_stacks_get_what_their_parent_passes(source: str, expected: str) -> None:
    report = check({"root.yaml": PARENT.replace("SOURCE", source), "templates/child.yaml": CHILD})
    assert verdict(report) == expected
    assert report.paths == ("root.yaml", "templates/child.yaml")
    for finding in ssh(report):
        assert (finding.path, finding.resource) == ("templates/child.yaml", "Child/Group")


def test_values_that_are_passed_reach_nested_stacks() -> None:
    files = {
        "root.yaml": PARENT.replace("SOURCE", "!If [IsLarge, 0.0.0.0/0, 10.0.0.0/8]"),
        "templates/child.yaml": CHILD,
    }
    passed = {"ReleaseBucket": "artifacts", "ReleasePrefix": "orders/1.0.0"}
    assert verdict(check(files, {**passed, "Size": "large"})) == "FAIL"
    assert verdict(check(files, {**passed, "Size": "small"})) == "PASS"


URLS = {
    "https://${ReleaseBucket}.s3.amazonaws.com/${ReleasePrefix}/templates/child.yaml": "FAIL",
    "https://s3.eu-west-1.amazonaws.com/${ReleaseBucket}/${ReleasePrefix}/templates/child.yaml": "FAIL",
    "https://s3.amazonaws.com/${ReleaseBucket}/${ReleasePrefix}/templates/child.yaml": "FAIL",
    "templates/child.yaml": "FAIL",
    "./templates/child.yaml": "FAIL",
    "https://other.s3.amazonaws.com/${ReleasePrefix}/templates/child.yaml": "REVIEW",
    "https://${ReleaseBucket}.s3.amazonaws.com/other/templates/child.yaml": "REVIEW",
    "https://${ReleaseBucket}.s3.amazonaws.com/${ReleasePrefix}/../templates/child.yaml": "REVIEW",
    "https://${ReleaseBucket}.s3.evil.example/${ReleasePrefix}/templates/child.yaml": "REVIEW",
    "https://${ReleaseBucket}.s3.amazonaws.com/${ReleasePrefix}/templates/missing.yaml": "REVIEW",
    "https://release-bucket.s3.amazonaws.com/release-prefix/templates/child.yaml": "REVIEW",
    "https://${!ReleaseBucket}.s3.amazonaws.com/${!ReleasePrefix}/templates/child.yaml": "REVIEW",
    "https://${ReleasePrefix}.s3.amazonaws.com/${ReleaseBucket}/templates/child.yaml": "REVIEW",
    "https://s3.${!AWS::Region}.amazonaws.com/${ReleaseBucket}/${ReleasePrefix}/templates/child.yaml": "REVIEW",
    "https://\x01.s3.amazonaws.com/\x02/templates/child.yaml": "REVIEW",
    "https://${ReleaseBucket}.s3.amazonaws.com/${ReleasePrefix}/${Size}/child.yaml": "REVIEW",
    "../templates/child.yaml": "REVIEW",
    "https://s3.amazonaws.com/${AWS::AccountId}/child.yaml": "REVIEW",
}


@pytest.mark.parametrize(("url", "expected"), URLS.items())
def test_only_files_of_the_release_are_followed(url: str, expected: str) -> None:
    start = PARENT.index("!Sub '")
    text = PARENT[:start] + f"!Sub {json.dumps(url)}" + PARENT[PARENT.index("\n", start) :]
    report = check({"root.yaml": text.replace("SOURCE", "0.0.0.0/0"), "templates/child.yaml": CHILD})
    assert verdict(report) == expected
    if expected == "REVIEW":
        assert "is not a file of this release" in reason(report)


def test_a_resource_is_not_taken_for_the_release_s_bucket() -> None:
    own = "  ReleaseBucket: {Type: AWS::S3::Bucket}\n  ReleasePrefix: {Type: AWS::S3::Bucket}\n"
    text = PARENT.replace("SOURCE", "0.0.0.0/0").replace(
        "ReleaseBucket: {Type: String}, ReleasePrefix: {Type: String}, ", ""
    )
    assert verdict(check({"root.yaml": text + own, "templates/child.yaml": CHILD})) == "REVIEW"


def test_a_nested_template_that_cannot_be_read_is_review() -> None:
    report = check({"root.yaml": PARENT.replace("SOURCE", "x"), "templates/child.yaml": "Resources: ["})
    assert verdict(report) == "REVIEW"
    assert "cannot be read" in reason(report)


def test_a_root_template_that_cannot_be_read_is_a_fault() -> None:
    with pytest.raises(UnreadableTemplate):
        check("Resources: [")
    with pytest.raises(UnreadableTemplate, match="no such file"):
        check_template({}, "root.yaml", {}, PolicySettings(), TODAY)


def test_outputs_of_nested_stacks_are_followed() -> None:
    text = PARENT.replace("SOURCE", "0.0.0.0/0") + group(
        "[{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !GetAtt Child.Outputs.Network}]", "Outer"
    )
    report = check({"root.yaml": text, "templates/child.yaml": CHILD.replace("22", "23")})
    assert [(finding.resource, finding.verdict) for finding in ssh(report)] == [("Outer", Verdict.FAIL)]


def test_a_stack_that_nests_itself_ends() -> None:
    text = "Resources: {Me: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: root.yaml}}}"
    report = check(text)
    assert verdict(report) == "REVIEW"
    assert "nested more than" in reason(report)


def test_serverless_applications_are_nested_stacks() -> None:
    application = (
        "{Type: AWS::Serverless::Application, Properties: {Location: LOCATION, Parameters: {Source: 0.0.0.0/0}}}"
    )
    text = f"Transform: AWS::Serverless-2016-10-31\nResources: {{App: {application}}}"
    own = check({"root.yaml": text.replace("LOCATION", "child.yaml"), "child.yaml": CHILD})
    assert verdict(own) == "FAIL"
    other = "{ApplicationId: 'arn:aws:serverlessrepo:x', SemanticVersion: 1.0.0}"
    assert verdict(check(text.replace("LOCATION", other))) == "REVIEW"


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("AWS::Serverless-2016-10-31", "PASS"),
        ("[AWS::LanguageExtensions, AWS::Serverless-2016-10-31]", "PASS"),
        ("Rewriter", "REVIEW"),
        ("[AWS::LanguageExtensions, Rewriter]", "REVIEW"),
        ("{Name: AWS::Include, Parameters: {Location: s3://b/k}}", "REVIEW"),
    ],
)
def test_macros_that_may_rewrite_the_template_are_review(transform: str, expected: str) -> None:
    report = check(f"Transform: {transform}\nResources:\n{group(f'[{CLOSED}]')}")
    assert verdict(report) == expected


def test_too_many_combinations_are_review_not_pass() -> None:
    names = [f"C{number}" for number in range(24)]
    text = "Parameters:\n" + "".join(f"  {name}: {{Type: String}}\n" for name in names)
    text += "Conditions:\n" + "".join(f"  {name}: !Equals [!Ref {name}, x]\n" for name in names)
    blocks = [f"{number * 8}.0.0.0/5" for number in range(24)]
    rules = ", ".join(
        f"!If [{name}, {{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: {block}}}, !Ref AWS::NoValue]"
        for name, block in zip(names, blocks, strict=True)
    )
    report = check(
        text + "Resources:\n" + group(f"[{rules}, {{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 192.0.0.0/3}}]")
    )
    assert verdict(report) in ("FAIL", "REVIEW")


def test_a_bait_of_doubling_conditions_ends_in_review() -> None:
    conditions = "".join(
        f"  C{n}: !And [!Equals [!Ref P{n}, x], !Or [!Condition C{n - 1}, !Equals [!Ref Q{n}, x]]]\n"
        for n in range(1, 40)
    )
    text = "Parameters:\n" + "".join(f"  {p}{n}: {{Type: String}}\n" for n in range(40) for p in "PQ")
    text += f"Conditions:\n  C0: !Equals [!Ref P0, x]\n{conditions}Resources:\n" + group(
        f"[!If [C39, {OPEN}, {CLOSED}]]"
    )
    assert verdict(check(text)) in ("FAIL", "REVIEW")


def test_waivers_are_shown_and_do_not_count() -> None:
    files = {"root.yaml": ("Resources:\n" + group(f"[{OPEN}]")).encode()}
    waivers = tuple(
        Waiver(policy, "Group", "Bastion until Q1", "ops@example.org", date(2026, 3, 31))
        for policy in ("ssh-open", "unlisted-port-open")
    )
    waived = check_template(files, "root.yaml", {}, PolicySettings(waivers=waivers), TODAY)
    assert waived.verdict is Verdict.PASS
    assert ssh(waived)[0].waiver == "Bastion until Q1 (ops@example.org, until 2026-03-31)"
    assert waived.summary()["root.yaml"]["policies"]["ssh-open"] == "PASS"
    expired = check_template(files, "root.yaml", {}, PolicySettings(waivers=waivers), date(2026, 4, 1))
    assert expired.verdict is Verdict.FAIL
    assert "Its waiver has expired" in ssh(expired)[0].message


def test_severities_decide_what_stops_a_release() -> None:
    text = "Resources:\n" + group("[{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]")
    files = {"root.yaml": text.encode()}
    assert check(text).verdict is Verdict.PASS
    stricter = PolicySettings(severities={"ingress-world": Severity.CRITICAL})
    assert check_template(files, "root.yaml", {}, stricter, TODAY).verdict is Verdict.FAIL
    everything = PolicySettings(blocking=Severity.LOW)
    assert check_template(files, "root.yaml", {}, everything, TODAY).verdict is Verdict.FAIL
    quiet = PolicySettings(blocking=Severity.LOW, disabled=frozenset({"ingress-world"}))
    report = check_template(files, "root.yaml", {}, quiet, TODAY)
    assert "ingress-world" not in report.summary()["root.yaml"]["policies"]
    brief = check_template(files, "root.yaml", {}, PolicySettings(advice=False), TODAY)
    assert brief.findings == ()
    assert "rule-description" not in brief.summary()["root.yaml"]["policies"]


def test_the_templates_of_a_report_are_those_a_root_leads_to() -> None:
    files = {"root.yaml": PARENT.replace("SOURCE", "x"), "templates/child.yaml": CHILD, "templates/other.yaml": CHILD}
    data = {path: text.encode() for path, text in files.items()}
    assert check_template(data, "root.yaml", {}, PolicySettings(), TODAY).paths == ("root.yaml", "templates/child.yaml")


WORN = f"""
Resources:
{group("[{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/1}]", "Lower")}
{group("[{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 128.0.0.0/1}]", "Upper")}
  Host: {{Type: AWS::EC2::Instance, Properties: {{SecurityGroupIds: GROUPS}}}}
"""


def test_groups_that_one_resource_wears_add_up() -> None:
    (finding,) = ssh(check(WORN.replace("GROUPS", "[!Ref Lower, !GetAtt Upper.GroupId]")))
    assert (finding.verdict, finding.resource, finding.group) == (Verdict.FAIL, "Lower", "Lower+Upper")
    assert verdict(check(WORN.replace("GROUPS", "[!If [Unheard, !Ref Lower, x], !GetAtt [Upper, GroupId]]"))) == "FAIL"
    assert verdict(check(WORN.replace("GROUPS", "[!Ref Lower]"))) == "PASS"
    doubled = WORN.replace("GROUPS", "[!Ref Lower, !Ref Upper]").replace("0.0.0.0/1", "0.0.0.0/0")
    assert [finding.group for finding in ssh(check(doubled))] == ["Lower"]


HALF = "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 128.0.0.0/1}"
BY_COLOR = "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !FindInMap [Net, !Ref Color, Block]}"


@pytest.mark.parametrize("open_color", ["green", "red"])
@pytest.mark.parametrize("where", ["standalone", "attached together"])
def test_a_group_under_a_condition_is_judged_for_every_answer_that_makes_it(where: str, open_color: str) -> None:
    blocks = {color: "0.0.0.0/1" if color == open_color else "10.0.0.0/8" for color in ("blue", "green", "red")}
    head = (
        "Parameters: {Color: {Type: String, AllowedValues: [blue, green, red]}}\n"
        f"Mappings: {{Net: {{{', '.join(f'{color}: {{Block: {block}}}' for color, block in blocks.items())}}}}}\n"
        "Conditions: {NotBlue: !Not [!Equals [blue, !Ref Color]]}\nResources:\n"
    )
    condition = "    Condition: NotBlue\n"
    if where == "standalone":
        rule = f"{{GroupId: !Ref Group, {BY_COLOR[1:-1]}}}"
        more = f"  Rule: {{Type: AWS::EC2::SecurityGroupIngress, Condition: NotBlue, Properties: {rule}}}\n"
    else:
        more = group(f"[{BY_COLOR}]", "Other") + condition
        more += "  Web: {Type: AWS::EC2::Instance, Properties: {SecurityGroupIds: [!Ref Group, !Ref Other]}}\n"
    assert verdict(check(head + group(f"[{HALF}]") + condition + more)) == "FAIL"

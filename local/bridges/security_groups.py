"""Gap: most DescribeSecurityGroups filters are ignored, prefix lists are lost, duplicate rules are accepted.

AWS keeps one rule for every source, refuses an existing rule with ``InvalidPermission.Duplicate``, shows the rules of
one protocol and port range together, and finds groups by everything they allow
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html). It can be removed once
ministack does.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import ec2

SOURCES = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}
OF_GROUP = {
    "description": "Description",
    "group-id": "GroupId",
    "group-name": "GroupName",
    "owner-id": "OwnerId",
    "vpc-id": "VpcId",
}
OF_SOURCE = {
    "cidr": ("IpRanges", "CidrIp"),
    "ipv6-cidr": ("Ipv6Ranges", "CidrIpv6"),
    "prefix-list-id": ("PrefixListIds", "PrefixListId"),
    "group-id": ("UserIdGroupPairs", "GroupId"),
    "group-name": ("UserIdGroupPairs", "GroupName"),
    "user-id": ("UserIdGroupPairs", "UserId"),
}
OF_RULE = {"from-port": "FromPort", "to-port": "ToPort", "protocol": "IpProtocol"}

Group = Mapping[str, Any]
Rule = dict[str, Any]


def install() -> None:
    """Describe, authorize and revoke as AWS does."""
    _keep_one_rule_a_source()
    _refuse_duplicates("AuthorizeSecurityGroupIngress", "IpPermissions")
    _refuse_duplicates("AuthorizeSecurityGroupEgress", "IpPermissionsEgress")
    _find_by_every_filter()
    _show_rules_together()


def _keep_one_rule_a_source() -> None:
    parse, strip = ec2._parse_ip_permissions, ec2._strip_descriptions

    def parse_each_source(parameters: Any, prefix: str) -> list[Rule]:
        rules: list[Rule] = parse(parameters, prefix)
        for number, rule in enumerate(rules, 1):
            rule["PrefixListIds"] = _prefix_lists(parameters, f"{prefix}.{number}.PrefixListIds")
        return [each for rule in rules for each in _split(rule)]

    def strip_descriptions(rule: Rule) -> Rule:
        stripped: Rule = strip(rule)
        for kind in ("PrefixListIds", "UserIdGroupPairs"):
            stripped[kind] = [
                {name: value for name, value in source.items() if name != "Description"}
                for source in rule.get(kind, [])
            ]
        return stripped

    ec2._parse_ip_permissions = parse_each_source
    ec2._strip_descriptions = strip_descriptions


def _prefix_lists(parameters: Any, prefix: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while prefix_list := ec2._p(parameters, f"{prefix}.{len(found) + 1}.PrefixListId"):
        description = ec2._p(parameters, f"{prefix}.{len(found) + 1}.Description")
        found.append({"PrefixListId": prefix_list, **({"Description": description} if description else {})})
    return found


def _split(rule: Rule) -> Iterator[Rule]:
    """The rule once for every source it names."""
    for kind in SOURCES:
        for source in rule[kind]:
            yield {**rule, **{other: [] for other in SOURCES}, kind: [source]}


def _refuse_duplicates(operation: str, permissions: str) -> None:
    authorize = ec2._ACTION_MAP[operation]

    def authorize_new(parameters: Any) -> Any:
        group = ec2._security_groups.get(ec2._p(parameters, "GroupId"), {})
        for rule in ec2._parse_ip_permissions(parameters, "IpPermissions"):
            if any(ec2._rules_match(rule, existing) for existing in group.get(permissions, [])):
                message = f'the specified rule "{_describe(rule)}" already exists'
                return ec2._error("InvalidPermission.Duplicate", message, 400)
        return authorize(parameters)

    ec2._ACTION_MAP[operation] = authorize_new


def _describe(rule: Rule) -> str:
    peer = next(source[name] for kind, name in SOURCES.items() for source in rule[kind])
    ports = f"from port: {rule.get('FromPort', -1)}, to port: {rule.get('ToPort', -1)}"
    return f"peer: {peer}, {rule['IpProtocol'].upper()}, {ports}, ALLOW"


def _find_by_every_filter() -> None:
    describe = ec2._ACTION_MAP["DescribeSecurityGroups"]

    def describe_matching(parameters: Any) -> Any:
        filters = {name: values for name, values in ec2._parse_filters(parameters).items() if not _is_tag(name)}
        unknown = next((name for name in filters if not _is_known(name)), None)
        if unknown is not None:
            return ec2._error("InvalidParameterValue", f"The filter '{unknown}' is invalid", 400)
        answer = describe(parameters)
        if answer[0] != 200:  # noqa: PLR2004 - an HTTP status
            return answer
        asked = ec2._parse_member_list(parameters, "GroupId")
        found = [
            group
            for group in ec2._security_groups.values()
            if (not asked or group["GroupId"] in asked)
            and ec2._resource_matches_tag_filters(group["GroupId"], ec2._parse_filters(parameters))
            and all(_matches(group, name, values) for name, values in filters.items())
        ]
        items = "".join(ec2._sg_xml(group) for group in found)
        return ec2._xml(200, "DescribeSecurityGroupsResponse", f"<securityGroupInfo>{items}</securityGroupInfo>")

    ec2._ACTION_MAP["DescribeSecurityGroups"] = describe_matching


def _is_tag(name: str) -> bool:
    return name == "tag-key" or name.startswith("tag:")


def _is_known(name: str) -> bool:
    _, of_rule, rest = name.rpartition("ip-permission.")
    return rest in OF_SOURCE or rest in OF_RULE if of_rule else name in OF_GROUP


def _matches(group: Group, name: str, values: list[str]) -> bool:
    """Whether one of the filter's values, with its wildcards, is one of those the group has."""
    return any(ec2._glob_match(wanted, has) for wanted in values for has in _values(group, name))


def _values(group: Group, name: str) -> list[str]:
    before, of_rule, rest = name.rpartition("ip-permission.")
    if not of_rule:
        return [group[OF_GROUP[name]]]
    rules = group["IpPermissionsEgress" if before else "IpPermissions"]
    if rest in OF_RULE:
        return [str(rule[OF_RULE[rest]]) for rule in rules if OF_RULE[rest] in rule]
    kind, member = OF_SOURCE[rest]
    return [source[member] for rule in rules for source in rule[kind] if member in source]


def _show_rules_together() -> None:
    group_xml, rule_xml = ec2._sg_xml, ec2._sg_rule_xml

    def merged_xml(group: Group) -> Any:
        kinds = ("IpPermissions", "IpPermissionsEgress")
        return group_xml({**group, **{kind: _merge(group.get(kind, [])) for kind in kinds}})

    def rule_with_prefix_list_xml(group_id: str, rule: Rule, is_egress: bool = False) -> str:
        shown: str = rule_xml(group_id, rule, is_egress)
        for source in rule.get("PrefixListIds", []):
            shown = shown.replace("</toPort>", f"</toPort><prefixListId>{source['PrefixListId']}</prefixListId>")
        return shown

    ec2._sg_xml = merged_xml
    ec2._sg_rule_xml = rule_with_prefix_list_xml


def _merge(rules: list[Rule]) -> list[Rule]:
    """The rules of one protocol and port range as one permission with several sources."""
    merged: dict[tuple[Any, ...], Rule] = {}
    for rule in rules:
        key = tuple(rule.get(name) for name in ("IpProtocol", "FromPort", "ToPort"))
        permission = merged.setdefault(key, {**rule, **{kind: [] for kind in SOURCES}})
        for kind in SOURCES:
            permission[kind].extend(rule.get(kind, []))
    return list(merged.values())

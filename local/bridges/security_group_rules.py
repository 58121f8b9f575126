"""Gap: ``AWS::EC2::SecurityGroupIngress`` and ``AWS::EC2::SecurityGroupEgress`` are unknown resource types.

A rule declared on its own changes the group it names, so that DescribeSecurityGroups shows it and a duplicate is
refused. They can be removed once ministack has them.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

DIRECTIONS = {
    "AWS::EC2::SecurityGroupIngress": ("IpPermissions", False),
    "AWS::EC2::SecurityGroupEgress": ("IpPermissionsEgress", True),
}
REPLACED_BY = (
    "CidrIp",
    "CidrIpv6",
    "DestinationPrefixListId",
    "DestinationSecurityGroupId",
    "FromPort",
    "GroupId",
    "GroupName",
    "IpProtocol",
    "SourcePrefixListId",
    "SourceSecurityGroupId",
    "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId",
    "ToPort",
)

Properties = Mapping[str, Any]


def install() -> None:
    """Register both resource types."""
    for resource_type, (permissions, egress) in DIRECTIONS.items():
        provisioners._RESOURCE_HANDLERS[resource_type] = _handlers(permissions, egress)


def _handlers(permissions: str, egress: bool) -> dict[str, Any]:
    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        group = _group(properties)
        rule = provisioners._ec2_sg_permissions([properties])[0]
        if any(ec2._rules_match(rule, existing) for existing in group[permissions]):
            raise ValueError("the specified rule already exists (Service: Ec2, Status Code: 400)")
        rule_id = ec2._sg_rule_id(group["GroupId"], egress, rule)
        group[permissions].append(rule)
        return rule_id, {"Id": rule_id}

    def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Any:
        if any(old.get(name) != new.get(name) for name in REPLACED_BY):
            created = create(logical_id, new, stack)
            provisioners._delete_predecessor(delete, physical_id, old)
            return created
        for rule in _group(old)[permissions]:
            if ec2._rules_match(rule, provisioners._ec2_sg_permissions([old])[0]):
                rule.update(provisioners._ec2_sg_permissions([new])[0])
        return physical_id, {"Id": physical_id}

    def delete(physical_id: str, properties: Properties) -> None:
        rule = provisioners._ec2_sg_permissions([properties])[0]
        group = ec2._security_groups.get(properties.get("GroupId", ""))
        if group is not None:
            group[permissions][:] = [kept for kept in group[permissions] if not ec2._rules_match(rule, kept)]

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def _group(properties: Properties) -> dict[str, Any]:
    ec2._ensure_defaults_initialized()
    for group in ec2._security_groups.values():
        if group["GroupId"] == properties.get("GroupId") or group["GroupName"] == properties.get("GroupName"):
            found: dict[str, Any] = group
            return found
    asked = properties.get("GroupId") or properties.get("GroupName")
    raise ValueError(f"The security group '{asked}' does not exist (Service: Ec2, Status Code: 400)")

"""Reads the saved output of ``aws ec2 describe-security-groups``: that answer, whole, and nothing else.

A file of another command has no rules where this one has them, and would pass.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from belay.errors import UnreadableTemplate

ANSWER: Final = frozenset({"SecurityGroups", "NextToken", "ResponseMetadata"})
PERMISSIONS: Final = ("IpPermissions", "IpPermissionsEgress")
PEERS: Final = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId"}
PERMISSION: Final = frozenset({"IpProtocol", "FromPort", "ToPort", "UserIdGroupPairs", *PEERS})


def read_groups(answer: Any, path: str) -> list[Mapping[str, Any]]:
    """Return the groups of an answer; raises :class:`UnreadableTemplate` for anything else, or only a page of it."""
    if (
        not isinstance(answer, dict)
        or not isinstance(answer.get("SecurityGroups"), list)
        or not answer.keys() <= ANSWER
    ):
        raise UnreadableTemplate(
            f"{path}: expected the output of aws ec2 describe-security-groups, whole and unchanged."
        )
    if answer.get("NextToken"):
        raise UnreadableTemplate(
            f"{path}: expected every security group, found one page of several (NextToken). Leave out --max-items and "
            "--no-paginate."
        )
    groups: list[Mapping[str, Any]] = answer["SecurityGroups"]
    for number, group in enumerate(groups):
        problem = _problem(group)
        if problem:
            raise UnreadableTemplate(f"{path}: SecurityGroups[{number}]: expected {problem}, as EC2 describes a group.")
    return groups


def _problem(group: Any) -> str:
    """Return what a group lacks, or nothing."""
    if not isinstance(group, dict) or not isinstance(group.get("GroupId"), str):
        return "a GroupId"
    for name in PERMISSIONS:
        listed = group.get(name, [] if name == "IpPermissionsEgress" else None)
        if not isinstance(listed, list):
            return f"a list {name}"
        if not all(map(_is_permission, listed)):
            return f"permissions in {name} with an IpProtocol and known fields"
    return ""


def _is_permission(permission: Any) -> bool:
    return (
        isinstance(permission, dict)
        and isinstance(permission.get("IpProtocol"), str)
        and permission.keys() <= PERMISSION
        and isinstance(permission.get("UserIdGroupPairs", []), list)
        and all(_are_peers(permission.get(name, []), key) for name, key in PEERS.items())
    )


def _are_peers(listed: Any, key: str) -> bool:
    return isinstance(listed, list) and all(isinstance(one, dict) and isinstance(one.get(key), str) for one in listed)

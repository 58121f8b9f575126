"""EC2: live security groups and the prefix lists they use."""

from collections.abc import Mapping, Sequence
from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated

_IDS_A_CALL = 200
_NO_PREFIX_LIST = {"InvalidPrefixListID.NotFound", "InvalidPrefixListId.NotFound"}


class SecurityGroups(Gateway):
    """Describes security groups and the entries of managed prefix lists."""

    def describe(self, group_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return ``SecurityGroups`` of DescribeSecurityGroups for these ids.

        A group that CloudFormation lists and EC2 does not know is a fault, never a pass.
        """
        groups: list[dict[str, Any]] = []
        for start in range(0, len(group_ids), _IDS_A_CALL):
            chunk = list(group_ids[start : start + _IDS_A_CALL])
            with translated("EC2.DescribeSecurityGroups"):
                groups += self._client.describe_security_groups(GroupIds=chunk)["SecurityGroups"]
        return groups

    def prefix_lists(self, groups: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
        """Return the CIDRs of every prefix list that a rule of ``groups`` names.

        A list that EC2 does not know is left out: rules that use it cannot be decided.
        """
        permissions = [
            permission
            for group in groups
            for permission in [*group.get("IpPermissions", []), *group.get("IpPermissionsEgress", [])]
        ]
        ids = sorted({each["PrefixListId"] for p in permissions for each in p.get("PrefixListIds", [])})
        found = {prefix_list: self._entries(prefix_list) for prefix_list in ids}
        return {prefix_list: entries for prefix_list, entries in found.items() if entries is not None}

    def _entries(self, prefix_list: str) -> list[str] | None:
        with translated("EC2.GetManagedPrefixListEntries", ignoring=_NO_PREFIX_LIST):
            pages = self._client.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=prefix_list)
            return [entry["Cidr"] for page in pages for entry in page["Entries"]]
        return None

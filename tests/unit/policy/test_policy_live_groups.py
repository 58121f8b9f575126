"""Live security groups, as DescribeSecurityGroups returns them."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.policy.applied import security_group_policies
from belay.policy.gate import check_groups
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report

TODAY = date(2026, 1, 1)
ONLY_SSH = PolicySettings(disabled=frozenset(one.slug for one in security_group_policies()) - {"ssh-open"})


def permission(
    *blocks: str, protocol: str = "tcp", ports: tuple[int, int] | None = (22, 22), **more: Any
) -> dict[str, Any]:
    given = {"IpProtocol": protocol, "UserIdGroupPairs": [], "PrefixListIds": [], **more}
    given["IpRanges"] = [{"CidrIp": block} for block in blocks if ":" not in block]
    given["Ipv6Ranges"] = [{"CidrIpv6": block} for block in blocks if ":" in block]
    if ports:
        given["FromPort"], given["ToPort"] = ports
    return given


def check(
    *permissions: dict[str, Any], lists: dict[str, list[str]] | None = None, settings: PolicySettings | None = None
) -> Report:
    groups = [{"GroupId": "sg-1", "IpPermissions": list(permissions)}]
    return check_groups(groups, lists or {}, settings or PolicySettings(), TODAY, path="production")


def verdict(report: Report, policy: str = "ssh-open") -> str:
    return str(report.summary()["production"]["policies"][policy])


LIST = {"PrefixListIds": [{"PrefixListId": "pl-1"}]}


@pytest.mark.parametrize("settings", [PolicySettings(), ONLY_SSH], ids=["all policies", "one policy"])
@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ([], "PASS"),
        ([permission("0.0.0.0/0")], "FAIL"),
        ([permission("::/0")], "FAIL"),
        ([permission("0.0.0.0/1", "128.0.0.0/1")], "FAIL"),
        ([permission("0.0.0.0/1"), permission("128.0.0.0/1", ports=(20, 25))], "FAIL"),
        ([permission("0.0.0.0/1"), permission("128.0.0.0/1", ports=(23, 25))], "PASS"),
        ([permission("0.0.0.0/1"), permission("128.0.0.0/1", protocol="-1", ports=None)], "FAIL"),
        ([permission("0.0.0.0/0", protocol="-1", ports=None)], "FAIL"),
        ([permission("0.0.0.0/0", ports=(0, 65535))], "FAIL"),
        ([permission("0.0.0.0/0", protocol="6")], "FAIL"),
        ([permission("0.0.0.0/0", protocol="udp")], "PASS"),
        ([permission("0.0.0.0/0", protocol="47", ports=None)], "PASS"),
        ([permission("0.0.0.0/0", protocol="icmp", ports=(-1, -1))], "PASS"),
        ([permission("10.0.0.0/8", "192.168.0.0/16")], "PASS"),
        ([permission("203.0.113.7/32")], "PASS"),
        ([permission(**LIST)], "REVIEW"),
        ([permission(ports=(443, 443), **LIST)], "PASS"),
        ([permission(PrefixListIds=[{"PrefixListId": "pl-3b927c52"}])], "PASS"),
        ([permission("0.0.0.0/1", **LIST)], "REVIEW"),
        ([permission("0.0.0.0/0", **LIST)], "FAIL"),
        ([permission(UserIdGroupPairs=[{"GroupId": "sg-2", "UserId": "123456789012"}])], "PASS"),
        ([permission("not a block")], "REVIEW"),
        ([permission("0.0.0.0/00")], "FAIL"),
    ],
)
def test_ssh(permissions: list[dict[str, Any]], expected: str, settings: PolicySettings) -> None:
    assert verdict(check(*permissions, settings=settings)) == expected


def test_prefix_lists_that_were_read_are_added_up() -> None:
    assert verdict(check(permission(**LIST), lists={"pl-1": ["10.0.0.0/8"]})) == "PASS"
    assert verdict(check(permission("0.0.0.0/1", **LIST), lists={"pl-1": ["128.0.0.0/1"]})) == "FAIL"


def test_findings_name_the_group_and_the_permission() -> None:
    (finding,) = check(permission("10.0.0.0/8"), permission("0.0.0.0/0"), settings=ONLY_SSH).findings
    assert (finding.path, finding.resource, finding.property) == ("production", "sg-1", "IpPermissions[1]")
    assert (finding.line, finding.column) == (0, 0)
    assert "TCP 22 from 0.0.0.0/0" in finding.message


def test_egress_is_not_ingress() -> None:
    group = {"GroupId": "sg-1", "IpPermissions": [], "IpPermissionsEgress": [permission("0.0.0.0/0")]}
    report = check_groups([group], {}, PolicySettings(), TODAY, path="production")
    assert (verdict(report), verdict(report, "egress-world")) == ("PASS", "FAIL")


BLOCKS = st.one_of(
    st.tuples(st.ip_addresses(), st.integers(0, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.sampled_from(["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "198.51.100.7/32"]),
)
PERMISSIONS = st.builds(
    lambda blocks, protocol, ports, more: permission(*blocks, protocol=protocol, ports=ports, **more),
    st.lists(BLOCKS, max_size=4),
    st.sampled_from(["tcp", "udp", "-1", "6", "icmp"]),
    st.sampled_from([(22, 22), (0, 65535), (80, 443), (22, 23), None]),
    st.sampled_from([{}, {}, LIST, {"UserIdGroupPairs": [{"GroupId": "sg-2"}]}]),
)


@given(st.lists(PERMISSIONS, max_size=6))
def test_what_is_left_out_changes_no_finding(permissions: list[dict[str, Any]]) -> None:
    whole, quick = check(*permissions), check(*permissions, settings=ONLY_SSH)
    assert quick.findings == tuple(finding for finding in whole.findings if finding.policy == "ssh-open")


def test_many_narrow_blocks_are_added_up() -> None:
    blocks = [f"{first}.{second}.0.0/10" for first in range(256) for second in (0, 64, 128, 192)]
    assert verdict(check(permission(*blocks), settings=ONLY_SSH)) == "FAIL"


BLOCKS = (
    *(
        "0.0.0.0/0",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "10.0.0.0/8",
        "8.0.0.0/6",
        "10.1.2.0/24",
        "192.168.1.0/24",
        "1.2.3.4/32",
    ),
    *("::/0", "2000::/3", "2600::/19", "fd00::/8", "fd00::/64", "2001:db8::/32", "10.1.2.0"),
)
PORTS = ((22, 22), (443, 443), (0, 65535), (1000, 6000))
permissions = st.builds(
    lambda blocks, protocol, ports, more: permission(*blocks, protocol=protocol, ports=ports, **more),
    st.lists(st.sampled_from(BLOCKS), max_size=4),
    st.sampled_from(["tcp", "udp", "-1", "47"]),
    st.sampled_from(PORTS),
    st.sampled_from([{}, {}, {}, LIST]),
)


@given(st.lists(permissions, max_size=5), st.sampled_from([(), ("10.0.0.0/8", "fd00::/8"), ("0.0.0.0/0",)]))
def test_what_is_left_out_of_a_group_changes_no_verdict(listed: list[dict[str, Any]], trusted: tuple[str, ...]) -> None:
    # With advice there are policies that any rule can violate, so nothing is left out.
    whole = check(*listed, settings=PolicySettings(trusted_networks=trusted))
    part = check(*listed, settings=PolicySettings(trusted_networks=trusted, advice=False))
    assert {(one.policy, one.verdict, one.property) for one in part.findings} == {
        (one.policy, one.verdict, one.property) for one in whole.findings if one.blocking
    }

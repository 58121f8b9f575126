from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.ec2 import SecurityGroups
from belay.errors import AccessDenied, AwsFault


def group(client: Any, number: int = 0) -> str:
    vpc = client.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = client.create_security_group(GroupName=f"group-{number}", Description="A group", VpcId=vpc)
    return str(made["GroupId"])


def test_groups_are_described_however_many_there_are(simulated: Callable[[str], Any]) -> None:
    client = simulated("ec2")
    ids = [group(client, number) for number in range(205)]
    found = SecurityGroups(client).describe(ids)
    assert sorted(each["GroupId"] for each in found) == sorted(ids)
    assert SecurityGroups(client).describe([]) == []


def test_a_group_that_ec2_does_not_know_is_no_pass(simulated: Callable[[str], Any]) -> None:
    with pytest.raises(AwsFault) as caught:
        SecurityGroups(simulated("ec2")).describe(["sg-0123456789abcdef0"])
    assert caught.value.code == "InvalidGroup.NotFound"


def test_prefix_lists_are_read_once_each_for_both_directions(simulated: Callable[[str], Any]) -> None:
    client = simulated("ec2")
    entries = [{"Cidr": f"10.{number}.0.0/16"} for number in range(3)]
    made = client.create_managed_prefix_list(
        PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=entries
    )
    prefix_list = made["PrefixList"]["PrefixListId"]
    leaning = {"PrefixListIds": [{"PrefixListId": prefix_list}]}
    groups = [{"IpPermissions": [leaning, {}], "IpPermissionsEgress": [leaning]}, {}]
    assert SecurityGroups(client).prefix_lists(groups) == {
        prefix_list: ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"],
    }


@pytest.mark.parametrize("code", ["InvalidPrefixListID.NotFound", "InvalidPrefixListId.NotFound"])
def test_a_prefix_list_that_is_gone_is_left_out(stubbed: Callable[[str], tuple[Any, Stubber]], code: str) -> None:
    client, stub = stubbed("ec2")
    groups = [{"IpPermissions": [{"PrefixListIds": [{"PrefixListId": "pl-1"}, {"PrefixListId": "pl-2"}]}]}]
    stub.add_client_error("get_managed_prefix_list_entries", code, expected_params={"PrefixListId": "pl-1"})
    stub.add_response(
        "get_managed_prefix_list_entries", {"Entries": [{"Cidr": "10.0.0.0/8"}]}, {"PrefixListId": "pl-2"}
    )
    assert SecurityGroups(client).prefix_lists(groups) == {"pl-2": ["10.0.0.0/8"]}


def test_a_prefix_list_that_may_not_be_read_is_a_fault(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("ec2")
    stub.add_client_error("get_managed_prefix_list_entries", "UnauthorizedOperation", http_status_code=403)
    with pytest.raises(AccessDenied):
        SecurityGroups(client).prefix_lists([{"IpPermissions": [{"PrefixListIds": [{"PrefixListId": "pl-1"}]}]}])

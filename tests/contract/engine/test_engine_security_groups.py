import pytest
from botocore.exceptions import ClientError


def rule(port, **source):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}


def open_to(cidr):
    return {"IpRanges": [{"CidrIp": cidr}]}


@pytest.fixture
def group(aws, unique):
    def create(*rules):
        ec2 = aws("ec2")
        group_id = ec2.create_security_group(GroupName=unique("group"), Description="contract")["GroupId"]
        if rules:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=list(rules))
        return group_id

    return create


def found(aws, **filters):
    asked = [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]
    return {each["GroupId"] for each in aws("ec2").describe_security_groups(Filters=asked)["SecurityGroups"]}


def test_groups_are_found_by_group_id(aws, group):
    wanted, _ = group(), group()

    assert found(aws, group_id=[wanted]) == {wanted}


def test_groups_are_found_by_what_they_open(aws, group):
    ssh, web = group(rule(22, **open_to("198.51.100.7/32"))), group(rule(443, **open_to("198.51.100.8/32")))
    v6 = group(rule(22, Ipv6Ranges=[{"CidrIpv6": "2001:db8::/48"}]))

    def among(groups):
        return groups & {ssh, web, v6}

    assert among(found(aws, **{"ip-permission.cidr": ["198.51.100.7/32"]})) == {ssh}
    assert among(found(aws, **{"ip-permission.ipv6-cidr": ["2001:db8::/48"]})) == {v6}
    assert among(found(aws, **{"ip-permission.from-port": ["22"]})) == {ssh, v6}
    assert among(found(aws, **{"ip-permission.cidr": ["198.51.100.*"]})) == {ssh, web}


def test_an_unknown_filter_is_refused(aws):
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        found(aws, **{"ip-permission.colour": ["red"]})


def test_a_duplicate_rule_is_refused(aws, group):
    group_id = group(rule(22, **open_to("198.51.100.7/32")))

    with pytest.raises(ClientError) as refused:
        aws("ec2").authorize_security_group_ingress(
            GroupId=group_id, IpPermissions=[rule(22, **open_to("198.51.100.7/32"))]
        )

    assert refused.value.response["Error"]["Code"] == "InvalidPermission.Duplicate"


def test_prefix_lists_are_kept_and_their_entries_read(aws, group, unique):
    ec2 = aws("ec2")
    prefix_list = ec2.create_managed_prefix_list(
        PrefixListName=unique("list"), MaxEntries=2, AddressFamily="IPv4", Entries=[{"Cidr": "0.0.0.0/0"}]
    )["PrefixList"]["PrefixListId"]

    group_id = group(rule(22, PrefixListIds=[{"PrefixListId": prefix_list, "Description": "offices"}]))

    permissions = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]["IpPermissions"]
    assert permissions[0]["PrefixListIds"] == [{"PrefixListId": prefix_list, "Description": "offices"}]
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=prefix_list)["Entries"]
    assert [entry["Cidr"] for entry in entries] == ["0.0.0.0/0"]
    lists = ec2.describe_managed_prefix_lists(PrefixListIds=[prefix_list])["PrefixLists"]
    assert [each["PrefixListId"] for each in lists] == [prefix_list]


def template(cidr, port=22):
    properties = {
        "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
    }
    return {
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "contract"}},
        "In": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {**properties, "CidrIp": cidr}},
        "Out": {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {**properties, "CidrIp": "192.0.2.0/24"}},
    }


def test_standalone_rules_of_a_stack_change_the_group(aws, stacks, unique):
    name = unique("stack")
    assert stacks.create(name, template("198.51.100.0/24"))["StackStatus"] == "CREATE_COMPLETE"
    resources = aws("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    group_id = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Group")

    def live():
        described = aws("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
        return (
            [(each["FromPort"], each["IpRanges"][0]["CidrIp"]) for each in described["IpPermissions"]],
            [each["IpRanges"][0]["CidrIp"] for each in described["IpPermissionsEgress"]],
        )

    assert live() == ([(22, "198.51.100.0/24")], ["0.0.0.0/0", "192.0.2.0/24"])
    stacks.update(name, template("198.51.100.0/25"))
    assert live()[0] == [(22, "198.51.100.0/25")]
    stacks.update(name, {"Group": template("")["Group"]})
    assert live() == ([], ["0.0.0.0/0"])


def test_a_standalone_rule_that_exists_already_fails_the_stack(aws, stacks, unique):
    doubled = template("198.51.100.0/24")
    doubled["Again"] = {**doubled["In"], "DependsOn": "In"}

    assert stacks.create(unique("stack"), doubled)["StackStatus"] == "ROLLBACK_COMPLETE"

"""Change sets: merged pages, what is empty, what is missing, what the digest covers, and the order of descriptions."""

import copy
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.stack.change_set import Change, ChangeSet, parse_change_set
from belay.stack.change_set import missing_dependency as missing

STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/6a7e8fe0"


def head(**changes: Any) -> dict[str, Any]:
    return {
        "ChangeSetName": "belay-1-4-0",
        "ChangeSetId": "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/belay-1-4-0/1",
        "StackId": STACK_ID,
        "StackName": "orders-service",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "Parameters": [
            {"ParameterKey": "DesiredCount", "ParameterValue": "2"},
            {"ParameterKey": "Password", "ParameterValue": "****"},
            {"ParameterKey": "Image", "ParameterValue": "/orders/image", "ResolvedValue": "orders:1.4.0"},
        ],
        "Tags": [{"Key": "team", "Value": "orders"}],
        "Capabilities": ["CAPABILITY_IAM"],
        "RollbackConfiguration": {"RollbackTriggers": []},
        "Changes": [],
    } | changes


def resource(logical_id: str, resource_type: str = "AWS::SNS::Topic", **values: Any) -> dict[str, Any]:
    change = {"Action": "Modify", "LogicalResourceId": logical_id, "ResourceType": resource_type, "Details": []}
    return {"Type": "Resource", "ResourceChange": change | values}


def detail(name: str, recreation: str = "Never") -> dict[str, Any]:
    return {
        "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation},
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }


def test_pages_become_one_change_set() -> None:
    pages = [head(Changes=[resource("A"), resource("B")], NextToken="x"), head(Changes=[resource("C")])]
    change_set = parse_change_set(pages)
    assert [change.logical_id for change in change_set.changes] == ["A", "B", "C"]
    assert change_set.parameters == {"DesiredCount": "2", "Password": "****", "Image": "/orders/image"}
    assert change_set.resolved == {"Image": "orders:1.4.0"}
    assert change_set.tags == {"team": "orders"}
    assert change_set.ready


def test_no_page_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one"):
        parse_change_set([])


@pytest.mark.parametrize("status", ["CREATE_PENDING", "CREATE_IN_PROGRESS", "DELETE_PENDING", "DELETE_IN_PROGRESS"])
def test_a_change_set_being_worked_out_is_neither_ready_nor_failed(status: str) -> None:
    change_set = parse_change_set([head(Status=status, ExecutionStatus="UNAVAILABLE")])
    assert change_set.in_progress
    assert (change_set.ready, change_set.failed, change_set.empty) == (False, False, False)


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_a_change_set_without_changes_is_empty_and_no_failure(reason: str) -> None:
    change_set = parse_change_set([head(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason)])
    assert change_set.empty
    assert not change_set.failed
    assert change_set.describe() == ["No changes."]


@pytest.mark.parametrize("reason", [None, "", "Transform AWS::Serverless-2016-10-31 failed with: Invalid Resource"])
def test_any_other_failed_change_set_has_failed(reason: str | None) -> None:
    values = {"StatusReason": reason} if reason is not None else {}
    change_set = parse_change_set([head(Status="FAILED", ExecutionStatus="UNAVAILABLE", **values)])
    assert change_set.failed
    assert not change_set.empty
    assert change_set.describe() == [f"The change set failed: {reason or 'CloudFormation gives no reason'}"]


def test_the_wording_in_the_reason_of_a_good_change_set_means_nothing() -> None:
    assert not parse_change_set([head(StatusReason="No updates are to be performed.")]).empty


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("No export named orders-network:SubnetIds found", "orders-network:SubnetIds"),
        ("No export named orders-vpc found. Rollback requested by user.", "orders-vpc"),
        ("Unable to fetch parameters [/orders/db/host] from parameter store for this account.", "/orders/db/host"),
        ("Parameters: [ssm:/orders/image:1] cannot be found.", "ssm:/orders/image:1"),
        ("Parameters: [Foo] must have values", None),
        ("", None),
        (None, None),
    ],
)
def test_a_missing_export_or_parameter_is_named(reason: str | None, name: str | None) -> None:
    assert missing(reason) == name


def test_a_ready_change_set_without_resource_changes_changes_outputs() -> None:
    change_set = parse_change_set([head()])
    assert not change_set.empty
    assert change_set.describe() == ["No resource changes; the stack's outputs change."]


def test_the_riskiest_change_comes_first_in_words() -> None:
    changes = [
        resource("Added", Action="Add"),
        resource("Changed", Replacement="False", Details=[detail("DisplayName")]),
        resource("MaybeReplaced", Replacement="Conditional", Details=[detail("TopicName", "Conditionally")]),
        resource("Replaced", Replacement="True", Details=[detail("TopicName", "Always"), detail("Tags")]),
        resource("Gone", Action="Remove", PolicyAction="Delete"),
        resource("Kept", "AWS::DynamoDB::Table", Action="Remove", PolicyAction="Retain"),
        resource("Saved", "AWS::RDS::DBInstance", Replacement="True", PolicyAction="ReplaceAndSnapshot"),
        resource("Lost", "AWS::S3::Bucket", Action="Remove", PolicyAction="Delete"),
        resource("Unsure", "AWS::RDS::DBInstance", Replacement="Conditional", Details=[detail("Engine", "Always")]),
        resource("Found", Action="Import"),
        resource("Later", Action="Dynamic"),
    ]
    random.Random(7).shuffle(changes)
    assert parse_change_set([head(Changes=changes)]).describe() == [
        "DELETES Lost (AWS::S3::Bucket); ITS DATA IS LOST",
        "MAY REPLACE Unsure (AWS::RDS::DBInstance): Engine; its data is lost unless its deletion policy keeps it",
        "DELETES Kept (AWS::DynamoDB::Table); the old one is kept",
        "REPLACES Saved (AWS::RDS::DBInstance); a snapshot is kept",
        "DELETES Gone (AWS::SNS::Topic)",
        "REPLACES Replaced (AWS::SNS::Topic): TopicName",
        "MAY REPLACE MaybeReplaced (AWS::SNS::Topic): TopicName",
        "decides during execution how to change Later (AWS::SNS::Topic)",
        "changes Changed (AWS::SNS::Topic): DisplayName",
        "imports Found (AWS::SNS::Topic)",
        "adds Added (AWS::SNS::Topic)",
    ]


def losing(change_set: ChangeSet) -> list[str]:
    return [path for path, change in change_set.all_changes() if change.loses_data]


def test_data_is_lost_only_with_a_stateful_resource_that_no_policy_keeps() -> None:
    changes = [
        resource("Topic", Action="Remove", PolicyAction="Delete"),
        resource("Table", "AWS::DynamoDB::Table", Action="Remove", PolicyAction="Delete"),
        resource("Kept", "AWS::DynamoDB::Table", Action="Remove", PolicyAction="Retain"),
        resource("Changed", "AWS::DynamoDB::Table", Replacement="False"),
    ]
    assert losing(parse_change_set([head(Changes=changes)])) == ["Table"]


@pytest.mark.parametrize("policy", [None, "ReplaceAndSnapshot", "ReplaceAndRetain"])
@pytest.mark.parametrize("replacement", ["True", "Conditional"])
def test_an_empty_one_in_place_of_what_holds_data_endangers_it_whatever_is_kept(
    replacement: str, policy: str | None
) -> None:
    more = {} if policy is None else {"PolicyAction": policy}
    changes = [
        resource("Database", "AWS::RDS::DBInstance", Replacement=replacement, **more),
        resource("Kept", "AWS::DynamoDB::Table", Action="Remove", PolicyAction="Retain"),
        resource("Topic", Replacement="True"),
    ]
    assert parse_change_set([head(Changes=changes)]).endangered == ("Database",)


def test_a_nested_stack_that_goes_is_named_unless_its_own_change_set_tells_what_with_it() -> None:
    goes = {"Action": "Remove", "PhysicalResourceId": f"{STACK_ID}-child"}
    told = nested_change_set("Instance")
    assert told.removed_stacks == ()

    nested = [
        resource("Gone", "AWS::CloudFormation::Stack", **goes),
        resource("Told", "AWS::CloudFormation::Stack", ChangeSetId="arn:child", **goes),
        resource("Kept", "AWS::CloudFormation::Stack", PolicyAction="Retain", **goes),
        resource("Changed", "AWS::CloudFormation::Stack", PhysicalResourceId="other"),
    ]
    child = parse_change_set([head(ChangeSetId="arn:child")])
    assert parse_change_set([head(Changes=nested)], [child]).removed_stacks == (("Gone", f"{STACK_ID}-child"),)


def nested_change_set(logical_id: str, **change: Any) -> Any:
    child = head(ChangeSetId="arn:child", StackId=f"{STACK_ID}-child", Changes=[resource(logical_id, **change)])
    parent = head(Changes=[resource("Database", "AWS::CloudFormation::Stack", ChangeSetId="arn:child")])
    return parse_change_set([parent], [parse_change_set([child])])


def test_changes_of_nested_stacks_are_told_with_their_path() -> None:
    change_set = nested_change_set("Instance", ResourceType="AWS::RDS::DBInstance", Replacement="True")
    assert losing(change_set) == ["Database/Instance"]
    assert change_set.describe()[0].startswith("REPLACES Database/Instance (AWS::RDS::DBInstance)")
    assert change_set.digest != nested_change_set("Other").digest


@pytest.mark.parametrize("inner", ["True", "Conditional", "False"])
def test_a_nested_stack_is_changed_and_never_replaced_where_its_own_change_set_tells_what_changes(inner: str) -> None:
    child = head(ChangeSetId="arn:child", StackId=f"{STACK_ID}-child", Changes=[resource("T", Replacement=inner)])
    url = {"Replacement": "Conditional", "Details": [detail("TemplateURL", "Conditionally")]}
    changes = [resource("Alarms", "AWS::CloudFormation::Stack", ChangeSetId="arn:child", **url)]
    told = parse_change_set([head(Changes=changes)], [parse_change_set([child])]).describe()
    assert "changes Alarms (AWS::CloudFormation::Stack): TemplateURL" in told
    assert parse_change_set([head(Changes=changes)]).describe() == [
        "MAY REPLACE Alarms (AWS::CloudFormation::Stack): TemplateURL"
    ]


_CHANGES = st.lists(
    st.builds(
        resource,
        st.text("ABCDEF", min_size=1, max_size=3),
        st.sampled_from(["AWS::SNS::Topic", "AWS::RDS::DBInstance"]),
        Action=st.sampled_from(["Add", "Modify", "Remove"]),
        Replacement=st.sampled_from(["True", "False", "Conditional"]),
        Details=st.lists(st.builds(detail, st.sampled_from(["Name", "Tags", "Engine"])), max_size=3),
        Scope=st.lists(st.sampled_from(["Properties", "Tags", "Metadata"]), unique=True),
    ),
    min_size=1,
    max_size=8,
)


@given(changes=_CHANGES, seed=st.randoms(use_true_random=False), split=st.integers(0, 8))
def test_describing_again_in_other_pages_and_another_order_gives_the_same_digest(
    changes: list[dict[str, Any]], seed: random.Random, split: int
) -> None:
    again = copy.deepcopy(changes)
    seed.shuffle(again)
    for change in again:
        seed.shuffle(change["ResourceChange"]["Details"])
        seed.shuffle(change["ResourceChange"]["Scope"])
    shuffled = head(
        StackId=f"{STACK_ID}-made-anew",
        ChangeSetId="another",
        ChangeSetName="another",
        CreationTime="later",
        Description="else",
    )
    seed.shuffle(shuffled["Parameters"])
    pages = [shuffled | {"Changes": again[:split]}, shuffled | {"Changes": again[split:]}]
    assert parse_change_set(pages).digest == parse_change_set([head(Changes=changes)]).digest


@pytest.mark.parametrize(
    "other",
    [
        head(Changes=[resource("A", Replacement="True")]),
        head(Changes=[resource("A"), resource("B")]),
        head(Changes=[resource("A", Details=[detail("DisplayName")])]),
        head(Changes=[resource("A", "AWS::SQS::Queue")]),
        head(Changes=[resource("A", PhysicalResourceId="x")]),
        head(Changes=[resource("A", Scope=["Tags"])]),
        head(Changes=[resource("A", PolicyAction="Delete")]),
        head(Changes=[resource("A", AfterContext='{"Properties":{"DisplayName":"other"}}')]),
        head(Changes=[resource("A")], Parameters=[{"ParameterKey": "DesiredCount", "ParameterValue": "3"}]),
        head(Changes=[resource("A")], Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]),
        head(Changes=[resource("A")], Tags=[]),
        head(Changes=[resource("A")], StackName="orders-other"),
        head(Changes=[resource("A")], OnStackFailure="DELETE"),
        head(Changes=[resource("A")], NotificationARNs=["arn:aws:sns:eu-west-1:111122223333:other"]),
    ],
)
def test_another_effect_gives_another_digest(other: dict[str, Any]) -> None:
    assert parse_change_set([other]).digest != parse_change_set([head(Changes=[resource("A")])]).digest


def test_a_newly_resolved_parameter_gives_another_digest() -> None:
    other = head()
    other["Parameters"][2]["ResolvedValue"] = "orders:1.5.0"
    assert parse_change_set([other]).digest != parse_change_set([head()]).digest


def test_an_unknown_action_is_told_as_it_is_written() -> None:
    change_set = parse_change_set([head(Changes=[resource("A", Action="Reticulate")])])
    assert change_set.describe() == ["Reticulate A (AWS::SNS::Topic)"]


def test_a_hook_is_no_resource_change() -> None:
    assert parse_change_set([head(Changes=[{"Type": "Hook", "HookInvocationCount": 1}])]).changes == ()


def test_a_change_that_leaves_the_resource_in_place_removes_nothing() -> None:
    assert not Change("A", "AWS::S3::Bucket", "Modify", replacement="False").removes

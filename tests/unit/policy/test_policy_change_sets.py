"""The real effects of a change set: data it loses, and security groups with the values CloudFormation determined.

The responses have the shape of DescribeChangeSet with IncludePropertyValues, as its page documents it; each is checked
against botocore's model.
"""

import json
from datetime import date
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from belay.policy.change_sets import KNOWN_AFTER_APPLY, check_change_set
from belay.policy.settings import PolicySettings, Waiver
from belay.policy.verdict import Report, Severity, Verdict
from belay.stack.change_set import ChangeSet, parse_change_set

TODAY = date(2026, 1, 1)
STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/6a7e8fe0"
SHAPE = (
    botocore.session.get_session().get_service_model("cloudformation").operation_model("DescribeChangeSet").output_shape
)


def answered(*changes: dict[str, Any], number: int = 1, nested: tuple[ChangeSet, ...] = ()) -> ChangeSet:
    answer = {
        "ChangeSetName": "belay-1-4-0",
        "ChangeSetId": f"arn:aws:cloudformation:eu-west-1:111122223333:changeSet/belay-1-4-0/{number}",
        "StackId": STACK_ID,
        "StackName": "orders-service",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "Changes": [{"Type": "Resource", "ResourceChange": change} for change in changes],
    }
    assert SHAPE is not None
    assert not ParamValidator().validate(answer, SHAPE).has_errors()
    return parse_change_set([answer], nested)


def change(logical_id: str, resource_type: str, action: str, **more: Any) -> dict[str, Any]:
    return {"LogicalResourceId": logical_id, "ResourceType": resource_type, "Action": action, "Details": []} | more


def context(**properties: Any) -> str:
    return json.dumps({"Properties": properties})


def check(change_set: ChangeSet, **settings: Any) -> Report:
    return check_change_set(change_set, PolicySettings(**settings), TODAY, path="service")


def replaced(**more: Any) -> dict[str, Any]:
    forcing = {
        "Target": {
            "Attribute": "Properties",
            "Name": "Engine",
            "RequiresRecreation": "Always",
            "Path": "/Properties/Engine",
            "BeforeValue": "mysql",
            "AfterValue": "postgres",
            "AttributeChangeType": "Modify",
        },
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }
    given = {"PhysicalResourceId": "orders-db", "Replacement": "True", "Details": [forcing]}
    return change("Database", "AWS::RDS::DBInstance", "Modify", **given | more)


REMOVED = change("Database", "AWS::RDS::DBInstance", "Remove", PhysicalResourceId="orders-db")


@pytest.mark.parametrize("kept", ["Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot"])
def test_what_a_policy_keeps_is_not_lost(kept: str) -> None:
    assert check(answered(REMOVED | {"PolicyAction": kept}, replaced(PolicyAction=kept))).findings == ()


@pytest.mark.parametrize("policy_action", [None, "Delete"])
def test_deleting_a_database_is_for_a_person_to_decide(policy_action: str | None) -> None:
    report = check(answered(REMOVED | ({"PolicyAction": policy_action} if policy_action else {})))
    (finding,) = report.findings
    assert (finding.policy, finding.verdict, finding.resource) == ("stateful-deletion", Verdict.REVIEW, "Database")
    assert "AWS::RDS::DBInstance orders-db is deleted" in finding.message
    assert report.verdict is Verdict.REVIEW
    assert report.summary()["service"]["policies"] == {
        "stateful-deletion": "REVIEW",
        "stateful-replacement": "PASS",
    }


@pytest.mark.parametrize(("replacement", "words"), [("True", "is replaced"), ("Conditional", "may be replaced")])
def test_replacing_a_database_is_for_a_person_to_decide(replacement: str, words: str) -> None:
    (finding,) = check(answered(replaced(Replacement=replacement, PolicyAction="ReplaceAndDelete"))).findings
    assert (finding.policy, finding.verdict) == ("stateful-replacement", Verdict.REVIEW)
    assert f"orders-db {words} for Engine" in finding.message


def test_nested_stacks_are_looked_into() -> None:
    child = answered(REMOVED, number=2)
    parent = answered(
        change("Data", "AWS::CloudFormation::Stack", "Modify", Replacement="False", ChangeSetId=child.change_set_id),
        nested=(child,),
    )
    assert [finding.resource for finding in check(parent).findings] == ["Data/Database"]


def test_a_nested_stack_whose_changes_go_untold_is_for_a_person_to_decide() -> None:
    changes = change("Data", "AWS::CloudFormation::Stack", "Modify", Replacement="False")
    (finding,) = check(answered(changes)).findings
    assert (finding.policy, finding.verdict, finding.resource) == ("stateful-replacement", Verdict.REVIEW, "Data")
    assert "does not tell what changes" in finding.message

    inner = answered(changes, number=2)
    outer = answered(changes | {"LogicalResourceId": "Outer", "ChangeSetId": inner.change_set_id}, nested=(inner,))
    assert [each.resource for each in check(outer).findings] == ["Outer/Data"]
    assert check(answered(changes | {"Action": "Add"})).findings == ()


def test_a_nested_stack_that_goes_untold_is_for_a_person_to_decide() -> None:
    goes = change("Data", "AWS::CloudFormation::Stack", "Remove", PhysicalResourceId=STACK_ID)
    (finding,) = check(answered(goes)).findings
    assert (finding.policy, finding.verdict, finding.resource) == ("stateful-deletion", Verdict.REVIEW, "Data")
    assert "the change set does not tell what it holds" in finding.message

    told = answered(number=2)
    assert check(answered(goes | {"ChangeSetId": told.change_set_id}, nested=(told,))).findings == ()
    assert check(answered(goes | {"PolicyAction": "Retain"})).findings == ()


def test_what_holds_no_data_may_go() -> None:
    topic = change("Topic", "AWS::SNS::Topic", "Remove", PolicyAction="Delete")
    assert check(answered(topic, change("New", "AWS::RDS::DBInstance", "Add"))).findings == ()


def test_an_operator_may_waive_a_loss() -> None:
    waiver = Waiver("stateful-deletion", "Database", "moved to Aurora", "dba", date(2026, 2, 1))
    report = check(answered(REMOVED), waivers=(waiver,))
    assert report.verdict is Verdict.PASS
    assert report.findings[0].waiver == "moved to Aurora (dba, until 2026-02-01)"


def test_a_registration_may_name_these_policies() -> None:
    registered = {
        "severities": {"stateful-replacement": "medium"},
        "waivers": [
            {
                "policy": "stateful-deletion",
                "resource": "Database",
                "reason": "r",
                "owner": "o",
                "expires": "2026-02-01",
            }
        ],
    }
    settings = PolicySettings.from_registration(registered)
    report = check_change_set(answered(REMOVED, replaced()), settings, TODAY, path="service")
    assert report.verdict is Verdict.PASS
    assert {finding.policy: finding.severity for finding in report.findings} == {
        "stateful-deletion": Severity.HIGH,
        "stateful-replacement": Severity.MEDIUM,
    }


def group(*rules: dict[str, str], action: str = "Modify", logical_id: str = "Web") -> dict[str, Any]:
    after = context(GroupDescription="Web", SecurityGroupIngress=list(rules))
    return change(logical_id, "AWS::EC2::SecurityGroup", action, AfterContext=after, BeforeContext=context())


def rule(cidr: str, port: str = "22") -> dict[str, str]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": cidr, "Description": "why"}


def test_a_group_is_judged_by_the_values_that_cloudformation_worked_out() -> None:
    report = check(answered(group(rule("0.0.0.0/0"), rule("10.0.0.0/8"))))
    (finding,) = [each for each in report.findings if each.policy == "ssh-open"]
    assert (finding.path, finding.resource, finding.line) == ("service", "Web", 0)
    assert finding.property == "Properties.SecurityGroupIngress[0].CidrIp"
    assert report.verdict is Verdict.FAIL


def test_two_halves_in_a_group_and_a_rule_of_its_own_are_the_internet() -> None:
    standalone = change(
        "Rule",
        "AWS::EC2::SecurityGroupIngress",
        "Add",
        AfterContext=context(GroupId="sg-1", **rule("0.0.0.0/1") | {"CidrIp": "0.0.0.0/0"}),
    )
    found = check(answered(group(rule("10.0.0.0/8")), standalone))
    assert [each.resource for each in found.findings if each.policy == "ssh-open"] == ["Rule"]
    halves = check(answered(group(rule("0.0.0.0/1"), rule("128.0.0.0/1"))))
    assert "ssh-open" in {each.policy for each in halves.findings}


def test_what_is_known_only_later_is_left_to_the_other_gates() -> None:
    assert check(answered(group(rule(KNOWN_AFTER_APPLY)))).findings == ()
    both = check(answered(group(rule(KNOWN_AFTER_APPLY), rule("0.0.0.0/0"))))
    assert both.verdict is Verdict.FAIL


def test_groups_in_nested_stacks_are_named_by_their_path() -> None:
    child = answered(group(rule("0.0.0.0/0")), number=2)
    parent = answered(
        change("Network", "AWS::CloudFormation::Stack", "Modify", ChangeSetId=child.change_set_id), nested=(child,)
    )
    assert {finding.resource for finding in check(parent).findings} == {"Network/Web"}


def test_a_group_that_goes_or_whose_values_are_not_shown_says_nothing() -> None:
    gone = group(rule("0.0.0.0/0"), action="Remove")
    silent = change("Other", "AWS::EC2::SecurityGroup", "Modify")
    assert check(answered(gone, silent)).findings == ()

"""A stuck rollback: continued, then continued with as few skips as possible, then repaired."""

from dataclasses import replace
from typing import Any

import pytest

from belay.rollback.plan import Action, Risk
from belay.rollback.planner import plan_rollback
from belay.rollback.question import Answer
from belay.rollback.situation import Situation, StackSeen
from belay.rollback.stuck import MOST_SKIPS, smallest_skips
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.status import StackStatus
from belay.stack.stuck import StuckResource
from belay.stack.trace import UnprovedResource

ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/1"
CHILD = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service-Child-ABC/2"
ONCE = {(Action.CONTINUE_UPDATE_ROLLBACK, "service"): 1}


def stuck(name: str, kind: str = "AWS::SNS::Topic", *needs: str) -> StuckResource:
    return StuckResource(name, name, ID, name, kind, "no such topic", needs)


def skipped(name: str, drift: str | None = None, **values: Any) -> UnprovedResource:
    known: dict[str, Any] = {"stack_id": ID, "resource_type": "AWS::SNS::Topic"}
    return UnprovedResource(name, logical_id=name, drift=drift, **known | values)


def seen(status: str = "UPDATE_ROLLBACK_FAILED", **values: Any) -> StackSeen:
    baseline = Baseline("orders-service", existed=True, template=TemplatePointer("artifacts", "t", "v1", "d"))
    known: dict[str, Any] = {"baseline": baseline, "changed_by_release": True, "parameter_keys": ("Size",)}
    return StackSeen("service", "orders-service", ID, StackStatus(status), **known | values)


def situation(stack: StackSeen, **values: Any) -> Situation:
    return Situation("orders", "production", "1.3.0", (stack,), **values)


def test_nothing_is_skipped_before_it_was_continued() -> None:
    (step,) = plan_rollback(situation(seen(stuck=(stuck("Topic"),)))).steps
    assert step.action is Action.CONTINUE_UPDATE_ROLLBACK


def test_then_what_it_is_stuck_on_is_skipped_and_explained() -> None:
    (step,) = plan_rollback(situation(seen(stuck=(stuck("Topic"),)), tried=ONCE)).steps
    assert (step.action, step.call) == (Action.SKIP_RESOURCES, ("cloudformation", "ContinueUpdateRollback"))
    assert step.parameters == {"StackName": ID, "ResourcesToSkip": ["Topic"]}
    assert "skipping Topic (AWS::SNS::Topic: no such topic)" in step.why
    assert "Topic keep the release's configuration" in step.risk_in_words


@pytest.mark.parametrize(
    ("resources", "least"),
    [
        ((stuck("A"), stuck("B")), ["A", "B"]),
        ((stuck("A"), stuck("B", "AWS::SNS::Topic", "A")), ["A"]),
        ((stuck("B", "AWS::SNS::Topic", "A"), stuck("A", "AWS::SNS::Topic", "B")), ["B"]),
        ((), []),
    ],
)
def test_as_little_as_possible_is_skipped(resources: tuple[StuckResource, ...], least: list[str]) -> None:
    assert [each.path for each in smallest_skips(resources)] == least


def test_somebody_else_s_rollback_is_continued_without_something_only_where_that_is_allowed() -> None:
    theirs = seen(ours=False, changed_by_release=False, stuck=(stuck("Topic"),), failed_resources=("Topic",))
    (step,) = plan_rollback(situation(theirs, tried=ONCE)).steps
    assert step.action is Action.CONTINUE_UPDATE_ROLLBACK
    twice = {(Action.CONTINUE_UPDATE_ROLLBACK, "service"): 2}
    (left,) = plan_rollback(situation(theirs, tried=twice)).left_to_do
    assert "--resources-to-skip Topic" in str(left.choices[1].command)
    (step,) = plan_rollback(situation(theirs, tried=ONCE, recover_foreign=True)).steps
    assert step.action is Action.SKIP_RESOURCES


@pytest.mark.parametrize("may_skip", [True, False])
@pytest.mark.parametrize(
    "reason",
    [
        "User: arn:aws:sts::111122223333:assumed-role/deploy/x is not authorized to perform: sns:SetTopicAttributes on",
        "API: ec2:DeleteSecurityGroup You are not authorized to perform this operation.",
        "Access Denied (Service: S3, Status Code: 403, Request ID: 1)",
        'Resource handler returned message: "null (AccessDeniedException)"',
    ],
)
def test_a_permission_that_is_missing_is_told_and_nothing_is_skipped_for_it(reason: str, may_skip: bool) -> None:
    both = (replace(stuck("Topic"), reason=reason), stuck("Queue", "AWS::SQS::Queue"))
    stack = seen(stuck=both, role_arn="arn:aws:iam::111122223333:role/deploy", ours=may_skip)
    (step,) = plan_rollback(situation(stack)).steps
    assert step.action is Action.CONTINUE_UPDATE_ROLLBACK
    plan = plan_rollback(situation(stack, tried=ONCE))
    (left,) = plan.left_to_do
    assert not plan.steps
    assert "role/deploy lacks a permission, and nothing was skipped: Topic (AWS::SNS::Topic): " in left.why
    assert "give the role the permission that it lacks" in left.what
    first = f"aws cloudformation continue-update-rollback --stack-name {ID} --region eu-west-1"
    assert left.choices[0].command == first


def test_what_holds_data_is_skipped_with_a_person_s_approval_only() -> None:
    stage = situation(seen(stuck=(stuck("Table", "AWS::DynamoDB::Table"), stuck("Topic"))), tried=ONCE)
    (ask,) = plan_rollback(stage).steps
    question = ask.parameters["question"]
    assert ask.action is Action.ASK
    assert "without Table? It has data" in ask.why
    (step,) = plan_rollback(replace(stage, answers={question: Answer.APPROVED})).steps
    assert step.parameters["ResourcesToSkip"] == ["Table", "Topic"]
    assert step.risk is Risk.DATA
    (left,) = plan_rollback(replace(stage, answers={question: Answer.DENIED})).left_to_do
    assert "stuck on Table: what has data" in left.why
    assert "--resources-to-skip Table Topic" in str(left.choices[1].command)
    other = replace(
        stage, stacks=(seen(stuck=(stuck("Bucket", "AWS::S3::Bucket"),)),), answers={question: Answer.APPROVED}
    )
    assert plan_rollback(other).steps[0].action is Action.ASK, "an approval is for what it names alone"


def test_it_is_not_continued_for_ever() -> None:
    tried = ONCE | {(Action.SKIP_RESOURCES, "service"): MOST_SKIPS}
    (left,) = plan_rollback(situation(seen(stuck=(stuck("Topic"),)), tried=tried)).left_to_do
    assert f"with skipped resources was tried {MOST_SKIPS} times" in left.why


def test_what_was_skipped_is_looked_at_one_by_one() -> None:
    inner = skipped("Child/Queue", stack_id=CHILD)
    back = seen("UPDATE_ROLLBACK_COMPLETE", unproved=(skipped("Topic"), inner, skipped("Key", "IN_SYNC")))
    steps = plan_rollback(situation(back)).steps
    assert [step.call[1] for step in steps] == ["DetectStackResourceDrift"] * 2
    assert steps[0].parameters == {"StackName": ID, "LogicalResourceId": "Topic"}
    assert steps[1].parameters["StackName"] == CHILD


@pytest.mark.parametrize("drift", ["MODIFIED", "DELETED", "UNKNOWN", "NOT_CHECKED"])
def test_what_drifted_is_brought_back_by_a_change_set_that_looks_at_the_drift(drift: str) -> None:
    back = seen(
        "UPDATE_ROLLBACK_COMPLETE",
        unproved=(skipped("Topic", drift, differences="/DisplayName"),),
        capabilities=("CAPABILITY_IAM",),
    )
    (step,) = plan_rollback(situation(back, role_arn="arn:aws:iam::111122223333:role/deploy")).steps
    assert step.action is Action.REVERT_DRIFT
    assert step.parameters == {
        "StackName": ID,
        "ChangeSetType": "UPDATE",
        "UsePreviousTemplate": True,
        "Parameters": [{"ParameterKey": "Size", "UsePreviousValue": True}],
        "DeploymentMode": "REVERT_DRIFT",
        "IncludeNestedStacks": False,
        "RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
        "Capabilities": ["CAPABILITY_IAM"],
        "RoleARN": "arn:aws:iam::111122223333:role/deploy",
    }
    assert "revert the drift of Topic: /DisplayName" in step.why


def test_a_nested_resource_is_brought_back_from_the_root_stack() -> None:
    back = seen("UPDATE_ROLLBACK_COMPLETE", unproved=(skipped("Child/Queue", "MODIFIED", stack_id=CHILD),))
    (step,) = plan_rollback(situation(back)).steps
    assert (step.parameters["StackName"], step.parameters["IncludeNestedStacks"]) == (ID, True)


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (skipped("Topic", "UNSUPPORTED"), "compare them manually"),
        (skipped("Table", "DELETED", resource_type="AWS::DynamoDB::Table"), "it was deleted with its data"),
        (skipped("Topic", "MODIFIED", left="the change set failed"), "the change set failed"),
    ],
)
def test_what_cannot_be_brought_back_is_left_with_the_reason(resource: UnprovedResource, why: str) -> None:
    plan = plan_rollback(situation(seen("UPDATE_ROLLBACK_COMPLETE", unproved=(resource,))))
    (left,) = plan.left_to_do
    assert not plan.steps
    assert why in left.why
    assert "beyond recovery" in left.why
    assert str(left.look).startswith("aws cloudformation detect-stack-resource-drift")
    assert len(left.choices) == 2


def test_bringing_back_is_tried_twice() -> None:
    back = seen("UPDATE_ROLLBACK_COMPLETE", unproved=(skipped("Topic", "MODIFIED"),))
    (left,) = plan_rollback(situation(back, tried={(Action.REVERT_DRIFT, "service"): 2})).left_to_do
    assert "reverting the drift of skipped resources was tried 2 times" in left.why


def test_when_all_is_as_the_template_says_the_rollback_goes_on() -> None:
    back = seen("UPDATE_ROLLBACK_COMPLETE", unproved=(skipped("Topic", "IN_SYNC"),))
    assert plan_rollback(situation(back)).outcome_if_done == "ROLLED_BACK"
    assert not plan_rollback(situation(back)).steps
    (step,) = plan_rollback(situation(replace(back, completed_by_release=True))).steps
    assert step.action is Action.UPDATE_TO_BASELINE

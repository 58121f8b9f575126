"""No call is ever planned that CloudFormation would refuse, over generated situations.

The table of legal calls is AWS's rules written down apart from the planner: the API reference page of each operation,
and the table of stack status codes in the user guide.
"""

import json
import re
from collections.abc import Mapping

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from belay.rollback.plan import Action, RollbackPlan, Step
from belay.rollback.planner import plan_rollback
from belay.rollback.question import Answer
from belay.rollback.situation import Situation, StackSeen
from belay.rollback.stacks import LIMIT
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.status import StackStatus

IN_PROGRESS = {status.value for status in StackStatus if status.value.endswith("_IN_PROGRESS")} - {"REVIEW_IN_PROGRESS"}

LEGAL: Mapping[str, set[str]] = {
    # A describe call changes nothing.
    "DescribeStacks": {status.value for status in StackStatus},
    # "You can cancel only stacks that are in the UPDATE_IN_PROGRESS state."
    "CancelUpdateStack": {"UPDATE_IN_PROGRESS"},
    # "Rolls back the specified stack to the last known stable state from CREATE_FAILED or UPDATE_FAILED"
    "RollbackStack": {"CREATE_FAILED", "UPDATE_FAILED"},
    # "Continues rolling back a stack from UPDATE_ROLLBACK_FAILED to UPDATE_ROLLBACK_COMPLETE state."
    "ContinueUpdateRollback": {"UPDATE_ROLLBACK_FAILED"},
    # An update starts from a stable state; of ROLLBACK_COMPLETE "only a delete operation can be performed".
    "CreateChangeSet": {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    },
    # A change set can go while nothing executes it; only a stack that never came to be has one left.
    "DeleteChangeSet": {"REVIEW_IN_PROGRESS"},
    # Nothing is deleted in the middle of an operation, nor twice.
    "DeleteStack": {status.value for status in StackStatus} - IN_PROGRESS - {"DELETE_COMPLETE"},
}

MODEL = botocore.session.get_session().get_service_model("cloudformation")

ADDED_BY_THE_EXECUTOR = {"CreateChangeSet": {"ChangeSetName": "belay-back-1"}}


def stack_id(name: str) -> str:
    return f"arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/6a7e8fe0-b491-11ee-8cf7-0a1b2c3d4e5f"


def stacks(name: str) -> st.SearchStrategy[StackSeen]:
    baseline = st.builds(
        Baseline,
        stack_name=st.just(f"orders-{name}"),
        existed=st.booleans(),
        stack_id=st.just(stack_id(f"orders-{name}")),
        template=st.sampled_from([None, TemplatePointer("artifacts", "t.yaml", "v1", "d")]),
        parameters=st.sampled_from([{}, {"Count": "2"}]),
        hidden=st.sampled_from([(), ("Password",)]),
        tags=st.sampled_from([{}, {"team": "orders"}]),
        capabilities=st.sampled_from([(), ("CAPABILITY_IAM",)]),
    )
    return st.builds(
        StackSeen,
        stack=st.just(name),
        name=st.just(f"orders-{name}"),
        stack_id=st.just(stack_id(f"orders-{name}")),
        status=st.sampled_from([None, *StackStatus]),
        reason=st.sampled_from([None, "", "The following resource(s) failed to update: [Topic]. "]),
        baseline=st.none() | baseline,
        created_by_release=st.booleans(),
        changed_by_release=st.booleans(),
        completed_by_release=st.booleans(),
        stateful=st.sampled_from([(), ("Table",)]),
        failed_resources=st.sampled_from([(), ("Topic", "Child.Queue")]),
        ours=st.booleans(),
        at_baseline=st.booleans(),
        change_sets=st.sampled_from([(), ("belay-1", "belay-2")]),
        parameter_keys=st.sampled_from([None, (), ("Count", "Password")]),
        role_arn=st.sampled_from([None, "arn:aws:iam::111122223333:role/somebody"]),
        depends_on=st.sampled_from([(), ("a",), ("a", "b")]),
        blocked=st.sampled_from([None, "it would delete Table"]),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    seen = tuple(draw(stacks(name)) for name in ("a", "b", "c")[: draw(st.integers(1, 3))])
    tried = st.dictionaries(
        st.tuples(st.sampled_from(Action), st.sampled_from([each.stack for each in seen])),
        st.integers(0, 3),
        max_size=6,
    )
    return Situation(
        application="orders",
        stage="production",
        version="1.3.0",
        stacks=seen,
        last_known_good=draw(st.sampled_from([None, "1.2.0"])),
        recover_foreign=draw(st.booleans()),
        ephemeral=draw(st.booleans()),
        role_arn=draw(st.sampled_from([None, "arn:aws:iam::111122223333:role/orders-deploy"])),
        tried=draw(tried),
        answers=draw(
            st.dictionaries(st.sampled_from([f"delete-{each.stack}" for each in seen]), st.sampled_from(Answer))
        ),
    )


def seen_by(situation: Situation, step: Step) -> StackSeen:
    return next(seen for seen in situation.stacks if seen.stack == step.subject)


def calls(plan: RollbackPlan) -> list[Step]:
    """The steps that call CloudFormation; the others ask people and wait for what they say."""
    for step in plan.steps:
        assert step.call[0] == "cloudformation" or step.call in {("sns", "Publish"), ("dynamodb", "GetItem")}
    return [step for step in plan.steps if step.call[0] == "cloudformation"]


def calls_are_legal_in_the_status_their_stack_is_in(situation: Situation, plan: RollbackPlan) -> None:
    for step in calls(plan):
        status = seen_by(situation, step).status
        assert status is not None
        assert status.value in LEGAL[step.call[1]], step


def calls_are_ones_that_the_api_takes(situation: Situation, plan: RollbackPlan) -> None:
    for step in calls(plan):
        service, operation = step.call
        assert service == "cloudformation"
        arguments = dict(step.parameters) | ADDED_BY_THE_EXECUTOR.get(operation, {})
        report = ParamValidator().validate(arguments, MODEL.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()
        assert step.parameters["StackName"] == stack_id(f"orders-{step.subject}")


def nothing_that_holds_data_is_deleted_without_its_own_approval(situation: Situation, plan: RollbackPlan) -> None:
    for step in plan.steps:
        seen = seen_by(situation, step)
        deletes = step.action is Action.DELETE_STACK or seen.status is StackStatus.CREATE_FAILED
        if deletes and seen.status is not StackStatus.REVIEW_IN_PROGRESS and step in calls(plan):
            approved = situation.answers.get(f"delete-{step.subject}") is Answer.APPROVED
            assert not seen.stateful or situation.ephemeral or approved


def what_is_somebody_else_s_is_at_most_continued_unless_allowed(situation: Situation, plan: RollbackPlan) -> None:
    for step in plan.steps:
        seen = seen_by(situation, step)
        own_shell = seen.created_by_release and seen.status is StackStatus.REVIEW_IN_PROGRESS
        if not (seen.ours or own_shell or situation.recover_foreign or situation.ephemeral):
            assert step.action in {Action.WAIT, Action.CONTINUE_UPDATE_ROLLBACK, Action.ASK}


def nothing_is_tried_a_third_time_and_nothing_is_skipped(situation: Situation, plan: RollbackPlan) -> None:
    for step in calls(plan):
        assert situation.times(step.action, step.subject) < LIMIT
        assert "ResourcesToSkip" not in step.parameters


def the_last_stack_comes_first(situation: Situation, plan: RollbackPlan) -> None:
    """Whoever waits for a person, and what it holds up, comes after those that do not."""
    order = [seen.stack for seen in situation.stacks]
    waits = [index for index, step in enumerate(plan.steps) if step.call == ("dynamodb", "GetItem")]
    for steps in (plan.steps[: waits[0]], plan.steps[waits[0] :]) if waits else (plan.steps,):
        places = [order.index(step.subject) for step in steps if step.action is not Action.ASK]
        assert places == sorted(places, reverse=True)


def a_stack_that_is_well_and_was_never_touched_is_left_alone(situation: Situation, plan: RollbackPlan) -> None:
    for seen in situation.stacks:
        untouched = not seen.changed_by_release and not seen.created_by_release and seen.blocked is None
        if untouched and seen.status in (StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE):
            assert seen.stack not in {each.subject for each in (*plan.steps, *plan.left_to_do)}


def a_plan_survives_being_a_document_and_explains_itself(_: Situation, plan: RollbackPlan) -> None:
    assert RollbackPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert plan.to_dict()["outcome_if_done"] == ("NEEDS_OPERATOR" if plan.left_to_do else "ROLLED_BACK")
    assert len(plan.describe()) == max(len(plan.steps) + len(plan.left_to_do), 1)
    for step in plan.steps:
        assert all((step.why, step.risk_in_words, step.expected))
        assert "https://docs.aws.amazon.com/" in step.legal_because
        assert step.checked_afterwards
    for left in plan.left_to_do:
        assert re.match(r"aws cloudformation describe-stack-events --stack-name \S+ --region eu-west-1 ", left.look)


RULES = (
    calls_are_legal_in_the_status_their_stack_is_in,
    calls_are_ones_that_the_api_takes,
    nothing_that_holds_data_is_deleted_without_its_own_approval,
    what_is_somebody_else_s_is_at_most_continued_unless_allowed,
    nothing_is_tried_a_third_time_and_nothing_is_skipped,
    the_last_stack_comes_first,
    a_stack_that_is_well_and_was_never_touched_is_left_alone,
    a_plan_survives_being_a_document_and_explains_itself,
)


@settings(max_examples=500, deadline=None)
@given(situation=situations())
def test_every_rule_holds_for_every_situation(situation: Situation) -> None:
    plan = plan_rollback(situation)
    for rule in RULES:
        rule(situation, plan)


@pytest.mark.parametrize("status", StackStatus)
def test_the_table_and_the_planner_know_the_same_statuses(status: StackStatus) -> None:
    legal = {operation for operation, statuses in LEGAL.items() if status.value in statuses}
    assert legal >= {"DescribeStacks"}
    assert (legal == {"DescribeStacks"}) == (
        status.value in IN_PROGRESS - {"UPDATE_IN_PROGRESS"} or status is StackStatus.DELETE_COMPLETE
    )

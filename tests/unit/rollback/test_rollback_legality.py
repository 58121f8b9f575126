"""No call is ever planned that CloudFormation would refuse, over generated situations.

The table of legal calls is AWS's rules, defined independently of the planner: the API reference page of each operation,
and the table of stack status codes in the user guide.
"""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from stack_trees import Tree, trees
from untraced import untraced

from belay.rollback.attempts import LIMIT
from belay.rollback.plan import Action, RollbackPlan, Step
from belay.rollback.planner import plan_rollback
from belay.rollback.question import Answer
from belay.rollback.situation import Situation, StackSeen
from belay.rollback.stuck import MOST_SKIPS
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.status import StackStatus
from belay.stack.trace import UnprovedResource

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
    # The four statuses that "Detect drift on individual stack resources" lists.
    "DetectStackResourceDrift": {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    },
    # A change set can be deleted while nothing executes it; only a stack that was never created has one left.
    "DeleteChangeSet": {"REVIEW_IN_PROGRESS"},
    # Nothing is deleted in the middle of an operation, nor twice.
    "DeleteStack": {status.value for status in StackStatus} - IN_PROGRESS - {"DELETE_COMPLETE"},
}

MODEL = botocore.session.get_session().get_service_model("cloudformation")

ADDED_BY_THE_EXECUTOR = {"CreateChangeSet": {"ChangeSetName": "belay-back-1"}}


def stack_id(name: str) -> str:
    return f"arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/6a7e8fe0-b491-11ee-8cf7-0a1b2c3d4e5f"


EXAMPLES = int(os.environ.get("BELAY_EXAMPLES", "500"))
"""The number of situations checked; ``make test-long`` checks 10,000."""


@dataclass(frozen=True)
class Stage:
    """The planned stage, and the stack trees it was read from, by stack."""

    situation: Situation
    trees: Mapping[str, Tree]

    def seen_by(self, step: Step) -> StackSeen:
        return next(seen for seen in self.situation.stacks if seen.stack == step.subject)


DRIFTS = [None, "IN_SYNC", "MODIFIED", "DELETED", "NOT_CHECKED", "UNKNOWN", "UNSUPPORTED"]
"""``StackResourceDriftStatus``, and none: not detected yet."""


def skipped(name: str) -> st.SearchStrategy[UnprovedResource]:
    return st.builds(
        UnprovedResource,
        path=st.just(name),
        stack_id=st.sampled_from([stack_id("orders-a"), stack_id("orders-a-Child-ABC")]),
        logical_id=st.just(name),
        resource_type=st.sampled_from(["AWS::SNS::Topic", "AWS::DynamoDB::Table"]),
        drift=st.sampled_from(DRIFTS),
        left=st.sampled_from([None, "the change set failed"]),
    )


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
        unproved=st.sampled_from([(), ("Topic",), ("Topic", "Table")]).flatmap(
            lambda names: st.tuples(*(skipped(each) for each in names))
        ),
        capabilities=st.sampled_from([(), ("CAPABILITY_IAM",)]),
        ours=st.booleans(),
        at_baseline=st.booleans(),
        change_sets=st.sampled_from([(), ("belay-1", "belay-2")]),
        parameter_keys=st.sampled_from([None, (), ("Count", "Password")]),
        role_arn=st.sampled_from([None, "arn:aws:iam::111122223333:role/somebody"]),
        depends_on=st.sampled_from([(), ("a",), ("a", "b")]),
        blocked=st.sampled_from([None, "it would delete Table"]),
    )


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    grown = {name: draw(trees(f"orders-{name}")) for name in ("a", "b", "c")[: draw(st.integers(1, 3))]}
    seen = tuple(told_of(draw(stacks(name)), tree) for name, tree in grown.items())
    tried = st.dictionaries(
        st.tuples(st.sampled_from(Action), st.sampled_from([each.stack for each in seen])),
        st.integers(0, 3),
        max_size=6,
    )
    questions = [f"delete-{each.stack}" for each in seen] + [skip_question(each) for each in seen]
    situation = Situation(
        application="orders",
        stage="production",
        version="1.3.0",
        stacks=seen,
        goal=draw(st.sampled_from([None, "1.2.0"])),
        recover_foreign=draw(st.booleans()),
        ephemeral=draw(st.booleans()),
        role_arn=draw(st.sampled_from([None, "arn:aws:iam::111122223333:role/orders-deploy"])),
        tried=draw(tried),
        answers=draw(st.dictionaries(st.sampled_from(questions), st.sampled_from(Answer))),
    )
    return Stage(situation, grown)


def told_of(seen: StackSeen, tree: Tree) -> StackSeen:
    """The stack with the tree that its rollback is stuck in, if any."""
    if seen.status is not StackStatus.UPDATE_ROLLBACK_FAILED:
        return seen
    return replace(seen, stack_id=tree.stack_id, stuck=tree.stuck(), failed_resources=tree.failed_resources())


def skip_question(seen: StackSeen) -> str:
    """The question about skipping this stack's resources with data."""
    asked = plan_rollback(
        Situation("orders", "production", "1.3.0", (seen,), recover_foreign=True, tried={continued(seen): 1})
    )
    names = [step.parameters["question"] for step in asked.steps if step.action is Action.ASK]
    return next((name for name in names if name.startswith("skip-")), f"skip-{seen.stack}")


def continued(seen: StackSeen) -> tuple[Action, str]:
    return Action.CONTINUE_UPDATE_ROLLBACK, seen.stack


def calls(plan: RollbackPlan) -> list[Step]:
    """The steps that call CloudFormation; the others ask people and wait for answers."""
    for step in plan.steps:
        assert step.call[0] == "cloudformation" or step.call in {("sns", "Publish"), ("dynamodb", "GetItem")}
    return [step for step in plan.steps if step.call[0] == "cloudformation"]


def calls_are_legal_in_the_status_their_stack_is_in(stage: Stage, plan: RollbackPlan) -> None:
    for step in calls(plan):
        status = stage.seen_by(step).status
        assert status is not None
        assert status.value in LEGAL[step.call[1]], step


def calls_are_ones_that_the_api_takes(stage: Stage, plan: RollbackPlan) -> None:
    for step in calls(plan):
        service, operation = step.call
        assert service == "cloudformation"
        arguments = dict(step.parameters) | ADDED_BY_THE_EXECUTOR.get(operation, {})
        report = ParamValidator().validate(arguments, MODEL.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()
        nested = step.action is Action.DETECT_DRIFT
        assert nested or step.parameters["StackName"] == stack_id(f"orders-{step.subject}")


def nothing_that_holds_data_is_deleted_without_its_own_approval(stage: Stage, plan: RollbackPlan) -> None:
    for step in plan.steps:
        seen = stage.seen_by(step)
        deletes = step.action is Action.DELETE_STACK or seen.status is StackStatus.CREATE_FAILED
        if deletes and seen.status is not StackStatus.REVIEW_IN_PROGRESS and step in calls(plan):
            approved = stage.situation.answers.get(f"delete-{step.subject}") is Answer.APPROVED
            assert not seen.stateful or stage.situation.ephemeral or approved


def what_is_somebody_else_s_is_at_most_continued_unless_allowed(stage: Stage, plan: RollbackPlan) -> None:
    for step in plan.steps:
        seen = stage.seen_by(step)
        own_shell = seen.created_by_release and seen.status is StackStatus.REVIEW_IN_PROGRESS
        repairs = {Action.DETECT_DRIFT, Action.REVERT_DRIFT} if seen.unproved else set()
        if not (seen.ours or own_shell or stage.situation.recover_foreign or stage.situation.ephemeral):
            assert step.action in {Action.WAIT, Action.CONTINUE_UPDATE_ROLLBACK, Action.ASK} | repairs


def nothing_is_tried_for_ever(stage: Stage, plan: RollbackPlan) -> None:
    for step in calls(plan):
        if step.action is not Action.DETECT_DRIFT:
            most = MOST_SKIPS if step.action is Action.SKIP_RESOURCES else LIMIT
            assert stage.situation.times(step.action, step.subject) < most


def as_little_as_possible_is_skipped_and_only_after_an_attempt_without(stage: Stage, plan: RollbackPlan) -> None:
    for step in plan.steps:
        if "ResourcesToSkip" in step.parameters:
            tree = stage.trees[step.subject]
            skips = step.parameters["ResourcesToSkip"]
            assert set(skips) <= set(tree.skippable().values())
            assert set(skips) == tree.least()
            assert len(skips) == len(set(skips)) > 0
            assert stage.situation.times(Action.CONTINUE_UPDATE_ROLLBACK, step.subject) > 0


def what_holds_data_is_skipped_with_approval_only(stage: Stage, plan: RollbackPlan) -> None:
    for step in plan.steps:
        if step.action is Action.SKIP_RESOURCES and not stage.situation.ephemeral:
            seen = stage.seen_by(step)
            holding = [
                each for each in seen.stuck if each.stateful and each.skip_as in step.parameters["ResourcesToSkip"]
            ]
            assert not holding or stage.situation.answers[skip_question(seen)] is Answer.APPROVED


def what_was_skipped_is_told_until_it_is_as_the_template_says(stage: Stage, plan: RollbackPlan) -> None:
    told = {each.subject for each in (*plan.steps, *plan.left_to_do)}
    for seen in stage.situation.stacks:
        differs = any(each.drift != "IN_SYNC" for each in seen.unproved)
        if differs and seen.status is not None and seen.status.updatable:
            assert seen.stack in told


def every_stack_that_stands_badly_is_planned_for_or_left(stage: Stage, plan: RollbackPlan) -> None:
    """A status that needs action is never silently ignored."""
    told = {each.subject for each in (*plan.steps, *plan.left_to_do)}
    for seen in stage.situation.stacks:
        if seen.status is not None and (seen.status.failed or seen.status is StackStatus.ROLLBACK_COMPLETE):
            assert seen.stack in told, seen.status


def the_last_stack_comes_first(stage: Stage, plan: RollbackPlan) -> None:
    """Steps that wait for a person, and what they block, come after those that do not."""
    order = [seen.stack for seen in stage.situation.stacks]
    waits = [index for index, step in enumerate(plan.steps) if step.call == ("dynamodb", "GetItem")]
    for steps in (plan.steps[: waits[0]], plan.steps[waits[0] :]) if waits else (plan.steps,):
        places = [order.index(step.subject) for step in steps if step.action is not Action.ASK]
        assert places == sorted(places, reverse=True)


def a_stack_that_is_well_and_was_never_touched_is_left_alone(stage: Stage, plan: RollbackPlan) -> None:
    for seen in stage.situation.stacks:
        touched = seen.changed_by_release or seen.created_by_release or seen.unproved or seen.blocked is not None
        if not touched and seen.status in (StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE):
            assert seen.stack not in {each.subject for each in (*plan.steps, *plan.left_to_do)}


def a_plan_survives_being_a_document_and_explains_itself(_: Stage, plan: RollbackPlan) -> None:
    assert RollbackPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert plan.to_dict()["outcome_if_done"] == ("NEEDS_OPERATOR" if plan.left_to_do else "ROLLED_BACK")
    assert len(plan.describe()) == max(len(plan.steps) + sum(len(each.lines()) for each in plan.left_to_do), 1)
    for step in plan.steps:
        assert all((step.why, step.risk_in_words, step.expected))
        assert "https://docs.aws.amazon.com/" in step.legal_because
        assert step.checked_afterwards


def what_is_left_has_choices_with_what_each_loses(_: Stage, plan: RollbackPlan) -> None:
    for left in plan.left_to_do:
        assert left.look is not None
        assert len(left.choices) > 1, left
        assert all(choice.what and choice.loses for choice in left.choices)
        assert left.then is None, "the commands are those of the choices"
        for command in [left.look, *(choice.command for choice in left.choices if choice.command)]:
            is_a_call_that_aws_takes(command)


def is_a_call_that_aws_takes(command: str) -> None:
    program, service, operation, *words = shlex.split(command)
    assert (program, service) == ("aws", "cloudformation")
    shape = MODEL.operation_model("".join(word.capitalize() for word in operation.split("-"))).input_shape
    known = {xform_name(name, "-") for name in shape.members} | {"region", "query", "output"}
    assert {word.removeprefix("--") for word in words if word.startswith("--")} <= known, command
    assert words[words.index("--region") + 1] == "eu-west-1"


RULES = (
    calls_are_legal_in_the_status_their_stack_is_in,
    calls_are_ones_that_the_api_takes,
    nothing_that_holds_data_is_deleted_without_its_own_approval,
    what_is_somebody_else_s_is_at_most_continued_unless_allowed,
    nothing_is_tried_for_ever,
    as_little_as_possible_is_skipped_and_only_after_an_attempt_without,
    what_holds_data_is_skipped_with_approval_only,
    what_was_skipped_is_told_until_it_is_as_the_template_says,
    every_stack_that_stands_badly_is_planned_for_or_left,
    the_last_stack_comes_first,
    a_stack_that_is_well_and_was_never_touched_is_left_alone,
    a_plan_survives_being_a_document_and_explains_itself,
    what_is_left_has_choices_with_what_each_loses,
)


@untraced
@settings(max_examples=EXAMPLES, deadline=None)
@given(stage=stages())
def test_every_rule_holds_for_every_situation(stage: Stage) -> None:
    plan = plan_rollback(stage.situation)
    for rule in RULES:
        rule(stage, plan)


@pytest.mark.parametrize("status", StackStatus)
def test_the_table_and_the_planner_know_the_same_statuses(status: StackStatus) -> None:
    legal = {operation for operation, statuses in LEGAL.items() if status.value in statuses}
    assert legal >= {"DescribeStacks"}
    assert (legal == {"DescribeStacks"}) == (
        status.value in IN_PROGRESS - {"UPDATE_IN_PROGRESS"} or status is StackStatus.DELETE_COMPLETE
    )

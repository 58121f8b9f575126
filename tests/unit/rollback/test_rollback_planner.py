"""What is planned for each status, and why a stack is left to a person: the planner's decisions, one by one."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from belay.rollback.choices import choices
from belay.rollback.plan import Action, LeftToDo
from belay.rollback.planner import plan_rollback
from belay.rollback.question import Answer, AskedQuestion, names_all
from belay.rollback.situation import Situation, StackSeen
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.cause import Cause
from belay.stack.command_line import failed_events_command
from belay.stack.status import StackStatus
from belay.stack.values import KeptValue

ARN = "arn:aws:cloudformation:eu-west-1:111122223333:stack"
ROLE = "arn:aws:iam::111122223333:role/orders-deploy"
LEFT = "left to do"
DENIED = {"delete-service": Answer.DENIED}
NOTHING = "nothing"


def stack(name: str = "service", status: str | None = "UPDATE_COMPLETE", **values: Any) -> StackSeen:
    stack_id = f"{ARN}/orders-{name}/1"
    baseline = Baseline(
        f"orders-{name}",
        existed=True,
        stack_id=stack_id,
        template=TemplatePointer("artifacts", f"{name}.yaml", "v1", "d"),
        parameters={"Count": "2"},
        tags={"team": "orders"},
        capabilities=("CAPABILITY_IAM",),
    )
    known: dict[str, Any] = {"stack_id": stack_id, "baseline": baseline, "changed_by_release": True}
    state = StackStatus(status) if status else None
    return StackSeen(stack=name, name=f"orders-{name}", status=state, **known | values)


def created(status: str, **values: Any) -> StackSeen:
    known: dict[str, Any] = {"baseline": Baseline("orders-service", existed=False), "created_by_release": True}
    return stack("service", status, **known | values)


def situation(*stacks: StackSeen, **values: Any) -> Situation:
    known: dict[str, Any] = {"goal": "1.2.0", "role_arn": ROLE}
    return Situation("orders", "production", "1.3.0", stacks, **known | values)


def decision(seen: StackSeen, **values: Any) -> str:
    plan = plan_rollback(situation(seen, **values))
    return " ".join([*(step.action for step in plan.steps), *(LEFT for _ in plan.left_to_do)]) or NOTHING


def left(seen: StackSeen, **values: Any) -> LeftToDo:
    (only,) = plan_rollback(situation(seen, **values)).left_to_do
    return only


@pytest.mark.parametrize(
    ("status", "updated", "made", "foreign", "recovered"),
    [
        ("CREATE_IN_PROGRESS", "WAIT", "WAIT", NOTHING, NOTHING),
        ("CREATE_FAILED", LEFT, "ROLLBACK_STACK", LEFT, "ROLLBACK_STACK"),
        ("CREATE_COMPLETE", "UPDATE_TO_BASELINE", "DELETE_STACK", NOTHING, NOTHING),
        ("ROLLBACK_IN_PROGRESS", "WAIT", "WAIT", "WAIT", "WAIT"),
        ("ROLLBACK_FAILED", LEFT, "DELETE_STACK", LEFT, "DELETE_STACK"),
        ("ROLLBACK_COMPLETE", LEFT, "DELETE_STACK", LEFT, "DELETE_STACK"),
        ("DELETE_IN_PROGRESS", "WAIT", "WAIT", NOTHING, NOTHING),
        ("DELETE_FAILED", LEFT, "DELETE_STACK", LEFT, "DELETE_STACK"),
        ("DELETE_COMPLETE", LEFT, NOTHING, LEFT, LEFT),
        ("UPDATE_IN_PROGRESS", "CANCEL_UPDATE", "WAIT", NOTHING, NOTHING),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "WAIT", "WAIT", NOTHING, NOTHING),
        ("UPDATE_COMPLETE", "UPDATE_TO_BASELINE", "DELETE_STACK", NOTHING, NOTHING),
        ("UPDATE_FAILED", "ROLLBACK_STACK", "DELETE_STACK", LEFT, "ROLLBACK_STACK"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "WAIT", "WAIT", "WAIT", "WAIT"),
        (
            "UPDATE_ROLLBACK_FAILED",
            "CONTINUE_UPDATE_ROLLBACK",
            "DELETE_STACK",
            "CONTINUE_UPDATE_ROLLBACK",
            "CONTINUE_UPDATE_ROLLBACK",
        ),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "WAIT", "WAIT", "WAIT", "WAIT"),
        ("UPDATE_ROLLBACK_COMPLETE", NOTHING, "DELETE_STACK", NOTHING, NOTHING),
        ("REVIEW_IN_PROGRESS", LEFT, "DELETE_CHANGE_SET DELETE_STACK", NOTHING, NOTHING),
        ("IMPORT_IN_PROGRESS", "WAIT", "WAIT", NOTHING, NOTHING),
        ("IMPORT_COMPLETE", LEFT, LEFT, NOTHING, NOTHING),
        ("IMPORT_ROLLBACK_IN_PROGRESS", "WAIT", "WAIT", "WAIT", "WAIT"),
        ("IMPORT_ROLLBACK_FAILED", LEFT, LEFT, LEFT, LEFT),
        ("IMPORT_ROLLBACK_COMPLETE", LEFT, LEFT, NOTHING, NOTHING),
    ],
)
def test_each_status_has_its_plan(status: str, updated: str, made: str, foreign: str, recovered: str) -> None:
    """For a stack that the release updated, one that it created, and a foreign one (recovery allowed or not)."""
    somebody_else_s = stack(status=status, ours=False, changed_by_release=False)
    assert decision(stack(status=status)) == updated
    assert decision(created(status, change_sets=("belay-1",))) == made
    assert decision(somebody_else_s) == foreign
    assert decision(somebody_else_s, recover_foreign=True) == recovered


def test_a_stack_with_a_status_and_no_id_is_a_mistake_of_the_looker() -> None:
    with pytest.raises(ValueError, match="stack service is UPDATE_COMPLETE and has no id"):
        stack(stack_id=None)


def test_no_stack_where_the_release_was_to_make_one_is_well() -> None:
    assert decision(stack(status=None, baseline=None, changed_by_release=False)) == NOTHING


def test_stacks_that_had_succeeded_are_taken_back_too_last_first() -> None:
    plan = plan_rollback(
        situation(
            stack("network"),
            stack("data", "UPDATE_COMPLETE", changed_by_release=False),
            stack("service", "UPDATE_FAILED"),
        )
    )
    assert [(step.subject, step.action) for step in plan.steps] == [
        ("service", Action.ROLLBACK_STACK),
        ("network", Action.UPDATE_TO_BASELINE),
    ]
    assert plan.outcome_if_done == "ROLLED_BACK"


def test_going_back_to_the_baseline_says_everything_and_drops_the_rollback_triggers() -> None:
    (step,) = plan_rollback(situation(stack())).steps
    assert step.call == ("cloudformation", "CreateChangeSet")
    assert step.parameters == {
        "StackName": f"{ARN}/orders-service/1",
        "ChangeSetType": "UPDATE",
        "TemplateURL": "https://s3.eu-west-1.amazonaws.com/artifacts/service.yaml?versionId=v1",
        "IncludeNestedStacks": True,
        "Parameters": [{"ParameterKey": "Count", "ParameterValue": "2"}],
        "Capabilities": ["CAPABILITY_IAM"],
        "Tags": [{"Key": "team", "Value": "orders"}],
        "NotificationARNs": [],
        "RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
        "RoleARN": ROLE,
    }
    assert "version 1.2.0" in step.why


def test_tags_and_notifications_that_the_release_added_are_taken_away() -> None:
    bare = Baseline("orders-service", existed=True, template=TemplatePointer("artifacts", "t.yaml", "v1", "d"))
    (step,) = plan_rollback(situation(stack(baseline=bare))).steps
    assert (step.parameters["Tags"], step.parameters["NotificationARNs"]) == ([], [])
    assert "Capabilities" not in step.parameters


def test_a_record_of_another_stack_is_not_applied_to_this_one() -> None:
    other = Baseline("orders", existed=True, stack_id=f"{ARN}/orders/9", template=TemplatePointer("a", "t", "v1", "d"))
    assert f"is of another stack, {ARN}/orders/9" in left(stack(baseline=other)).why


def test_a_deletion_says_why_the_stack_should_go() -> None:
    allowed = {"ours": False, "changed_by_release": False}
    for seen, why in (
        (created("CREATE_COMPLETE"), "which this release created"),
        (stack(status="ROLLBACK_COMPLETE", **allowed), "whose creation failed"),
        (stack(status="DELETE_FAILED", **allowed), "whose deletion failed"),
    ):
        (step,) = plan_rollback(situation(seen, recover_foreign=True)).steps
        assert why in step.why


def test_what_the_update_back_cannot_restore_is_said_as_its_risk() -> None:
    baseline = Baseline(
        "orders-service",
        existed=True,
        stack_id=f"{ARN}/orders-service/1",
        template=TemplatePointer("artifacts", "t.yaml", "v1", "d"),
        hidden=("Password",),
        resolved={"Image": "orders:1.2.0"},
    )
    kept = (KeptValue("the parameter Password (NoEcho)", "whose value the release changed"),)
    plan = plan_rollback(situation(stack(baseline=baseline, kept=kept)))
    (step,) = plan.steps
    assert (
        "it does not bring back the parameter Password (NoEcho), whose value the release changed" in step.risk_in_words
    )
    (left,) = plan.left_to_do
    assert left.why == "the stack uses the parameter Password (NoEcho), whose value the release changed."
    assert "Image are read again from Parameter Store" in step.risk_in_words


def test_what_sounds_secret_is_not_written_into_the_plan() -> None:
    baseline = Baseline(
        "orders-service",
        existed=True,
        stack_id=f"{ARN}/orders-service/1",
        template=TemplatePointer("artifacts", "t.yaml", "v1", "d"),
        parameters={"DbPassword": "hunter2", "Size": "large"},
    )
    (step,) = plan_rollback(situation(stack(baseline=baseline))).steps
    assert [each["ParameterValue"] for each in step.parameters["Parameters"]] == ["****", "large"]


def test_a_template_in_china_is_read_from_there() -> None:
    stack_id = "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/orders-service/1"
    template = TemplatePointer("artifacts", "service.yaml", "v1", "d")
    seen = stack(stack_id=stack_id, baseline=Baseline("orders-service", True, stack_id, template=template))
    (step,) = plan_rollback(situation(seen)).steps
    assert step.parameters["TemplateURL"].startswith("https://s3.cn-north-1.amazonaws.com.cn/")


def test_an_update_is_cancelled_once_and_then_waited_for() -> None:
    running = stack(status="UPDATE_IN_PROGRESS")
    assert decision(running) == "CANCEL_UPDATE"
    assert decision(running, blind=True) == "WAIT"
    assert decision(running, tried={(Action.CANCEL_UPDATE, "service"): 1}) == "WAIT"


def test_a_stack_that_says_nothing_any_more_is_not_waited_for() -> None:
    silent = stack(status="UPDATE_ROLLBACK_IN_PROGRESS", stands_still=True)
    assert "has said nothing about it for 12 hours, and it is still UPDATE_ROLLBACK_IN_PROGRESS" in left(silent).why


def test_the_update_back_to_the_baseline_is_not_cancelled() -> None:
    assert decision(stack(status="UPDATE_IN_PROGRESS"), tried={(Action.UPDATE_TO_BASELINE, "service"): 1}) == "WAIT"


@pytest.mark.parametrize(
    ("values", "tried", "expected"),
    [
        ({}, {}, NOTHING),
        ({"completed_by_release": True}, {}, "UPDATE_TO_BASELINE"),
        ({}, {(Action.UPDATE_TO_BASELINE, "service"): 1}, "UPDATE_TO_BASELINE"),
        ({"completed_by_release": True, "at_baseline": True}, {}, NOTHING),
        ({}, {(Action.UPDATE_TO_BASELINE, "service"): 2}, LEFT),
    ],
)
def test_a_rolled_back_update_is_the_baseline_unless_it_was_a_later_one(
    values: dict[str, Any], tried: dict[tuple[Action, str], int], expected: str
) -> None:
    assert decision(stack(status="UPDATE_ROLLBACK_COMPLETE", **values), tried=tried) == expected


def test_a_stack_with_data_that_the_release_made_is_left_with_its_data_named() -> None:
    todo = left(created("CREATE_COMPLETE", stateful=("Database/Instance", "Uploads")), answers=DENIED)
    assert "has data (Database/Instance, Uploads), so it was not deleted" in todo.why
    delete, keep = todo.choices
    assert delete.command == f"aws cloudformation delete-stack --stack-name {ARN}/orders-service/1 --region eu-west-1"
    assert "the data in Database/Instance, Uploads is lost" in delete.loses
    assert (keep.command, "nothing is lost" in keep.loses) == (None, True)


def test_an_ephemeral_stage_s_stack_goes_with_its_data_and_says_so() -> None:
    (step,) = plan_rollback(situation(created("CREATE_COMPLETE", stateful=("Database",)), ephemeral=True)).steps
    assert step.action is Action.DELETE_STACK
    assert step.risk_in_words == "the data in Database goes with it, unless a deletion policy keeps it"


def test_a_stack_with_data_is_deleted_with_a_person_s_approval_only() -> None:
    seen = created("CREATE_FAILED", stateful=("Database",))
    (ask,) = plan_rollback(situation(seen)).steps
    assert (ask.action, ask.parameters["question"]) == (Action.ASK, "delete-service")
    assert "it has data (Database), which is deleted with it" in ask.why
    assert decision(seen, answers={"delete-service": Answer.WAITING}) == "WAIT"
    assert decision(seen, answers={"delete-service": Answer.APPROVED}) == "ROLLBACK_STACK"
    assert "Its approval was denied." in left(seen, answers=DENIED).why
    assert "Nobody answered within 4 hours." in left(seen, answers={"delete-service": Answer.EXPIRED}).why


def test_people_are_asked_first_and_only_what_hangs_on_the_answer_waits_for_it() -> None:
    service = created("CREATE_COMPLETE", stateful=("Table",), depends_on=("network",))
    stage = situation(stack("network"), stack("alarms"), service)
    assert [(step.action, step.subject) for step in plan_rollback(stage).steps] == [
        (Action.ASK, "service"),
        (Action.UPDATE_TO_BASELINE, "alarms"),
        (Action.UPDATE_TO_BASELINE, "network"),
    ]
    waiting = replace(stage, answers={"delete-service": Answer.WAITING})
    assert [(step.action, step.subject) for step in plan_rollback(waiting).steps] == [
        (Action.UPDATE_TO_BASELINE, "alarms"),
        (Action.WAIT, "service"),
        (Action.UPDATE_TO_BASELINE, "network"),
    ]


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        ({"asked_at": "2026-11-21T08:00:00.000+00:00"}, None),
        ({"asked_at": "2026-11-21T08:00:00.000+00:00", "announced": True}, Answer.WAITING),
        ({"asked_at": "2026-11-21T04:59:00.000+00:00", "announced": True}, Answer.EXPIRED),
        ({"asked_at": "2026-11-21T04:59:00.000+00:00", "announced": True, "approved": True}, Answer.APPROVED),
        ({"approved": False}, Answer.DENIED),
    ],
)
def test_how_a_question_stands(item: dict[str, Any], answer: Answer | None) -> None:
    assert AskedQuestion("delete-service", **item).stands(datetime(2026, 11, 21, 9, tzinfo=UTC)) is answer


def test_an_ephemeral_stage_s_stack_is_nobody_else_s() -> None:
    assert decision(created("UPDATE_COMPLETE", ours=False), ephemeral=True) == "DELETE_STACK"


def test_a_shell_that_the_release_made_is_its_own_whatever_the_last_operation() -> None:
    assert decision(created("REVIEW_IN_PROGRESS", ours=False)) == "DELETE_STACK"


def test_a_shell_whose_change_sets_will_not_go_is_deleted_with_them() -> None:
    shell = created("REVIEW_IN_PROGRESS", change_sets=("belay-1",))
    assert decision(shell, tried={(Action.DELETE_CHANGE_SET, "service"): 2}) == "DELETE_STACK"


@pytest.mark.parametrize(
    ("seen", "action", "ways"),
    [
        (
            stack(status="UPDATE_ROLLBACK_FAILED", failed_resources=("Topic", "Child.Queue")),
            Action.CONTINUE_UPDATE_ROLLBACK,
            [
                "continue-update-rollback --stack-name {id} --region eu-west-1",
                "continue-update-rollback --stack-name {id} --region eu-west-1 --resources-to-skip Topic Child.Queue",
            ],
        ),
        (
            created("DELETE_FAILED", failed_resources=("Bucket",)),
            Action.DELETE_STACK,
            [
                "delete-stack --stack-name {id} --region eu-west-1",
                "delete-stack --stack-name {id} --region eu-west-1 --retain-resources Bucket",
            ],
        ),
        (
            stack(status="UPDATE_FAILED", failed_resources=("Topic",)),
            Action.ROLLBACK_STACK,
            ["rollback-stack --stack-name {id} --region eu-west-1"],
        ),
        (
            stack(status="UPDATE_ROLLBACK_FAILED"),
            Action.CONTINUE_UPDATE_ROLLBACK,
            ["continue-update-rollback --stack-name {id} --region eu-west-1"],
        ),
    ],
)
def test_after_two_tries_a_person_is_told_the_calls_that_go_on(
    seen: StackSeen, action: Action, ways: list[str]
) -> None:
    assert decision(seen, tried={(action, "service"): 1}) == action
    todo = left(seen, tried={(action, "service"): 2})
    assert f"tried 2 times, and it is still {seen.status}" in todo.why
    found = [choice.command for choice in todo.choices if choice.command]
    assert found == [f"aws cloudformation {each.format(id=seen.stack_id)}" for each in ways]


EXPORT = Cause(
    (),
    "AWS::CloudFormation::Stack",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "Export orders-vpc cannot be updated as it is in use by billing",
    datetime(2026, 11, 21, 9, tzinfo=UTC),
    f"{ARN}/orders-service/1",
)


def test_why_going_back_failed_is_told_with_what_mends_it_and_the_way_to_try_again() -> None:
    seen = stack(status="UPDATE_ROLLBACK_COMPLETE", completed_by_release=True, failed_because=EXPORT)
    again = "belay rollback orders production"
    todo = left(seen, tried={(Action.UPDATE_TO_BASELINE, "service"): 2}, again=again)
    assert todo.why == (
        "updating it back was tried 2 times, and it is still UPDATE_ROLLBACK_COMPLETE. What failed last: stack "
        "orders-service became UPDATE_ROLLBACK_IN_PROGRESS at 09:00:00 UTC: Export orders-vpc cannot be updated as it "
        "is in use by billing. First release the stack that imports it without the import; then change or remove the "
        "export."
    )
    back, stay = todo.choices
    assert (back.command, stay.command) == (again, None)
    assert "'ROLLBACK_IN_PROGRESS'" in str(todo.look)


@pytest.mark.parametrize("status", StackStatus)
def test_every_status_has_choices(status: StackStatus) -> None:
    for seen in (stack(status=status), created(status)):
        ways = choices(seen, situation(seen))
        assert len(ways) > 1
        assert all(each.what and each.loses for each in ways)


def test_the_reason_of_the_last_failure_is_told_once_and_without_its_spaces() -> None:
    seen = stack(status="UPDATE_ROLLBACK_FAILED", reason="The following resource(s) failed to update: [Topic]. ")
    todo = left(seen, tried={(Action.CONTINUE_UPDATE_ROLLBACK, "service"): 2})
    assert todo.why == (
        "continuing its rollback was tried 2 times, and it is still UPDATE_ROLLBACK_FAILED "
        "(The following resource(s) failed to update: [Topic])."
    )


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"baseline": None}, "there is no record of its earlier state"),
        ({"baseline": Baseline("orders-service", existed=True)}, "there is no record of its earlier state"),
        ({"blocked": "it would delete Table."}, "it was not rolled back: it would delete Table."),
        ({"ours": False}, "it was updated after the release"),
        ({"status": None}, "existed before the release and was deleted"),
    ],
)
def test_what_cannot_be_taken_back_is_left_with_the_reason(values: dict[str, Any], what: str) -> None:
    assert what in left(stack(**values)).why


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, "ASK"),
        (Answer.WAITING, "WAIT"),
        (Answer.APPROVED, "UPDATE_TO_BASELINE"),
        (Answer.DENIED, LEFT),
        (Answer.EXPIRED, LEFT),
    ],
)
def test_data_goes_with_an_update_back_only_once_a_person_has_approved_it(answer: Answer | None, expected: str) -> None:
    seen = stack(endangered=("Table",), stateful=("Table",))
    answers = {} if answer is None else {"update-service": answer}
    assert decision(seen, answers=answers) == expected


def test_an_approval_is_for_the_resources_that_the_question_named() -> None:
    (ask,) = plan_rollback(situation(stack(endangered=("Table", "Data/Bucket")))).steps
    asked = AskedQuestion("update-service", endangers=frozenset(ask.parameters["endangers"]))
    assert names_all(asked, ["Data/Bucket"])
    assert not names_all(asked, ["Table", "Bucket"])
    assert not names_all(asked, ["Table", "data"]), "a word of the question's text is no resource that it names"


def test_a_hidden_parameter_that_the_release_dropped_cannot_be_restored() -> None:
    baseline = Baseline(
        "orders-service",
        existed=True,
        template=TemplatePointer("artifacts", "t.yaml", "v1", "d"),
        hidden=("Password",),
    )
    assert "NoEcho parameters (Password) were removed" in left(stack(baseline=baseline, parameter_keys=("Count",))).why
    assert decision(stack(baseline=baseline, parameter_keys=("Password",))) == "UPDATE_TO_BASELINE"


def test_somebody_s_later_update_is_undone_only_where_the_registration_allows_it() -> None:
    updated_since = stack(status="UPDATE_COMPLETE", ours=False)
    assert decision(updated_since) == LEFT
    assert decision(updated_since, recover_foreign=True) == "UPDATE_TO_BASELINE"


def test_somebody_s_failed_stack_is_not_deleted_with_its_data_even_where_recovery_is_allowed() -> None:
    seen = stack(status="ROLLBACK_FAILED", ours=False, changed_by_release=False, stateful=("Table",))
    assert "It has data (Table), so it was not deleted" in left(seen, recover_foreign=True).why


def test_after_somebody_else_s_operation_a_stack_keeps_the_role_it_has() -> None:
    stuck = {"status": "UPDATE_ROLLBACK_FAILED", "ours": False, "changed_by_release": False}
    (kept,) = plan_rollback(situation(stack(**stuck, role_arn="arn:aws:iam::111122223333:role/theirs"))).steps
    (given,) = plan_rollback(situation(stack(**stuck))).steps
    assert "RoleARN" not in kept.parameters
    assert given.parameters["RoleARN"] == ROLE


def test_a_stack_that_another_leans_on_waits_until_a_person_has_seen_to_that_one() -> None:
    network = stack("network")
    data = stack("data", changed_by_release=False, depends_on=("network",))
    stuck = stack("service", blocked="it would delete Table", depends_on=("network",))
    plan = plan_rollback(situation(network, data, stuck))
    assert plan.steps == ()
    assert [each.subject for each in plan.left_to_do] == ["service", "network"]
    assert "service depends on it and comes first" in plan.left_to_do[1].why
    free = plan_rollback(situation(network, data, stack("service", blocked="it would delete Table")))
    assert [step.subject for step in free.steps] == ["network"]


def test_leaning_goes_through_stacks_between() -> None:
    plan = plan_rollback(
        situation(
            stack("network"),
            stack("data", status="UPDATE_ROLLBACK_COMPLETE", depends_on=("network",)),
            stack("service", blocked="it would delete Table", depends_on=("data",)),
        )
    )
    assert plan.steps == ()
    assert [each.subject for each in plan.left_to_do] == ["service", "network"]


def test_a_stack_that_the_release_did_not_change_holds_nobody_up() -> None:
    broken = stack("service", "ROLLBACK_COMPLETE", ours=False, changed_by_release=False, depends_on=("network",))
    plan = plan_rollback(situation(stack("network"), broken))
    assert [step.subject for step in plan.steps] == ["network"]


def test_a_plan_reads_as_an_ordered_list() -> None:
    plan = plan_rollback(situation(stack("network"), created("DELETE_FAILED", stateful=("Table",)), answers=DENIED))
    assert plan.describe() == [
        "1. network: update the stack back to version 1.2.0, with its earlier template and parameters "
        "(CreateChangeSet).",
        "service: decide whether it is deleted: this release created it, and it has data (Table), so it was not "
        f"deleted. Its approval was denied. Look: {failed_events_command(f'{ARN}/orders-service/1')}",
        "  1. fix the cause, then delete the stack again; the data in Table is lost, unless a deletion policy keeps "
        f"it: aws cloudformation delete-stack --stack-name {ARN}/orders-service/1 --region eu-west-1",
        "  2. leave it; nothing is lost, but no release can create the stack until then",
    ]
    assert plan_rollback(situation()).describe() == ["Nothing to do: all stacks are as they were before."]

"""ROLLED_BACK needs evidence for every resource: what proves it, what does not, and what is left without proof."""

from dataclasses import replace
from typing import Any

import pytest

from belay.rollback.plan import Action
from belay.rollback.planner import plan_rollback
from belay.rollback.situation import Situation, StackSeen
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.outputs import ChangedOutput, Output
from belay.stack.status import StackStatus
from belay.stack.trace import Trace, UnprovedResource
from belay.stack.values import KeptValue

ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/1"
BEFORE = Baseline("orders-service", existed=True, template=TemplatePointer("artifacts", "t", "v1", "d"))


def resource(trace: Trace, name: str = "Topic", kind: str = "AWS::SNS::Topic", **values: Any) -> UnprovedResource:
    return UnprovedResource(name, ID, name, kind, trace, **values)


def seen(*unproved: UnprovedResource, status: str = "UPDATE_ROLLBACK_COMPLETE", **values: Any) -> StackSeen:
    known: dict[str, Any] = {"baseline": BEFORE, "changed_by_release": True, "unproved": unproved}
    return StackSeen("service", "orders-service", ID, StackStatus(status), **known | values)


def situation(*stacks: StackSeen, **values: Any) -> Situation:
    return Situation("orders", "production", "1.3.0", stacks, **values)


def test_a_stack_at_its_baseline_is_no_evidence_for_what_was_skipped() -> None:
    (step,) = plan_rollback(situation(seen(resource(Trace.SKIPPED), at_baseline=True))).steps
    assert step.action is Action.DETECT_DRIFT
    assert not plan_rollback(situation(seen(resource(Trace.SKIPPED, drift="IN_SYNC"), at_baseline=True))).steps


def test_a_stack_at_its_baseline_is_evidence_for_what_the_events_are_silent_about() -> None:
    silent = seen(resource(Trace.SILENT))
    assert [step.action for step in plan_rollback(situation(silent)).steps] == [Action.DETECT_DRIFT]
    plan = plan_rollback(situation(replace(silent, at_baseline=True)))
    assert (plan.steps, plan.outcome_if_done) == ((), "ROLLED_BACK")


def test_a_type_whose_drift_cannot_be_detected_is_told_and_is_no_reason_to_call_a_person() -> None:
    plan = plan_rollback(situation(seen(resource(Trace.SILENT, drift="UNSUPPORTED", differences="no such type"))))
    assert (plan.steps, plan.outcome_if_done) == ((), "ROLLED_BACK")
    (remark,) = plan.remarks
    assert "Topic (AWS::SNS::Topic) was rolled back, and CloudFormation cannot tell" in remark.what
    skipped = plan_rollback(situation(seen(resource(Trace.SKIPPED, drift="UNSUPPORTED"))))
    assert skipped.outcome_if_done == "NEEDS_OPERATOR"


def test_a_revert_that_was_rolled_back_is_left_to_a_person_whatever_drift_detection_says() -> None:
    in_vain = resource(Trace.SKIPPED, left="the update that was to bring it back was itself rolled back (denied)")
    plan = plan_rollback(situation(seen(in_vain, at_baseline=True)))
    assert (plan.steps, plan.outcome_if_done) == ((), "NEEDS_OPERATOR")
    assert "itself rolled back (denied)" in plan.left_to_do[0].why
    assert in_vain.compared(None) == in_vain
    again = in_vain.compared(replace(in_vain, left=None, drift=None))
    assert again.left == in_vain.left, "what was found out before no events"
    assert in_vain.compared(replace(in_vain, left=None, drift="IN_SYNC")).left is None


def test_what_somebody_skipped_in_an_operation_of_their_own_is_looked_at_and_left_to_them() -> None:
    theirs = seen(resource(Trace.SKIPPED), ours=False, changed_by_release=False)
    assert [step.action for step in plan_rollback(situation(theirs)).steps] == [Action.DETECT_DRIFT]
    theirs = seen(resource(Trace.SKIPPED, drift="MODIFIED", differences="/Name"), ours=False, changed_by_release=False)
    plan = plan_rollback(situation(theirs))
    assert not plan.steps
    assert "it differs from the template: /Name" in plan.left_to_do[0].why
    for allowed in ("recover_foreign", "asked"):
        (step,) = plan_rollback(situation(theirs, **{allowed: True})).steps
        assert step.action is Action.REVERT_DRIFT


@pytest.mark.parametrize(
    ("physical_id", "reason", "outcome"),
    [
        ("orders-topic", "", "NEEDS_OPERATOR"),
        ("arn:aws:sns:eu-west-1:111122223333:orders-production-customers", "", "NEEDS_OPERATOR"),
        ("arn:aws:sns:eu-west-1:111122223333:orders-service-Topic-1AB2C3D4E5F6", "", "ROLLED_BACK"),
        ("https://sqs.eu-west-1.amazonaws.com/111122223333/orders-service-Queue-MZX5V0L1", "", "ROLLED_BACK"),
        ("sg-0a1b2c3d4e5f60718", "", "ROLLED_BACK"),
        ("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "", "ROLLED_BACK"),
        ("sg-0a1b2c3d4e5f60718", "it is in use", "NEEDS_OPERATOR"),
    ],
)
@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE"])
def test_what_was_not_deleted_is_told_and_left_where_it_is_in_the_way(
    status: str, physical_id: str, reason: str, outcome: str
) -> None:
    kept = seen(
        resource(Trace.UNDELETED if reason else Trace.RETAINED, physical_id=physical_id, reason=reason),
        status=status,
        created_by_release=status == "DELETE_COMPLETE",
    )
    plan = plan_rollback(situation(kept))
    assert (plan.steps, plan.outcome_if_done) == ((), outcome)
    (told,) = [*plan.left_to_do, *plan.remarks]
    assert physical_id in told.in_words()


def test_what_was_not_deleted_keeps_no_other_stack_from_going_back() -> None:
    kept = seen(resource(Trace.UNDELETED, physical_id="topic", reason="it is in use"), at_baseline=True)
    network = replace(seen(status="UPDATE_COMPLETE"), stack="network", name="orders-network")
    plan = plan_rollback(situation(network, replace(kept, depends_on=("network",))))
    assert [step.subject for step in plan.steps] == ["network"]
    assert [each.subject for each in plan.left_to_do] == ["service"]


DIFFERS = ChangedOutput("Arn", Output("a-1", "orders-arn"), Output("a-2", "orders-arn"))


def test_an_output_that_differs_at_the_baseline_is_told_and_left_unless_a_replaced_resource_explains_it() -> None:
    plan = plan_rollback(situation(seen(at_baseline=True, outputs=(DIFFERS,))))
    assert plan.outcome_if_done == "NEEDS_OPERATOR"
    assert "the output Arn was “a-1” and is “a-2”" in plan.left_to_do[0].why
    plan = plan_rollback(situation(seen(at_baseline=True, outputs=(replace(DIFFERS, explained=True),))))
    assert plan.outcome_if_done == "ROLLED_BACK"
    assert "was replaced" in plan.remarks[0].what


def test_who_imports_an_export_that_changed_is_named() -> None:
    imported = replace(DIFFERS, explained=True, importers=("web", "billing"))
    plan = plan_rollback(situation(seen(at_baseline=True, outputs=(imported,))))
    assert plan.outcome_if_done == "NEEDS_OPERATOR"
    assert plan.left_to_do[0].what == "update web, billing"

    stays = seen(status="UPDATE_COMPLETE", completed_by_release=True, outputs=(imported,))
    (step,) = plan_rollback(situation(stays)).steps
    assert step.action is Action.UPDATE_TO_BASELINE, "whether it is really in the way is CloudFormation's to say"
    tried = {(Action.UPDATE_TO_BASELINE, "service"): 2}
    (left,) = plan_rollback(situation(stays, tried=tried)).left_to_do
    assert "the export orders-arn is imported by web, billing" in left.why


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"])
def test_a_value_that_stays_changed_needs_a_person_although_the_stack_went_back(status: str) -> None:
    kept = KeptValue("the parameter Pin (NoEcho)", "whose value the release changed")
    plan = plan_rollback(situation(seen(status=status, at_baseline=True, kept=(kept,))))
    (left,) = plan.left_to_do
    assert (plan.steps, plan.outcome_if_done) == ((), "NEEDS_OPERATOR")
    assert "decide about the parameter Pin (NoEcho): keep today's value, or deploy a release with" in left.in_words()
    assert len(left.choices) == 2

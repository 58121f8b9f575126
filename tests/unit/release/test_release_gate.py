"""Whether a wave of change sets may be executed, from what the policies found in it."""

from dataclasses import replace

import pytest

from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.release.gate import change_set_report, refuse_wave
from belay.release.registration import Approval, Stage
from belay.stack.plan import Progress, StackPlan, StagePlan

STAGE = Stage("orders", "production", "arn:aws:iam::123456789012:role/belay/orders", {})


def finding(verdict: Verdict) -> Finding:
    return Finding("service", "Database", "a-policy", verdict, Severity.HIGH, 0, 0, "P", "Found.", "Mend it.")


def planned(*verdicts: Verdict, name: str = "service") -> StackPlan:
    report = Report(tuple(map(finding, verdicts)))
    return StackPlan(name, f"orders-{name}", progress=Progress.PLANNED, report=report.to_json())


def stage(*, approval: bool = False, ephemeral: bool = False) -> Stage:
    return replace(STAGE, approval=Approval(required=approval), ephemeral=ephemeral)


EXECUTED = StackPlan("network", "orders-network", progress=Progress.EXECUTED)


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("approval", [False, True])
def test_a_wave_without_findings_goes_on_and_one_with_a_violation_never(later: bool, approval: bool) -> None:
    before = (EXECUTED,) if later else ()
    assert refuse_wave(StagePlan((*before, planned())), stage(approval=approval)) is None
    violating = StagePlan((*before, planned(), planned(Verdict.FAIL, Verdict.REVIEW, name="other")))
    reason = refuse_wave(violating, stage(approval=approval))
    assert reason is not None
    assert [found.finding.verdict for found in reason.findings] == [Verdict.FAIL, Verdict.REVIEW]


@pytest.mark.parametrize(
    ("approval", "ephemeral", "later", "refused"),
    [
        (False, False, False, True),
        (True, False, False, False),
        (True, False, True, True),
        (False, True, False, False),
        (False, True, True, False),
    ],
)
def test_what_a_person_must_decide_needs_an_approval_that_is_still_to_be_asked(
    approval: bool, ephemeral: bool, later: bool, refused: bool
) -> None:
    plan = StagePlan((*((EXECUTED,) if later else ()), planned(Verdict.REVIEW)))
    assert (refuse_wave(plan, stage(approval=approval, ephemeral=ephemeral)) is not None) is refused


def test_only_the_change_sets_of_this_wave_count() -> None:
    done = replace(planned(Verdict.FAIL, name="done"), progress=Progress.EXECUTED)
    plan = StagePlan((done, planned(Verdict.REVIEW), StackPlan("waiting", "orders-waiting")))
    assert change_set_report(plan).verdict is Verdict.REVIEW


def test_the_report_survives_the_plan_s_document_and_goes_when_it_is_planned_anew() -> None:
    plan = StagePlan((planned(Verdict.REVIEW),))
    assert StagePlan.from_dict(plan.to_dict()) == plan
    (anew,) = plan.planned_anew(["service"]).stacks
    assert anew.report is None

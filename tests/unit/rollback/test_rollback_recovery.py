"""Recoveries run to their end, step by step, against a small model of CloudFormation."""

import os
from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from belay.rollback.plan import Action, RollbackPlan, Step
from belay.rollback.planner import plan_rollback
from belay.rollback.question import Answer
from belay.rollback.situation import Situation, StackSeen
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.status import StackStatus
from belay.stack.stuck import StuckResource
from belay.stack.trace import UnprovedResource

S = StackStatus

EXAMPLES = int(os.environ.get("BELAY_EXAMPLES", "300"))
"""``make test-long`` runs 10,000."""

WELL = {
    S.CREATE_IN_PROGRESS: S.CREATE_COMPLETE,
    S.ROLLBACK_IN_PROGRESS: S.ROLLBACK_COMPLETE,
    S.DELETE_IN_PROGRESS: S.DELETE_COMPLETE,
    S.UPDATE_IN_PROGRESS: S.UPDATE_COMPLETE,
    S.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: S.UPDATE_COMPLETE,
    S.UPDATE_ROLLBACK_IN_PROGRESS: S.UPDATE_ROLLBACK_COMPLETE,
    S.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: S.UPDATE_ROLLBACK_COMPLETE,
}

BADLY = WELL | {
    S.CREATE_IN_PROGRESS: S.CREATE_FAILED,
    S.ROLLBACK_IN_PROGRESS: S.ROLLBACK_FAILED,
    S.DELETE_IN_PROGRESS: S.DELETE_FAILED,
    S.UPDATE_IN_PROGRESS: S.UPDATE_FAILED,
    S.UPDATE_ROLLBACK_IN_PROGRESS: S.UPDATE_ROLLBACK_FAILED,
}


AFTER = {
    S.CREATE_FAILED: (S.DELETE_COMPLETE, S.ROLLBACK_FAILED),
    S.UPDATE_FAILED: (S.UPDATE_ROLLBACK_COMPLETE, S.UPDATE_ROLLBACK_FAILED),
    Action.CONTINUE_UPDATE_ROLLBACK: (S.UPDATE_ROLLBACK_COMPLETE, S.UPDATE_ROLLBACK_FAILED),
    Action.UPDATE_TO_BASELINE: (S.UPDATE_COMPLETE, S.UPDATE_ROLLBACK_COMPLETE),
    Action.DELETE_STACK: (S.DELETE_COMPLETE, S.DELETE_FAILED),
}


STUCK = (
    StuckResource("Topic", "Topic", "", "Topic", "AWS::SNS::Topic"),
    StuckResource("Alarm", "Alarm", "", "Alarm", "AWS::CloudWatch::Alarm", needs=("Topic",)),
)


@dataclass(frozen=True)
class Stack:
    """A stack in the model: what can be observed, and the configuration of its last stable state."""

    seen: StackSeen
    stable: str  # "before", "release" or "nothing"
    drifted: bool = False  # whether a skipped resource is as the release left it

    def after(self, step: Step, *, well: bool) -> "Stack":
        """CloudFormation's result of a call, in success or failure."""
        status, seen = self.seen.status, self.seen
        assert status is not None
        match step.action:
            case Action.DELETE_CHANGE_SET:
                ended = replace(self, seen=replace(seen, change_sets=seen.change_sets[1:])) if well else self
            case Action.CANCEL_UPDATE:
                ended = self.ended(S.UPDATE_ROLLBACK_IN_PROGRESS) if well else self
            case Action.WAIT:
                ended = self.ended((WELL if well else BADLY)[status])
            case Action.DETECT_DRIFT:
                ended = self.detected(str(step.parameters["LogicalResourceId"]), well=well)
            case Action.SKIP_RESOURCES:
                ended = self.went_on_without(step.parameters["ResourcesToSkip"], well=well)
            case Action.REVERT_DRIFT:
                ended = self.reverted(well=well)
            case action:
                good, bad = AFTER[status if action is Action.ROLLBACK_STACK else action]
                ended = self.ended(good if well else bad, back=well and action is Action.UPDATE_TO_BASELINE)
        return ended

    def reverted(self, *, well: bool) -> "Stack":
        """The update to its current template; drift detected before no longer counts."""
        again = tuple(replace(each, drift=None) for each in self.seen.unproved)
        ended = self.ended(S.UPDATE_COMPLETE if well else S.UPDATE_ROLLBACK_COMPLETE, back=self.stable == "before")
        return replace(ended, seen=replace(ended.seen, unproved=again), drifted=self.drifted and not well)

    def went_on_without(self, skips: list[str], *, well: bool) -> "Stack":
        """Skipped resources stay as the release left them; what was stuck because of them may be next."""
        skipped = tuple(UnprovedResource(each, str(self.seen.stack_id), each, "AWS::SNS::Topic") for each in skips)
        stuck = tuple(replace(each, needs=()) for each in self.seen.stuck if each.skip_as not in skips)
        ended = self.ended(S.UPDATE_ROLLBACK_COMPLETE if well or not stuck else S.UPDATE_ROLLBACK_FAILED)
        seen = replace(ended.seen, unproved=(*self.seen.unproved, *skipped), stuck=stuck)
        return replace(ended, seen=seen, drifted=True)

    def detected(self, name: str, *, well: bool) -> "Stack":
        """For some resources CloudFormation cannot tell whether they drifted."""
        found = ("MODIFIED" if self.drifted else "IN_SYNC") if well else "UNSUPPORTED"
        skipped = tuple(replace(each, drift=found) if each.path == name else each for each in self.seen.unproved)
        return replace(self, seen=replace(self.seen, unproved=skipped))

    def ended(self, status: StackStatus, *, back: bool = False) -> "Stack":
        """The stack in another status; a successful update makes its configuration the stable one."""
        by_release = status is S.UPDATE_COMPLETE and not back and self.seen.changed_by_release
        stable = (
            "before" if back else "release" if by_release else "nothing" if not status_holds(status) else self.stable
        )
        at_baseline = status.updatable and stable == "before"
        stuck = (self.seen.stuck or STUCK) if status is S.UPDATE_ROLLBACK_FAILED else ()
        return replace(
            self, seen=replace(self.seen, status=status, at_baseline=at_baseline, stuck=stuck), stable=stable
        )

    @property
    def recovered(self) -> bool:
        """Whether it is as it was before the release."""
        if self.seen.created_by_release:
            return self.seen.status is S.DELETE_COMPLETE
        stands = self.seen.status is not None and self.seen.status.updatable
        return self.stable == "before" and stands and not self.drifted


def status_holds(status: StackStatus) -> bool:
    return not status.holds_nothing


def named(name: str, existed: bool, *, status: StackStatus, stable: str, stateful: bool, depends_on: str) -> Stack:
    stack_id = f"arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-{name}/1"
    template = TemplatePointer("artifacts", "t.yaml", "v1", "d")
    seen = StackSeen(
        stack=name,
        name=f"orders-{name}",
        stack_id=stack_id,
        status=status,
        baseline=Baseline(
            f"orders-{name}", existed, stack_id if existed else None, template=template if existed else None
        ),
        created_by_release=not existed,
        changed_by_release=status is not S.REVIEW_IN_PROGRESS,
        completed_by_release=stable == "release" and status.succeeded,
        stateful=("Table",) if stateful else (),
        change_sets=("belay-1",) if status is S.REVIEW_IN_PROGRESS else (),
        depends_on=(depends_on,) if depends_on else (),
        at_baseline=stable == "before" and status.updatable,
        stuck=STUCK if status is S.UPDATE_ROLLBACK_FAILED else (),
    )
    return Stack(seen, stable)


CREATED = st.sampled_from(
    [
        (S.REVIEW_IN_PROGRESS, "nothing"),
        (S.CREATE_IN_PROGRESS, "nothing"),
        (S.CREATE_FAILED, "nothing"),
        (S.CREATE_COMPLETE, "release"),
        (S.ROLLBACK_IN_PROGRESS, "nothing"),
        (S.ROLLBACK_FAILED, "nothing"),
        (S.ROLLBACK_COMPLETE, "nothing"),
        (S.DELETE_IN_PROGRESS, "nothing"),
        (S.DELETE_FAILED, "nothing"),
        (S.DELETE_COMPLETE, "nothing"),
    ]
)

UPDATED = st.sampled_from(
    [
        (S.UPDATE_IN_PROGRESS, "before"),
        (S.UPDATE_FAILED, "before"),
        (S.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS, "release"),
        (S.UPDATE_COMPLETE, "release"),
        (S.UPDATE_ROLLBACK_IN_PROGRESS, "before"),
        (S.UPDATE_ROLLBACK_FAILED, "before"),
        (S.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS, "before"),
        (S.UPDATE_ROLLBACK_COMPLETE, "before"),
    ]
)


@st.composite
def stages(draw: st.DrawFn) -> tuple[Stack, ...]:
    made = []
    for name, leans_on in (("network", ""), ("data", "network"), ("service", "data"))[: draw(st.integers(1, 3))]:
        existed = draw(st.booleans())
        status, stable = draw(UPDATED if existed else CREATED)
        depends_on = leans_on if draw(st.booleans()) else ""
        made.append(
            named(
                name, existed=existed, status=status, stable=stable, stateful=draw(st.booleans()), depends_on=depends_on
            )
        )
    return tuple(made)


Played = tuple[tuple[Stack, ...], RollbackPlan, list[Step]]


def played(
    stage: tuple[Stack, ...],
    fortune: st.DataObject | None,
    *,
    ephemeral: bool = False,
    answer: Answer = Answer.DENIED,
) -> Played:
    """Observe, plan, take the first step, and repeat until no step is left. Without fortune every call succeeds."""
    tried: Counter[tuple[Action, str]] = Counter()
    taken: list[Step] = []
    answers: dict[str, Answer] = {}
    while True:
        situation = Situation(
            "orders",
            "production",
            "1.3.0",
            tuple(each.seen for each in stage),
            goal="1.2.0",
            ephemeral=ephemeral,
            role_arn="arn:aws:iam::111122223333:role/orders-deploy",
            tried=dict(tried),
            answers=answers,
        )
        plan = plan_rollback(situation)
        if not plan.steps:
            return stage, plan, taken
        step = plan.steps[0]
        if "question" in step.parameters:
            answers[step.parameters["question"]] = answer
            continue
        well = True if fortune is None else fortune.draw(st.booleans(), label=f"{step.action} {step.subject}")
        stage = tuple(each.after(step, well=well) if each.seen.stack == step.subject else each for each in stage)
        taken.append(step)
        if step.action is not Action.WAIT:
            tried[step.action, step.subject] += 1
        assert len(taken) <= 40 * len(stage), "the recovery does not come to an end"


@settings(max_examples=EXAMPLES, deadline=None)
@given(stage=stages(), fortune=st.data())
def test_whatever_goes_badly_the_recovery_ends_and_tells_the_truth(
    stage: tuple[Stack, ...], fortune: st.DataObject
) -> None:
    end, plan, _ = played(stage, fortune)
    if plan.outcome_if_done == "ROLLED_BACK":
        assert all(each.recovered for each in end)
    named_to_the_operator = {each.subject for each in plan.left_to_do}
    assert {each.seen.stack for each in end if not each.recovered} <= named_to_the_operator


@settings(max_examples=EXAMPLES, deadline=None)
@given(stage=stages())
def test_when_all_goes_well_only_what_holds_data_is_left(stage: tuple[Stack, ...]) -> None:
    end, plan, _ = played(stage, None)
    keeps_data = {each.seen.stack for each in end if each.seen.created_by_release and each.seen.stateful}
    gone = {each.seen.stack for each in end if each.seen.status is S.DELETE_COMPLETE}
    if not keeps_data - gone:
        assert plan == RollbackPlan(steps=())
        assert all(each.recovered for each in end)


@settings(max_examples=200, deadline=None)
@given(stage=stages())
def test_with_every_approval_nothing_is_left(stage: tuple[Stack, ...]) -> None:
    end, plan, _ = played(stage, None, answer=Answer.APPROVED)
    assert plan == RollbackPlan(steps=())
    assert all(each.recovered for each in end)


@settings(max_examples=200, deadline=None)
@given(stage=stages())
def test_an_ephemeral_stage_made_by_the_release_is_gone_in_the_end(stage: tuple[Stack, ...]) -> None:
    own = tuple(each for each in stage if each.seen.created_by_release)
    end, plan, _ = played(own, None, ephemeral=True)
    assert plan.outcome_if_done == "ROLLED_BACK"
    assert all(each.seen.status is S.DELETE_COMPLETE for each in end)


@settings(max_examples=200, deadline=None)
@given(stage=stages())
def test_planning_a_recovered_stage_again_plans_nothing(stage: tuple[Stack, ...]) -> None:
    end, plan, _ = played(stage, None)
    answers = {f"delete-{each.seen.stack}": Answer.DENIED for each in end}
    seen = tuple(each.seen for each in end)
    again = plan_rollback(Situation("orders", "production", "1.3.0", seen, answers=answers))
    assert not again.steps
    assert again.outcome_if_done == plan.outcome_if_done

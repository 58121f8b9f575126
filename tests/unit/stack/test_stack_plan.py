import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.stack.plan import Progress, StackPlan, StagePlan

SETTLED = {Progress.UNCHANGED, Progress.EXECUTED}


def stack(name: str, *depends_on: str, progress: Progress = Progress.WAITING) -> StackPlan:
    return StackPlan(stack=name, stack_name=f"orders-{name}", depends_on=depends_on, progress=progress)


def plan(*stacks: StackPlan) -> StagePlan:
    return StagePlan(stacks)


def names(stacks: tuple[StackPlan, ...]) -> list[str]:
    return [each.stack for each in stacks]


def test_a_plan_is_kept_as_a_document() -> None:
    full = replace(
        stack("network", "base", progress=Progress.PLANNED),
        creates=True,
        stack_id="arn:stack",
        change_set_id="arn:change-set",
        generation=2,
        token="token",
        digest="digest",
        changes=("Add Topic",),
    )
    document = json.loads(json.dumps(plan(full, stack("service", "network")).to_dict()))
    assert StagePlan.from_dict(document) == plan(full, stack("service", "network"))


def test_stacks_that_wait_for_nothing_are_planned_first() -> None:
    first = plan(stack("network"), stack("queue"), stack("service", "network", "queue"))
    assert names(first.plannable) == ["network", "queue"]
    assert not first.ready
    assert not first.done
    assert not first.begun


@pytest.mark.parametrize("progress", [p for p in Progress if p not in SETTLED])
def test_a_stack_waits_while_what_it_depends_on_may_still_change(progress: Progress) -> None:
    waiting = plan(stack("network", progress=progress), stack("service", "network"))
    assert "service" not in names(waiting.plannable)


@pytest.mark.parametrize("progress", sorted(SETTLED))
def test_a_stack_is_planned_once_what_it_depends_on_is_settled(progress: Progress) -> None:
    assert names(plan(stack("network", progress=progress), stack("service", "network")).plannable) == ["service"]


@pytest.mark.parametrize(
    ("progress", "ready", "done"),
    [
        (Progress.WAITING, False, False),
        (Progress.CREATING, False, False),
        (Progress.PLANNED, True, False),
        (Progress.EXECUTING, True, False),
        (Progress.UNCHANGED, True, True),
        (Progress.EXECUTED, True, True),
    ],
)
def test_when_a_wave_is_ready_and_when_a_plan_is_done(progress: Progress, ready: bool, done: bool) -> None:
    whole = plan(stack("network", progress=progress))
    assert (whole.ready, whole.done) == (ready, done)


def test_a_plan_begins_with_its_first_change_set() -> None:
    assert not plan(stack("network")).begun
    assert plan(stack("network"), replace(stack("service"), generation=1)).begun


def test_what_is_planned_anew_forgets_its_change_set_but_not_how_many_there_were() -> None:
    planned = replace(
        stack("network", progress=Progress.PLANNED), change_set_id="arn", digest="d", changes=("c",), generation=3
    )
    other = stack("service", progress=Progress.UNCHANGED)
    anew = plan(planned, other).planned_anew(["network"])
    assert anew.stacks == (replace(stack("network"), generation=3), other)


def test_unsettled_stacks_before_another_are_those_it_may_have_to_wait_for() -> None:
    whole = plan(stack("a", progress=Progress.EXECUTED), stack("b"), stack("c", progress=Progress.PLANNED), stack("d"))
    assert whole.unsettled_before(whole.stacks[3]) == ("b", "c")
    assert whole.unsettled_before(whole.stacks[0]) == ()


def test_a_plan_is_told_stack_by_stack() -> None:
    planned = replace(stack("network", progress=Progress.PLANNED), changes=("Add Topic", "Remove Queue"))
    whole = plan(planned, stack("queue", progress=Progress.UNCHANGED), stack("service", "network", "queue"))
    assert whole.describe() == [
        "network (orders-network):",
        "  Add Topic",
        "  Remove Queue",
        "queue (orders-queue): no change",
        "service (orders-service): planned once network and queue are deployed",
    ]


@st.composite
def plans(draw: st.DrawFn) -> StagePlan:
    """Stacks that depend on earlier stacks, as a manifest's do."""
    count = draw(st.integers(1, 6))
    return StagePlan(
        tuple(
            stack(
                f"s{number}",
                *sorted(draw(st.sets(st.sampled_from([f"s{n}" for n in range(number)])))) if number else (),
            )
            for number in range(count)
        )
    )


@given(whole=plans(), choices=st.randoms(use_true_random=False))
def test_waves_change_no_stack_before_what_it_depends_on_and_come_to_an_end(whole: StagePlan, choices: object) -> None:
    order: list[str] = []
    waves = 0
    while not whole.done:
        waves += 1
        assert waves <= len(whole.stacks), "a wave changed nothing"
        while not whole.ready:
            for each in whole.plannable:
                settled = set(names(whole.in_progress(*SETTLED)))
                assert set(each.depends_on) <= settled
                whole = whole.with_stack(replace(each, progress=Progress.CREATING, generation=each.generation + 1))
            for each in whole.in_progress(Progress.CREATING):
                empty = choices.random() < 0.3  # type: ignore[attr-defined]
                whole = whole.with_stack(replace(each, progress=Progress.UNCHANGED if empty else Progress.PLANNED))
        for each in whole.in_progress(Progress.PLANNED):
            order.append(each.stack)
            whole = whole.with_stack(replace(each, progress=Progress.EXECUTED))
    depends_on = {each.stack: each.depends_on for each in whole.stacks}
    for position, name in enumerate(order):
        assert not set(depends_on[name]) & set(order[position:])
    assert all(each.generation == 1 for each in whole.stacks)

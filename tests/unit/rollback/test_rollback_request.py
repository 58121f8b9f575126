"""Rollbacks on request: valid requests, and what must be undone for them."""

import json
from typing import Any

import pytest

from belay.events.function_url import Refusal
from belay.release.attempt import StageDeployment
from belay.release.records import ReleaseReference
from belay.rollback.request import (
    RollbackRange,
    RollbackRequest,
    parse_request,
    rollback_range,
    undone_together,
)
from belay.stack.baseline import Baseline
from belay.stack.plan import Progress, StackPlan, StagePlan

ASKED = RollbackRequest("orders", "production")


def release(version: str, attempt: str = "") -> ReleaseReference:
    return ReleaseReference("orders", version, "d", attempt or f"attempt-{version}")


def was(status: str) -> Baseline:
    return Baseline(status, existed=True)


def history(*versions: str) -> list[StageDeployment]:
    return [StageDeployment("production", release(version), f"2026-01-{n:02}") for n, version in enumerate(versions, 1)]


def found(request: RollbackRequest, versions: list[str], remains: str | None = None) -> tuple[list[str], str | None]:
    asked = rollback_range(request, history(*versions), release(remains) if remains else None)
    assert isinstance(asked, RollbackRange), asked
    return [each.version for each in asked.undone], asked.target.version if asked.target else None


def refused(request: RollbackRequest, versions: list[str], remains: str | None = None) -> Refusal:
    asked = rollback_range(request, history(*versions), release(remains) if remains else None)
    assert isinstance(asked, Refusal), asked
    return asked


def test_a_request_is_read() -> None:
    body = {"application": "orders", "stage": "production", "to": "1.2.0", "plan_only": True, "comment": " too\nslow "}
    expected = RollbackRequest("orders", "production", "1.2.0", plan_only=True, comment="too slow")
    assert parse_request(json.dumps(body)) == expected
    assert parse_request('{"application": "orders", "stage": "production"}') == ASKED


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"application": "orders"}',
        '{"application": "or/ders", "stage": "production"}',
        '{"application": "orders", "stage": "production", "to": 1}',
        '{"application": "orders", "stage": "production", "plan_only": "yes"}',
        '{"application": "orders", "stage": "production", "by": "somebody else"}',
        json.dumps({"application": "orders", "stage": "production", "comment": "x" * 20_000}),
    ],
)
def test_what_is_no_request_is_refused(body: str) -> None:
    answer = parse_request(body)
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.error) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("to", "versions", "remains", "undone", "target"),
    [
        ("", ["1.0.0", "1.1.0"], None, ["1.1.0"], "1.0.0"),
        ("1.0.0", ["1.0.0", "1.1.0", "1.2.0"], None, ["1.2.0", "1.1.0"], "1.0.0"),
        ("", ["1.0.0", "1.1.0", "1.0.0", "1.2.0"], None, ["1.2.0"], "1.0.0"),
        # What failed and was left is undone first: the stage must return to its earlier state.
        ("", ["1.0.0", "1.1.0"], "1.2.0", ["1.2.0"], "1.1.0"),
        ("1.0.0", ["1.0.0", "1.1.0"], "1.2.0", ["1.2.0", "1.1.0"], "1.0.0"),
        ("", [], "1.0.0", ["1.0.0"], None),
        # Nothing is undone, only stuck stacks are recovered.
        ("1.1.0", ["1.0.0", "1.1.0"], None, [], "1.1.0"),
    ],
)
def test_where_it_goes_back_to(
    to: str, versions: list[str], remains: str | None, undone: list[str], target: str | None
) -> None:
    assert found(RollbackRequest("orders", "production", to), versions, remains) == (undone, target)


def test_what_was_never_there_is_refused_with_what_was() -> None:
    assert refused(ASKED, []).status == 404
    assert refused(ASKED, ["1.0.0"]).error == "NothingBefore"
    unknown = refused(RollbackRequest("orders", "production", "9.9.9"), ["1.0.0", "1.1.0"])
    assert unknown.message == ("9.9.9 is not an earlier release of orders in production; known are 1.0.0, 1.1.0")


def test_several_releases_are_undone_as_if_they_were_one() -> None:
    def plan(*stacks: StackPlan) -> StagePlan:
        return StagePlan(stacks)

    newest = plan(
        StackPlan("network", "n", progress=Progress.UNCHANGED, stack_id="n-1"),
        StackPlan(
            "service", "s", depends_on=("network",), progress=Progress.EXECUTED, stack_id="s-1", change_set_id="c"
        ),
    )
    oldest = plan(
        StackPlan("network", "n", progress=Progress.EXECUTED, stack_id="n-1"),
        StackPlan("service", "s", progress=Progress.EXECUTED, creates=True, stack_id="s-1"),
        StackPlan("extra", "e", progress=Progress.UNCHANGED, stack_id="e-1"),
    )
    together = undone_together(
        [
            (newest, {"network": was("1"), "service": was("1")}),
            (oldest, {"network": was("0"), "service": was("nothing"), "extra": was("0")}),
        ]
    )
    by_name = {stack.stack: stack for stack in together.plan.stacks}
    assert list(by_name) == ["network", "service", "extra"]
    assert by_name["network"].progress is Progress.EXECUTED
    assert (by_name["service"].creates, by_name["service"].change_set_id) == (True, None)
    assert by_name["service"].depends_on == ("network",)
    assert by_name["extra"].progress is Progress.UNCHANGED
    assert together.baselines == {
        "network": was("0"),
        "service": was("nothing"),
        "extra": was("0"),
    }


def test_a_stack_that_was_registered_under_the_same_name_is_undone_as_itself() -> None:
    def plan(name: str, stack_id: str | None, *, creates: bool = False, **values: Any) -> StagePlan:
        known: dict[str, Any] = {"progress": Progress.EXECUTED, "creates": creates, "stack_id": stack_id}
        network = StackPlan("network", "n", progress=Progress.EXECUTED, stack_id="n-1")
        return StagePlan((network, StackPlan("first", name, ("network",), **known | values)))

    waiting = plan("renamed", None, progress=Progress.WAITING)
    newest, oldest = plan("renamed", "r-1", creates=True), plan("original", "o-1")
    captured = [{"first": was("nothing")}, {"first": was("original"), "network": was("n")}]
    together = undone_together([(waiting, {}), (newest, captured[0]), (oldest, captured[1])])
    found = [(stack.stack, stack.stack_id, stack.creates, stack.depends_on) for stack in together.plan.stacks]
    assert found == [
        ("network", "n-1", False, ()),
        ("first", "r-1", True, ("network",)),
        ("original", "o-1", False, ("network",)),
    ]
    assert together.baselines == {"network": was("n"), "first": was("nothing"), "original": was("original")}
    taken = StackPlan("original", "x", progress=Progress.EXECUTED, stack_id="x-1")
    named = undone_together([(newest, {}), (StagePlan((*oldest.stacks, taken)), {})]).plan.stacks
    assert [each.stack for each in named] == ["network", "first", "original", "x"]
    assert len({each.stack_id for each in named}) == len(named)

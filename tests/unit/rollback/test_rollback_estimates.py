"""How long a recovery will take, from earlier durations of the same steps."""

from typing import Any

import pytest

from belay.rollback.estimates import is_over, with_estimates
from belay.rollback.plan import Action, Kind, Risk, RollbackPlan, Step, lasting
from belay.rollback.taken import StepTaken

TAKEN = StepTaken(Action.DELETE_STACK, Kind.STACK, "service", "it was new", "2026-01-01T10:00:00.000+00:00")


def step(action: Action, subject: str = "service") -> Step:
    known: dict[str, Any] = {
        "legal_because": "it is",
        "risk": Risk.NONE,
        "risk_in_words": "none",
        "expected": ("GONE",),
    }
    call = ("cloudformation", "DeleteStack")
    return Step(action, Kind.STACK, subject, "id", call, {}, "do it", checked_afterwards="that it is gone", **known)


@pytest.mark.parametrize(
    ("steps", "over"),
    [
        ([], True),
        ([step(Action.WAIT)], False),
        ([step(Action.DELETE_STACK)], False),
        ([step(Action.WAIT, "network")], True),
        ([step(Action.DETECT_DRIFT)], True),
    ],
)
def test_a_step_is_over_when_the_plan_goes_on(steps: list[Step], over: bool) -> None:
    assert is_over(TAKEN, RollbackPlan(tuple(steps))) is over


def test_a_step_is_estimated_by_the_middle_of_its_earlier_runs() -> None:
    plan = RollbackPlan((step(Action.DELETE_STACK), step(Action.DELETE_STACK, "network")))
    service, network = with_estimates(plan, {("DELETE_STACK", "service"): [30, 200, 40]}).steps
    assert (service.estimate_seconds, network.estimate_seconds) == (40, None)
    assert service.in_words() == "service: do it (DeleteStack, about 40 seconds)."
    assert network.in_words() == "network: do it (DeleteStack)."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a second"), (1, "1 second"), (89, "89 seconds"), (90, "2 minutes"), (3_600, "60 minutes")],
)
def test_a_time_is_said_in_words(seconds: int, words: str) -> None:
    assert lasting(seconds) == words

"""How long a recovery will take, estimated from earlier runs of the same steps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median_high

from belay.rollback.plan import Action, RollbackPlan
from belay.rollback.taken import StepTaken

RUNS_KEPT = 5
"""How many earlier runs of a step are remembered."""


def is_over(taken: StepTaken, plan: RollbackPlan) -> bool:
    """Whether a step succeeded, judged by the plan made after it.

    It has not while its subject is waited for, or if the same step is planned again.
    """
    if not plan.steps:
        return True
    first = plan.steps[0]
    return first.subject != taken.subject or first.action not in (Action.WAIT, taken.action)


def with_estimates(plan: RollbackPlan, durations: Mapping[tuple[str, str], Sequence[int]]) -> RollbackPlan:
    """Add an estimate to each step: ``durations`` are the seconds of earlier runs, by action and subject."""
    steps = [
        replace(step, estimate_seconds=median_high(known))
        if (known := durations.get((step.action, step.subject)))
        else step
        for step in plan.steps
    ]
    return replace(plan, steps=tuple(steps))

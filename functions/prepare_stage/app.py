"""Prepares a stage: creates its change sets, without permission to execute them, and captures its stacks."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from prepare_stage import capture_baselines, plan_stage, show_plan

STEPS: Mapping[str, Handler] = {
    "capture_baselines": capture_baselines.handler,
    "plan_stage": plan_stage.handler,
    "show_plan": show_plan.handler,
}

handler = one_of(STEPS)

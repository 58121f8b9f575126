"""Changes a stage's stacks: executes or withdraws existing change sets, and deletes ephemeral stacks."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from change_stacks import confirm_plan, delete_stacks, execute_wave, withdraw_plan

STEPS: Mapping[str, Handler] = {
    "confirm_plan": confirm_plan.handler,
    "delete_stacks": delete_stacks.handler,
    "execute_wave": execute_wave.handler,
    "withdraw_plan": withdraw_plan.handler,
}

handler = one_of(STEPS)

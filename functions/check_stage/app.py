"""Checks a stage before and after it is deployed: reads everything and changes nothing."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from check_stage import rehearse_rollback, validate_stacks, verify_stage

STEPS: Mapping[str, Handler] = {
    "rehearse_rollback": rehearse_rollback.handler,
    "validate_stacks": validate_stacks.handler,
    "verify_stage": verify_stage.handler,
}

handler = one_of(STEPS)

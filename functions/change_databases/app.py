"""Has a release's database changes applied and undone by the executors that operators registered."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from change_databases import apply_changes, plan_changes, recover_changes

STEPS: Mapping[str, Handler] = {
    "apply_changes": apply_changes.handler,
    "plan_changes": plan_changes.handler,
    "recover_changes": recover_changes.handler,
}

handler = one_of(STEPS)

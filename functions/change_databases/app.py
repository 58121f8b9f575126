"""Has a release's database changes applied by the executors that operators registered; holds no power over data."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from change_databases import apply_changes, plan_changes

STEPS: Mapping[str, Handler] = {
    "apply_changes": apply_changes.handler,
    "plan_changes": plan_changes.handler,
}

handler = one_of(STEPS)

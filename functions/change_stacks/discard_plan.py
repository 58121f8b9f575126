"""Deletes the change sets that will not be executed, and the empty shells of the stacks they were to create."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.stage_stacks import StageStacks
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Leave nothing of the plan behind."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    return {"discarded": StageStacks.of(run, run.at(home.aws, Power.DEPLOY)).discard()}

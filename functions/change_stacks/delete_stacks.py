"""Deletes the stacks of an ephemeral stage, the last first."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.stage_stacks import StageStacks
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Delete the last stack that still exists, or check its deletion; ``done`` once none is left. Raises
    ``StackFailed``.
    """
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    return {
        "done": StageStacks.of(run, run.at(home.aws, Power.DEPLOY)).delete_last(),
        "wait_seconds": home.poll_seconds,
    }

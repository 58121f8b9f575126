"""Deletes every change set that a plan created, and the empty stacks they were for."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.stage_stacks import StageStacks
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Delete all of the plan's remains; ``gone`` once there are none."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    left = StageStacks.of(run, run.at(home.aws, Power.DEPLOY)).withdraw()
    return {"gone": not left, "left": ", ".join(left), "wait_seconds": home.poll_seconds}

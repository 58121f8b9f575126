"""Executes the change sets that are ready and follows them until the wave is done."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.stage_stacks import StageStacks
from belay.home import own_home
from belay.release.change_plan import wave
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance the wave one step: ``progress`` is RUNNING, CHANGES, NEXT_WAVE or DONE. Raises ``StackFailed``."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    changes = run.change_plan()
    plan = StageStacks.of(run, run.at(home.aws, Power.DEPLOY)).advance(changes)
    return {"progress": wave(plan, changes), "wait_seconds": home.poll_seconds}

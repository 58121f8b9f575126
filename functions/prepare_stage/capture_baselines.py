"""Captures every stack of the stage before the release changes it, whoever deployed it."""

from collections.abc import Mapping
from typing import Any

from belay.control.baselines import Baselines
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Store template, parameters and tags of each stack; an earlier try's capture is kept."""
    home = own_home()
    ledger, artifacts = home.ledger, home.artifacts
    run = StageContext.enter(event, ledger, artifacts)
    there, files = run.at(home.aws, Power.DEPLOY), StageFiles.kept_by(home.aws, run)
    baselines = Baselines(there.stacks, files.keep, ledger, StackValues.of(there, ledger).known_at)
    known = ledger.baselines.of(run.release.origin, run.stage.name)
    for stack in run.plan().stacks:
        if stack.stack not in known:
            baselines.capture(run.release.origin, run.stage.name, stack.stack, stack.stack_name)
    return {"stacks": [stack.stack for stack in run.plan().stacks]}

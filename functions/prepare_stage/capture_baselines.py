"""Captures every stack of the stage as it is before the release touches it, whoever deployed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.baselines import Baselines
from belay.control.stage import StageContext
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Keep template, parameters and tags of each stack; what an earlier try captured stands."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    baselines = Baselines(run.stacks, run.artifacts, run.ledger)
    known = run.ledger.baselines.of(run.release.origin, run.stage.name)
    for stack in run.plan().stacks:
        if stack.stack not in known:
            baselines.capture(run.release.origin, run.stage.name, stack.stack, stack.stack_name)
    return {"stacks": [stack.stack for stack in run.plan().stacks]}

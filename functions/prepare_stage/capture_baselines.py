"""Captures every stack of the stage as it is before the release touches it, whoever deployed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.baselines import Baselines
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Store template, parameters and tags of each stack; an earlier try's capture is kept."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there, files = run.at(aws, Power.DEPLOY), StageFiles.kept_by(aws, run)
    baselines = Baselines(there.stacks, files.keep, ledger, StackValues.of(there, ledger).known_at)
    known = ledger.baselines.of(run.release.origin, run.stage.name)
    for stack in run.plan().stacks:
        if stack.stack not in known:
            baselines.capture(run.release.origin, run.stage.name, stack.stack, stack.stack_name)
    return {"stacks": [stack.stack for stack in run.plan().stacks]}

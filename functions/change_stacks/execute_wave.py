"""Executes the change sets that are ready and follows them until the wave is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_stacks import StageStacks
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.change_plan import wave
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Bring the wave one step on: ``progress`` is RUNNING, CHANGES, NEXT_WAVE or DONE. Raises ``StackFailed``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there = run.at(aws, Power.DEPLOY)
    changes = run.change_plan()
    plan = StageStacks(run, there.stacks, StackValues.of(there, ledger)).advance(changes)
    return {"progress": wave(plan, changes), "wait_seconds": settings.poll_seconds}

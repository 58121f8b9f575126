"""Deletes every change set that a plan made, and the empty stacks that they were for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_stacks import StageStacks
from belay.ledger.ledger import Ledger
from belay.observability import observed
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
    """Leave nothing of the plan behind; ``gone`` once nothing is."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there = run.at(aws, Power.DEPLOY)
    left = StageStacks(run, there.stacks, StackValues.of(there, ledger)).withdraw()
    return {"gone": not left, "left": ", ".join(left), "wait_seconds": settings.poll_seconds}

"""Deletes the stacks of an ephemeral stage, the last first."""

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
    """Delete the last stack that still exists, or check on it; ``done`` once none is left. Raises ``StackFailed``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there = run.at(aws, Power.DEPLOY)
    return {
        "done": StageStacks(run, there.stacks, StackValues.of(there, ledger)).delete_last(),
        "wait_seconds": settings.poll_seconds,
    }

"""Makes sure, under the lock, that the release is still wanted and its change sets are still those planned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
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


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Tell whether the plan still stands, and why not. Raises ``ReleaseSuperseded``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there = run.at(aws, Power.DEPLOY)
    stacks, files = StageStacks(run, there.stacks, StackValues.of(there, ledger)), StageFiles.kept_by(aws, run)
    reason = stacks.confirm(int(event["fencing"]), now().date(), files)
    return {"same": reason is None, "reason": None if reason is None else run.reasons.keep(reason)}

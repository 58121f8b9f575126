"""Has the pending database changes of a stage applied, and follows that until it has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stage import StageContext
from belay.control.stage_changes import StageChanges
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
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Bring the operation one step on; ``applied`` once all are. Raises ``ChangesFailed``."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there, files = run.at(aws, Power.DEPLOY), StageFiles.kept_by(aws, run)
    plan = StageChanges(run, there.databases, there.executors, files).apply()
    return {"applied": plan.is_applied, "wait_seconds": settings.poll_seconds}

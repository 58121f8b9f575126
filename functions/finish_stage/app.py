"""Records how a stage ended, and gives its lock back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.stage import StageContext
from belay.observability import observed
from belay.release.ending import stage_ended
from belay.release.ledger import Outcome
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Record the outcome; a release deployed to a lasting stage becomes its last-known-good."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    outcome = Outcome(event["outcome"])
    if outcome is Outcome.DEPLOYED and not run.stage.ephemeral:
        run.ledger.record_deployed_content(run.release)
        run.ledger.record_last_known_good(run.release, run.stage.name, timestamp())
    run.ledger.record(run.release, run.stage.name, stage_ended(outcome), timestamp())
    if event["fencing"] is not None:
        run.ledger.release_lock(run.release.application, run.stage.name, int(event["fencing"]))
    return {"outcome": outcome}

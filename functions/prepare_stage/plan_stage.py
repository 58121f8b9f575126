"""Makes the change sets of a stage that can be made now, and looks at those made before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stage import StageContext
from belay.control.stage_change_sets import StageChangeSets
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.registration import Stage
from belay.settings import read

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Bring the plan one step on; ``pipeline`` where the stage's own pipeline deploys it, which has no change sets.

    Raises ``InvalidRelease`` where what the change sets will do breaks a policy.
    """
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    pipeline = run.stage.pipeline is not None and run.stage.pipeline.start
    ready = pipeline or StageChangeSets(run, aws.stacks, aws.alarms).advance().ready
    return {"ready": ready, "pipeline": pipeline, "wait_seconds": settings.poll_seconds, **registered(run.stage)}


def registered(stage: Stage) -> dict[str, Any]:
    """Return what the machine has to know about the stage."""
    approval = stage.approval
    return {
        "ephemeral": stage.ephemeral,
        "windows": stage.calendar.registered,
        "approval": {
            "required": approval.required,
            "expires_after_seconds": approval.expires_after_days * SECONDS_A_DAY,
        },
    }

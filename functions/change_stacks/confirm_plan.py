"""Makes sure, under the lock, that the release is still wanted and its change sets are still those planned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.control.sealing import broken_since_approval
from belay.control.stage import StageContext
from belay.errors import ReleaseSuperseded
from belay.observability import observed
from belay.release.lock import overtaken
from belay.settings import read
from belay.stack.plan import Progress


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Hold what was approved against its seal, and every planned change set against what CloudFormation says now.

    What differs is planned anew, unless it was approved. Raises ``ReleaseSuperseded`` where a newer version was
    deployed while this one waited.
    """
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    refuse_overtaken(run)
    broken = broken_since_approval(run, now().date()) if run.stage.approval.required else None
    if broken is not None:
        return {"same": False, "reason": broken}
    plan = run.plan()
    stale = [
        stack.stack
        for stack in plan.in_progress(Progress.PLANNED)
        if (found := run.stacks.describe_change_set(str(stack.change_set_id))) is None
        or not found.ready
        or found.digest != stack.digest
    ]
    # Whether nothing is still to change in a stack can only be known by planning it again.
    changed = bool(stale) or plan.changed_since(int(event["fencing"]))
    doubtful = [stack.stack for stack in plan.in_progress(Progress.UNCHANGED)] if changed else []
    if not stale and not doubtful:
        return {"same": True, "reason": None}
    run.save(plan.planned_anew([*stale, *doubtful]))
    again = ", ".join([*stale, *doubtful])
    return {"same": False, "reason": f"the stage changed while the release waited: {again} must be planned again"}


def refuse_overtaken(run: StageContext) -> None:
    """Raise ``ReleaseSuperseded`` unless this release is newer than what is deployed, or a deliberate downgrade."""
    good = run.ledger.releases.last_known_good(run.release.application, run.stage.name)
    manifest = run.accepted.manifest
    if good is not None and overtaken(manifest.version, good["version"], downgrade=manifest.downgrade):
        raise ReleaseSuperseded(f"{good['version']} was deployed to {run.stage.name} while {manifest.version} waited")

"""Takes one step of a rollback plan on database changes: determines their result, or has them undone."""

from collections.abc import Mapping
from typing import Any

from belay.control.recovered_changes import RecoveredChanges, stage_of
from belay.control.recovery import Recovery
from belay.control.stage_changes import StageChanges
from belay.control.stage_files import StageFiles
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take the step; ``again`` while the executor is working on it."""
    home = own_home()
    recovery = Recovery.enter(event, home.ledger, home.artifacts)
    there = recovery.at(home.aws, Power.DEPLOY)
    run = stage_of(recovery)
    changes = StageChanges(run, there.databases, there.executors, StageFiles.kept_by(home.aws, run))
    step, number = recovery.step(event["rollback_step"]), event["rollback_step"]["number"]
    return {
        "again": RecoveredChanges(recovery, changes).perform(step, number),
        "wait_seconds": home.poll_seconds,
    }

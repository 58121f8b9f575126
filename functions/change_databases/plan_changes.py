"""Compares a release's database changes with what the stage's database records; the missing ones are pending."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.stage_changes import StageChanges
from belay.control.stage_files import StageFiles
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance the reading one step; ``ready`` once it is done. Raises ``InvalidRelease`` and ``ChangesFailed``."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there, files = run.at(home.aws, Power.DEPLOY), StageFiles.kept_by(home.aws, run)
    reading = "read" if event["fencing"] is None else f"read-{event['fencing']}"
    plan = StageChanges(run, there.databases, there.executors, files).plan(reading)
    return {"ready": plan is None or plan.read, "wait_seconds": home.poll_seconds}

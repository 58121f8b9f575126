"""Has the pending database changes of a stage applied, and follows the operation to its end."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.stage_changes import StageChanges
from belay.control.stage_files import StageFiles
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance the operation one step; ``applied`` once all are. Raises ``ChangesFailed``."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there, files = run.at(home.aws, Power.DEPLOY), StageFiles.kept_by(home.aws, run)
    plan = StageChanges(run, there.databases, there.executors, files).apply()
    return {"applied": plan.is_applied, "wait_seconds": home.poll_seconds}

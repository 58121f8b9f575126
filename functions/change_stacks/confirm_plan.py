"""Makes sure, under the lock, that the release is still wanted and its change sets are still those planned."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import now
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.stage_stacks import StageStacks
from belay.home import own_home
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return whether the plan is still valid, and why not. Raises ``ReleaseSuperseded``."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    stacks = StageStacks.of(run, run.at(home.aws, Power.DEPLOY))
    reason = stacks.confirm(int(event["fencing"]), now().date(), StageFiles.kept_by(home.aws, run))
    return {"same": reason is None, "reason": None if reason is None else run.reasons.keep(reason)}

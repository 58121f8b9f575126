"""Takes a stage's slot for dry runs, while no deployment or recovery is active there."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.control.dry_runs import DryRuns
from belay.home import own_home
from belay.release.dry_run import DryRun
from belay.release.records import ReleaseReference


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return whether the dry run has the stage now; if not, the ``holder`` who has it and how long to wait."""
    home = own_home()
    release = ReleaseReference.from_dict(event["release"])
    wanted = DryRun(release, event["stage"], event["execution"], timestamp())
    holder = DryRuns(home.ledger, home.aws.executions).enter(wanted)
    return {"entered": not holder, "holder": holder, "wait_seconds": home.poll_seconds}

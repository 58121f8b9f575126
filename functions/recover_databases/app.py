"""Takes one step of a rollback plan on a database. Idempotent: it checks before it acts."""

from collections.abc import Mapping
from typing import Any

from belay.control.recovered_databases import RecoveredDatabases
from belay.control.recovery import Recovery
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take the step; ``again`` while it has to be repeated."""
    home = own_home()
    recovery = Recovery.enter(event, home.ledger, home.artifacts)
    there = recovery.at(home.aws, Power.RECOVER)
    step, number = recovery.step(event["rollback_step"]), event["rollback_step"]["number"]
    return {
        "again": RecoveredDatabases(recovery, there.databases).perform(step, number),
        "wait_seconds": home.poll_seconds,
    }

"""Takes a snapshot of every registered database that exists, and waits until each is available."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import now, timestamp
from belay.control.snapshots import StageSnapshots
from belay.control.stage import StageContext
from belay.control.vaults import Sender
from belay.database.snapshots import SNAPSHOTS
from belay.home import own_home
from belay.observability import observed
from belay.release.life import State
from belay.release.names import executions_beside
from belay.release.place import Power


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance every snapshot one step; ``ready`` once all are available. Raises ``SnapshotFailed``."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there = run.at(home.aws, Power.DEPLOY)
    seen = StageSnapshots(there.databases).bring_on(run.release.origin, run.stage, event["execution"])
    if seen.ready and seen.states:
        execution, topic = event["execution"], run.accepted.application.topic
        sender = Sender(run.stage, run.release.origin, execution, executions_beside(execution), topic)
        sent = sender.send(there.databases, run.ledger, now())
        run.artifacts.put_json(run.release.stage_key(run.stage.name, SNAPSHOTS), seen.taken.to_dict())
        detail = "; ".join([seen.in_words(), *sent.lines])
        run.ledger.attempts.record(run.release, State.SNAPSHOTS_TAKEN, timestamp(), stage=run.stage.name, detail=detail)
    return {"ready": seen.ready, "wait_seconds": home.poll_seconds}

"""Records how a stage ended, and releases its lock."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.metrics import emit
from belay.control.on_call import OnCall
from belay.control.reasons import read_reason
from belay.control.stage import StageContext
from belay.errors import LockLost
from belay.home import own_home
from belay.release.ending import outcome_of_stage
from belay.release.records import Outcome
from belay.settings import DefaultTopic, read
from belay.subject.measures import deployed


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Record the outcome; a release deployed to a lasting stage becomes its last-known-good, and closes what was left.

    Raises ``LockLost`` if another execution ended or recovers the stage; a rerun finds its own outcome recorded.
    """
    home, settings = own_home(), read(DefaultTopic)
    ledger, artifacts = home.ledger, home.artifacts
    run = StageContext.enter({**event, "fencing": None}, ledger, artifacts)
    outcome, fencing, now = Outcome(event["outcome"]), event["fencing"], timestamp()
    release, stage, deploys = run.release, run.stage.name, outcome is Outcome.DEPLOYED
    good, fencing = deploys and not run.stage.ephemeral, None if fencing is None else int(fencing)
    reason = None if deploys else read_reason(artifacts, event["reason"])
    ended = ledger.attempts.end_stage(release, stage, outcome, reason, good=good, fencing=fencing, now=now)
    attempt = ledger.attempts.get(release)
    if ended and good and attempt is not None:
        emit(deployed(attempt, stage, now))
    if not ended and outcome_of_stage(attempt, stage) is not outcome:
        raise LockLost(f"{release.application}/{stage} is another execution's by now; nothing was recorded")
    if deploys:
        on_call = OnCall(ledger, home.aws.notifications, settings.notification_topic_arn)
        on_call.supersede(release.application, stage, f"{release.version} was deployed since")
    return {"outcome": outcome}

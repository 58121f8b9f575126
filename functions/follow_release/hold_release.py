"""Holds a release outside its stage's windows, and announces once how long."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.control.endings import Endings
from belay.control.stage import StageContext
from belay.home import own_home
from belay.notify.deployment import Deployment
from belay.notify.message import Message
from belay.notify.releases import release_held
from belay.release.life import State
from belay.release.records import ReleaseReference
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Store the task token for a person's override, and announce that the release waits.

    Raises ``ReleaseSuperseded``; checked once the token is stored, so that a newer release finds the token or is found.
    """
    home, settings = own_home(), read(DefaultTopic)
    ledger, artifacts = home.ledger, home.artifacts
    run = StageContext.enter(event, ledger, artifacts)
    release, stage, at = run.release, run.stage.name, timestamp()
    held = {"task_token": event["task_token"], "reason": event["why"], "until": event["until"]}
    if ledger.holds.hold(release, stage, **held, now=at):
        why = f"{event['why']}; it continues at {event['until']}"
        ledger.attempts.record(release, State.HELD, at, stage=stage, detail=why)
    run.refuse_superseded()
    if ledger.holds.override(release, stage):
        # An override since the window was checked found no token.
        home.aws.executions.send_task_success(event["task_token"], {})
        return {}
    endings = Endings(ledger, artifacts, home.aws.notifications, settings.notification_topic_arn)
    endings.topic_of(release).publish(told(release, stage, event["why"], event["until"]))
    return {}


def told(release: ReleaseReference, stage: str, why: str, until: str) -> Message:
    """Return the announcement: until when the release waits, and how to let it continue."""
    about = Deployment(release.application, release.version, stage, thread=release.thread)
    let_through = f"belay override {release.application}/{release.version} --stage {stage} --comment WHY"
    return release_held(about, why=why, until=f"at {until}", let_through=let_through)

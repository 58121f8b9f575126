"""Holds a release outside its stage's windows, and announces once how long."""

from collections.abc import Mapping
from typing import Any

from belay.control.endings import Endings
from belay.control.held_releases import HeldReleases
from belay.control.stage import StageContext
from belay.home import own_home
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Hold the release until its task's token is used, and announce that it waits. Raises ``ReleaseSuperseded``."""
    home, settings = own_home(), read(DefaultTopic)
    run = StageContext.enter(event, home.ledger, home.artifacts)
    endings = Endings(home.ledger, home.artifacts, home.aws.notifications, settings.notification_topic_arn)
    HeldReleases(endings, home.aws.executions).hold(run, event["task_token"], event["why"], event["until"])
    return {}

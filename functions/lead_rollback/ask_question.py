"""Asks people a question that a rollback needs answered to continue."""

from collections.abc import Mapping
from typing import Any

from belay.control.questions import Questions
from belay.control.recovery import Recovery
from belay.control.topics import Topic
from belay.home import own_home
from belay.notify.publication import told_on
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Ask the question, unless that was done; the next plan finds the answer."""
    home, settings = own_home(), read(DefaultTopic)
    recovery = Recovery.enter(event, home.ledger, home.artifacts)
    arn, named = told_on(recovery.incident.subject.topic, settings.notification_topic_arn), event["rollback_step"]
    Questions(recovery).put(recovery.step(named), named["number"], Topic(home.aws.notifications, arn, home.ledger))
    return {"wait_seconds": home.poll_seconds}

"""Follows the executions of registered pipelines: triggered by events and a schedule, it reads from CodePipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from belay.control.application_topics import ApplicationTopics
from belay.control.incidents import Incidents
from belay.control.pipeline_executions import FollowedPipelines
from belay.control.places import Places
from belay.control.registrations import RecentStages
from belay.home import Home, own_home
from belay.observability import observed
from belay.pipeline.hint import hint_of
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    files_buckets: str
    notification_topic_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Look up the executions that the event is about, and do what is due.

    The schedule, which looks for missed events, reads the registrations again.
    """
    hint = hint_of(event)
    if hint is None:
        return {"looked_at": []}
    home, settings = own_home(), read(Settings)
    stages = home.registrations.read().stages if hint.missed else recent_stages().stages()
    return {"looked_at": put_together(home, settings).follow(hint, stages)}


@cache
def recent_stages() -> RecentStages:
    """Return the registered stages, cached in this process for many events."""
    return RecentStages(own_home().registrations)


def put_together(home: Home, settings: Settings) -> FollowedPipelines:
    """Return the follower of pipelines, with its gateways at home."""
    aws, ledger, artifacts = home.aws, home.ledger, home.artifacts
    incidents = Incidents(ledger, artifacts, aws.executions, settings.rollback_stage_machine_arn)
    topics = ApplicationTopics(home.registrations, ledger, aws.notifications, settings.notification_topic_arn)
    places = Places(aws, Power.PIPELINE, "pipelines")
    return FollowedPipelines(places, ledger, artifacts, settings.files_buckets, incidents, topics)

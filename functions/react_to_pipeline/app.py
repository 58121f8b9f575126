"""Follows the executions of registered pipelines: events and a schedule trigger it, CodePipeline has the facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from belay.aws.gateways import Aws, own_aws
from belay.control.application_topics import ApplicationTopics
from belay.control.incidents import Incidents
from belay.control.pipeline_executions import FollowedPipelines
from belay.control.places import Places
from belay.control.registrations import RecentStages, Registrations
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.pipeline.hint import hint_of
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
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
    settings, aws = read(Settings), own_aws()
    registrations = Registrations(aws.parameters, aws.artifacts(settings.artifact_bucket))
    stages = registrations.read().stages if hint.missed else recent_stages(settings.artifact_bucket).stages()
    return {"looked_at": put_together(settings, aws, registrations).follow(hint, stages)}


@cache
def recent_stages(artifact_bucket: str) -> RecentStages:
    """Return the registered stages, cached in this process for many events."""
    aws = own_aws()
    return RecentStages(Registrations(aws.parameters, aws.artifacts(artifact_bucket)))


def put_together(settings: Settings, aws: Aws, registrations: Registrations) -> FollowedPipelines:
    """Return the follower of pipelines, with what it needs at home."""
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    incidents = Incidents(ledger, artifacts, aws.executions, settings.rollback_stage_machine_arn)
    topics = ApplicationTopics(registrations, ledger, aws.notifications, settings.notification_topic_arn)
    places = Places(aws, Power.PIPELINE, "pipelines")
    return FollowedPipelines(places, ledger, artifacts, settings.files_buckets, incidents, topics)

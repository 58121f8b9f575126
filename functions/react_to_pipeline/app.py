"""Follows the executions of registered pipelines: events and a schedule say when to look, CodePipeline what is so."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from belay.aws.clients import client
from belay.aws.cloudformation import Stacks
from belay.aws.pipelines import Pipelines
from belay.aws.rds import Databases
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control.application_topics import ApplicationTopics
from belay.control.diagnoses import Diagnoses
from belay.control.incidents import Incidents
from belay.control.pipeline_executions import PipelineExecutions, PipelineFailures
from belay.control.pipeline_recovery import PipelineRecovery
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.registrations import RecentStages, Registrations
from belay.control.snapshots import StageSnapshots
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.pipeline.hint import hint_of
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Look at the executions that the event hints at, and do what is due about them.

    The schedule, which asks for what was missed, is answered by what is registered now.
    """
    hint = hint_of(event)
    if hint is None:
        return {"looked_at": []}
    settings = read(Settings)
    registrations = registrations_here()
    stages = registrations.stages() if hint.missed else recent_stages().stages()
    return {"looked_at": here(settings, registrations).follow(hint, stages)}


def registrations_here() -> Registrations:
    """Return what reads this account's registrations."""
    return Registrations(ParameterStore(client("ssm")), client("s3"))


@cache
def recent_stages() -> RecentStages:
    """Return the registered stages as this process, which many events share, read them."""
    return RecentStages(registrations_here())


def here(settings: Settings, registrations: Registrations) -> PipelineExecutions:
    """Put together what follows executions in this account and region."""
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    pipelines = Pipelines(client("codepipeline"))
    stacks = PipelineStacks(Stacks(client("cloudformation")), artifacts, ledger)
    incidents = Incidents(ledger, artifacts, Executions(client("stepfunctions")), settings.rollback_stage_machine_arn)
    topics = ApplicationTopics(registrations, ledger, client("sns"), settings.notification_topic_arn)
    recovery = PipelineRecovery(stacks, incidents, topics)
    failures = PipelineFailures(pipelines, Diagnoses.here(), recovery, topics)
    return PipelineExecutions(pipelines, ledger, stacks, StageSnapshots(Databases(client("rds"))), failures)

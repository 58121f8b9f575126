"""Sees to it that what an execution of ours left half done ends all the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control.closing import Closing
from belay.control.endings import Endings
from belay.control.incidents import Incidents
from belay.control.registrations import Registrations
from belay.control.unfinished import Unfinished
from belay.control.unhealthy import Unhealthy
from belay.events.states import ExecutionStatusChange
from belay.ledger.ledger import Ledger
from belay.observability import observed
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
    """Take up the release or the incident that an execution which failed, timed out or was stopped was about."""
    settings = read(Settings)
    change = ExecutionStatusChange.from_event(event)
    executions = Executions(client("stepfunctions"))
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    sns, topic = client("sns"), settings.notification_topic_arn
    endings, stacks = Endings(ledger, artifacts, sns, topic), Stacks(client("cloudformation"))
    unfinished = Unfinished(
        ledger,
        endings,
        Incidents(ledger, artifacts, executions, settings.rollback_stage_machine_arn),
        artifacts,
        Registrations(ParameterStore(client("ssm")), client("s3")),
        Closing(ledger, stacks, endings, Unhealthy(ledger, stacks, sns, topic)),
    )
    document = json.loads(change.input) if change.input else executions.input(change.execution_arn)
    return {"taken_up": unfinished.take_up_execution(change.execution_arn, document)}

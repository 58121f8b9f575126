"""Finishes the work of a failed execution."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.closing import Closing
from belay.control.endings import Endings
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.control.rollback_incidents import RollbackIncidents
from belay.control.unfinished import Unfinished
from belay.control.unhealthy import Unhealthy
from belay.control.wave_endings import WaveEndings
from belay.events.states import ExecutionStatusChange
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Finish the release or incident of an execution that failed, timed out or was stopped."""
    settings, aws, change = read(Settings), own_aws(), ExecutionStatusChange.from_event(event)
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    told = aws.notifications, settings.notification_topic_arn
    places = Places(aws, Power.LOOK, "recovery")
    endings, unhealthy = Endings(ledger, artifacts, *told), Unhealthy(ledger, places, *told)
    incidents = Incidents(ledger, artifacts, aws.executions, settings.rollback_stage_machine_arn)
    registrations = Registrations(aws.parameters, aws.artifacts(settings.artifact_bucket))
    closing = Closing(ledger, places, endings, unhealthy)
    waves = WaveEndings(ledger, incidents, RollbackIncidents(ledger, artifacts, incidents))
    unfinished = Unfinished(ledger, endings, incidents, artifacts, registrations, closing, waves)
    document = json.loads(change.input) if change.input else aws.executions.input(change.execution_arn)
    return {"taken_up": unfinished.take_up_execution(change.execution_arn, document)}

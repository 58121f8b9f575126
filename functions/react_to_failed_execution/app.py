"""Finishes the work of a failed execution."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.closing import Closing
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.control.unfinished import Unfinished
from belay.control.upload_ends import UploadEnds
from belay.control.wave_endings import WaveEndings
from belay.events.states import ExecutionStatusChange
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    notification_topic_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Finish the release or incident of an execution that failed, timed out or was stopped."""
    home, settings, change = own_home(), read(Settings), ExecutionStatusChange.from_event(event)
    ledger, artifacts = home.ledger, home.artifacts
    places = Places(home.aws, Power.LOOK, "recovery")
    closing = Closing(ledger, artifacts, places, home.aws.notifications, settings.notification_topic_arn)
    incidents = Incidents(ledger, artifacts, home.aws.executions, settings.rollback_stage_machine_arn)
    waves = WaveEndings(ledger, artifacts, incidents)
    uploads = UploadEnds(ledger, closing.endings, home.registrations)
    unfinished = Unfinished(ledger, uploads, incidents, artifacts, closing, waves)
    document = json.loads(change.input) if change.input else home.aws.executions.input(change.execution_arn)
    return {"taken_up": unfinished.take_up_execution(change.execution_arn, document)}

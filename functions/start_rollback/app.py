"""Starts a rollback that a person requests in a signed request, or only plans it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.asked_rollbacks import AskedRollbacks
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.events.function_url import FunctionUrlRequest, Refusal, json_response
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.rollback.request import parse_request
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Respond with the plan, the incident and its execution, or with ``error`` and ``message`` and a status of 4xx."""
    settings, aws = read(Settings), own_aws()
    request = FunctionUrlRequest.from_event(event)
    asked = request.refuse_unsigned("a rollback is asked for") or parse_request(request.body)
    if isinstance(asked, Refusal):
        return json_response(asked)
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    incidents = Incidents(ledger, artifacts, aws.executions, settings.rollback_stage_machine_arn)
    places = Places(aws, Power.LOOK, "requested rollback")
    return json_response(AskedRollbacks(ledger, artifacts, incidents, places).take(asked, request.user_arn))

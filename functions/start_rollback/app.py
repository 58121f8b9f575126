"""Starts a rollback that a person asks for in a signed request, or says what it would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.control.asked_rollbacks import AskedRollbacks
from belay.control.incidents import Incidents
from belay.events.function_url import FunctionUrlRequest, Refusal, json_response
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.rollback.request import parse_request
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the plan, the incident and its execution, or with ``error`` and ``message`` and a status of 4xx."""
    settings = read(Settings)
    request = FunctionUrlRequest.from_event(event)
    asked = request.refuse_unsigned("a rollback is asked for") or parse_request(request.body)
    if isinstance(asked, Refusal):
        return json_response(asked)
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    executions = Executions(client("stepfunctions"))
    incidents = Incidents(ledger, artifacts, executions, settings.rollback_stage_machine_arn)
    return json_response(AskedRollbacks(ledger, artifacts, incidents).take(asked, request.user_arn))

"""Starts a rollback that a person asks for in a signed request, or says what it would do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.control.asked_rollbacks import AskedRollbacks
from belay.control.incidents import Incidents
from belay.events.function_url import FunctionUrlRequest, Refusal
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
    asked = refuse_unsigned(request) or parse_request(request.body)
    if isinstance(asked, Refusal):
        return answered(asked)
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    executions = Executions(client("stepfunctions"))
    incidents = Incidents(ledger, artifacts, executions, settings.rollback_stage_machine_arn)
    return answered(AskedRollbacks(ledger, artifacts, incidents).take(asked, request.user_arn))


def refuse_unsigned(request: FunctionUrlRequest) -> Refusal | None:
    """Say why a request cannot ask for anything, before it is read."""
    if request.method != "POST":
        return Refusal(405, "MethodNotAllowed", "a rollback is asked for by POST")
    if not request.user_arn:
        return Refusal(403, "Unsigned", "the request does not say who sends it: sign it with Signature Version 4")
    return None


def answered(result: Mapping[str, Any] | Refusal) -> dict[str, Any]:
    """Return the HTTP response that tells the result."""
    refused = isinstance(result, Refusal)
    document = {"error": result.error, "message": result.message} if refused else dict(result)
    return {
        "statusCode": result.status if refused else 200,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(document, sort_keys=True),
    }

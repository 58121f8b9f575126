"""Takes what a person decides, in a request that they signed, and says in words why it may not be taken."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from belay.approval.decision import parse_decision
from belay.approval.principal import Principal
from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.stepfunctions import Executions
from belay.control.decisions import Decisions
from belay.events.function_url import FunctionUrlRequest, Refusal
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the decision as it was recorded, or with ``error`` and ``message`` and a status of 4xx."""
    settings = read(Settings)
    request = FunctionUrlRequest.from_event(event)
    decision = refuse_unsigned(request) or parse_decision(request.body)
    if isinstance(decision, Refusal):
        return answered(decision)
    decisions = Decisions(Ledger(client("dynamodb"), settings.ledger_table), Executions(client("stepfunctions")))
    return answered(decisions.take(decision, Principal(request.user_arn, request.user_id), timestamp()))


def refuse_unsigned(request: FunctionUrlRequest) -> Refusal | None:
    """Say why a request cannot be a decision, before it is read."""
    if request.method != "POST":
        return Refusal(405, "MethodNotAllowed", "a decision is sent by POST")
    if not request.user_arn:
        return Refusal(403, "Unsigned", "the request does not say who sends it: sign it with Signature Version 4")
    return None


def answered(result: Mapping[str, Any] | Refusal) -> dict[str, Any]:
    """Return the HTTP response that tells the result."""
    refused = isinstance(result, Refusal)
    document = {key: value for key, value in asdict(result).items() if key != "status"} if refused else dict(result)
    return {
        "statusCode": result.status if refused else 200,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(document, sort_keys=True),
    }

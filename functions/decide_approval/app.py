"""Processes a person's decision, or their report on an incident, in a signed request; or returns why it is refused."""

from collections.abc import Mapping
from typing import Any

from belay.approval.decision import ON_CALL, parse_decision
from belay.approval.principal import Principal
from belay.aws.clock import timestamp
from belay.control.decisions import Decisions
from belay.control.on_call import OnCall
from belay.events.function_url import FunctionUrlRequest, Refusal, json_response
from belay.home import own_home
from belay.observability import observed
from belay.settings import DefaultTopic, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the decision as recorded, or ``error`` and ``message`` with a status of 4xx."""
    home, settings = own_home(), read(DefaultTopic)
    request = FunctionUrlRequest.from_event(event)
    decision = request.refuse_unsigned("a decision is sent") or parse_decision(request.body)
    if isinstance(decision, Refusal):
        return json_response(decision)
    on_call = OnCall(home.ledger, home.aws.notifications, settings.notification_topic_arn)
    takes = on_call.take if decision.word in ON_CALL else Decisions(home.ledger, home.aws.executions).take
    taken = takes(decision, Principal(request.user_arn, request.user_id), timestamp())
    return json_response(taken if isinstance(taken, Refusal) else taken.to_dict())

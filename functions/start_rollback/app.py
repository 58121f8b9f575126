"""Starts a rollback that a person requests in a signed request, or only plans it."""

from collections.abc import Mapping
from typing import Any

from belay.control.asked_rollbacks import AskedRollbacks
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.events.function_url import FunctionUrlRequest, Refusal, json_response
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power
from belay.rollback.request import parse_request
from belay.settings import RollbackMachine, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Respond with the plan, the incident and its execution, or with ``error`` and ``message`` and a status of 4xx."""
    home, settings = own_home(), read(RollbackMachine)
    request = FunctionUrlRequest.from_event(event)
    asked = request.refuse_unsigned("a rollback is requested") or parse_request(request.body)
    if isinstance(asked, Refusal):
        return json_response(asked)
    incidents = Incidents(home.ledger, home.artifacts, home.aws.executions, settings.rollback_stage_machine_arn)
    places = Places(home.aws, Power.LOOK, "requested rollback")
    return json_response(AskedRollbacks(home.ledger, home.artifacts, incidents, places).take(asked, request.user_arn))

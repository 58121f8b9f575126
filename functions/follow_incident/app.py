"""Opens the incident of a release that failed in a stage, and tells a waiting state machine when it has ended."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from follow_incident import check_incident, open_incident

STEPS: Mapping[str, Handler] = {
    "check_incident": check_incident.handler,
    "open_incident": open_incident.handler,
}

handler = one_of(STEPS)

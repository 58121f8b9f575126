"""Opens incidents of a release's stages, and reports to a waiting state machine when one, or the wave, has ended."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from follow_incident import check_incident, conclude_wave, open_incident

STEPS: Mapping[str, Handler] = {
    "check_incident": check_incident.handler,
    "conclude_wave": conclude_wave.handler,
    "open_incident": open_incident.handler,
}

handler = one_of(STEPS)

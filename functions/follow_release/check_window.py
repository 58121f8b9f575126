"""Checks whether a stage may be changed now: its windows, its freezes, a person's override."""

import math
from collections.abc import Mapping
from typing import Any

from belay.aws.clock import now
from belay.control.stage import StageContext
from belay.home import own_home


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return whether it is ``open``; if not, why, until when, and how many seconds that is.

    Raises ``ReleaseSuperseded``.
    """
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    run.refuse_superseded()
    moment = now()
    held = run.stage.calendar.held(moment)
    if held is None or home.ledger.holds.override(run.release, run.stage.name):
        return {"open": True, "why": "", "until": "", "wait_seconds": 0}
    return {
        "open": False,
        "why": held.why,
        "until": run.stage.calendar.in_words(held.until),
        "wait_seconds": math.ceil((held.until - moment).total_seconds()),
    }

"""Checks whether a stage may be changed now: its windows, its freezes, a person's override."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.control.stage import StageContext
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return whether it is ``open``; if not, why, until when, and how many seconds that is.

    Raises ``ReleaseSuperseded``.
    """
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    run.refuse_superseded()
    moment = now()
    held = run.stage.calendar.held(moment)
    if held is None or ledger.holds.overridden(run.release, run.stage.name):
        return {"open": True, "why": "", "until": "", "wait_seconds": 0}
    return {
        "open": False,
        "why": held.why,
        "until": run.stage.calendar.in_words(held.until),
        "wait_seconds": math.ceil((held.until - moment).total_seconds()),
    }

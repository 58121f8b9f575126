"""Keeps what a plan found in a stage for whoever asked: a document, and a part of a page."""

from collections.abc import Mapping
from typing import Any

from belay.approval.stage_preview import PlanOutcome
from belay.aws.clock import now
from belay.control.reasons import read_reason
from belay.control.stage import StageContext
from belay.control.stage_previews import preview
from belay.home import own_home
from belay.notify.told import in_words
from belay.release.place import Power


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return what became of the plan in this stage: it is BUSY if somebody took the stage meanwhile."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    stacks, why = run.at(home.aws, Power.DEPLOY).stacks, in_words(read_reason(home.artifacts, event["reason"]))
    found = preview(run, stacks, now(), PlanOutcome(event["outcome"]), why)
    return {"outcome": found.outcome}

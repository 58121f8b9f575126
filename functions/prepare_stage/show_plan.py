"""Stores a dry run's findings in a stage for the requester: a document, and part of a page."""

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
    """Return the dry run's result in this stage: BUSY if a release or a recovery took the stage meanwhile."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    stacks, why = run.at(home.aws, Power.DEPLOY).stacks, in_words(read_reason(home.artifacts, event["reason"]))
    found = preview(run, stacks, now(), PlanOutcome(event["outcome"]), why)
    return {"outcome": found.outcome}

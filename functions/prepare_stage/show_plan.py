"""Keeps what a plan found in a stage for whoever asked: a document, and a part of a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.approval.stage_preview import PlanOutcome
from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.control.reasons import read_reason
from belay.control.stage import StageContext
from belay.control.stage_previews import preview
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return what became of the plan in this stage: it is BUSY if somebody took the stage meanwhile."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    stacks, why = run.at(aws, Power.DEPLOY).stacks, in_words(read_reason(artifacts, event["reason"]))
    found = preview(run, stacks, now(), PlanOutcome(event["outcome"]), why)
    return {"outcome": found.outcome}

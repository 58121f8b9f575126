"""What a plan found in one stage: gathered while its change sets exist, and kept for whoever asked."""

from dataclasses import replace
from datetime import date

from belay.approval.page import of_plan
from belay.approval.stage_preview import PREVIEW, PREVIEW_PAGE, PlanOutcome, StagePreview
from belay.approval.stage_report import StageReport
from belay.aws.cloudformation import Stacks
from belay.control.sealing import gathered
from belay.control.shown_change_sets import shown
from belay.control.stage import StageContext
from belay.database.forecast import FORECAST_DOCUMENT, DatabaseForecast
from belay.ledger.ledger import Ledger
from belay.release.records import ReleaseReference


def preview(run: StageContext, stacks: Stacks, today: date, outcome: PlanOutcome, why: str) -> StagePreview:
    """Keep what a plan found in a stage, as a document and as a part of a page; return it.

    What was found while a release or a recovery took the stage says nothing, whatever it is.
    """
    taken = _taken(run.ledger, run.release, run.stage.name, run)
    if taken:
        outcome, why = PlanOutcome.BUSY, taken
    sealed = gathered(run, stacks, today, {})
    forecast = run.artifacts.get_json(run.release.stage_key(run.stage.name, FORECAST_DOCUMENT))
    report = StageReport(
        sealed=replace(sealed, change_sets=shown(sealed.change_sets, stacks)),
        replaces=run.ledger.stages.in_words(run.release.application, run.stage.name),
        forecast=None if forecast is None else DatabaseForecast.from_dict(forecast),
    )
    found = StagePreview.of(report, outcome, why)
    run.artifacts.put_json(run.release.stage_key(run.stage.name, PREVIEW), found.to_dict())
    run.artifacts.put_html(run.release.stage_key(run.stage.name, PREVIEW_PAGE), of_plan(report, outcome, why))
    return found


def _taken(ledger: Ledger, release: ReleaseReference, stage: str, run: StageContext) -> str:
    """Say who took the stage's lock since planning began; nothing if nobody did."""
    plan = run.plan()
    if not plan.begun or (
        plan.lock_seen is not None and ledger.locks.free(release.application, stage) == plan.lock_seen
    ):
        return ""
    lock = ledger.locks.get(release.application, stage)
    by = "somebody" if lock is None else f"{lock.label}, in {lock.execution},"
    return f"{by} took {stage} while it was planned: plan again when that has ended"

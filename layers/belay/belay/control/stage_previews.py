"""What a dry run found in one stage: gathered while its change sets exist, and stored for the requester."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from belay.approval.page import of_plan
from belay.approval.stage_preview import PREVIEW, PREVIEW_PAGE, PlanOutcome, StagePreview
from belay.approval.stage_report import StageReport
from belay.aws.cloudformation import Stacks
from belay.control.sealing import gathered
from belay.control.shown_change_sets import shown
from belay.control.stage import StageContext


def preview(run: StageContext, stacks: Stacks, at: datetime, outcome: PlanOutcome, why: str) -> StagePreview:
    """Store a dry run's findings in a stage, as a document and as part of a page; return them.

    Findings made while a release or a recovery took the stage are void.
    """
    taken = _taken(run)
    if taken:
        outcome, why = PlanOutcome.BUSY, taken
    sealed = gathered(run, stacks, at.date(), {})
    report = StageReport(
        sealed=replace(sealed, change_sets=shown(sealed.change_sets, stacks)),
        replaces=run.ledger.stages.in_words(run.release.application, run.stage.name),
    )
    found = replace(StagePreview.of(report, outcome, why), remarks=tuple(_remarks(run, at)))
    run.artifacts.put_json(run.release.stage_key(run.stage.name, PREVIEW), found.to_dict())
    run.artifacts.put_html(run.release.stage_key(run.stage.name, PREVIEW_PAGE), of_plan(report, outcome, why))
    return found


def _taken(run: StageContext) -> str:
    """Name whoever took the stage's lock since planning began; empty if it stayed free."""
    plan, application, stage = run.plan(), run.release.application, run.stage.name
    free = run.ledger.locks.free(application, stage)
    if not plan.begun or (plan.lock_seen is not None and free == plan.lock_seen):
        return ""
    lock = run.ledger.locks.get(application, stage)
    by = "another execution" if lock is None else f"{lock.label}, in {lock.execution},"
    return f"{by} took {stage} while it was planned: plan again when that has ended"


def _remarks(run: StageContext, at: datetime) -> Iterator[str]:
    """Say what else a release would meet here if uploaded now."""
    release, stage = run.release, run.stage
    head, held = run.ledger.attempts.head(release.application, release.version), stage.calendar.held(at)
    if head is not None and head.deployed_digest not in (None, release.digest):
        yield f"{release.version} was deployed with other content: to release this, give it a new version"
    if run.asks:
        yield f"a release would ask for approval in {stage.name}"
    if held is not None:
        yield f"a release would wait in {stage.name} until {stage.calendar.in_words(held.until)}"

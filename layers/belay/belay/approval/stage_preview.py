"""What a plan shows of one stage, as data: kept for the command, which makes text, JSON and a page of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from belay.approval.stage_report import PlannedChange, StageReport
from belay.documents import read, written
from belay.policy.verdict import Finding, Verdict

PREVIEW = "preview.json"
PREVIEW_PAGE = "preview.html"


class PlanOutcome(StrEnum):
    """What became of a plan in one stage."""

    PLANNED = "PLANNED"
    REFUSED = "REFUSED"
    """A release would be refused here: a change set cannot be made, or a policy or the database forbids it."""
    BUSY = "BUSY"
    """The stage was, or was taken, by a release or a recovery, or another plan was made there."""
    NOT_PLANNED = "NOT_PLANNED"
    """A fault, which is no verdict."""


@dataclass(frozen=True)
class PreviewedChange:
    """What happens to one resource. ``action`` and ``replacement`` are CloudFormation's words."""

    stack: str
    path: str
    type: str
    action: str
    replacement: str | None
    loses_data: bool
    words: str

    @classmethod
    def of(cls, planned: PlannedChange) -> "PreviewedChange":
        """Return it without the values, which only the page shows."""
        change = planned.change
        return cls(
            planned.stack,
            planned.path,
            change.resource_type,
            change.action,
            change.replacement,
            bool(change.loses_data),
            planned.in_words,
        )


@dataclass(frozen=True)
class StagePreview:
    """One stage of a plan. ``why`` says why the outcome is not PLANNED; ``unplanned`` names stacks without changes,
    ``parameters`` those read from tables that change.

    ``remarks`` say what else a release would meet.

    ``forecast`` is the document that docs/forecast.schema.json describes.
    """

    stage: str
    outcome: PlanOutcome
    why: str = ""
    what: str = ""
    runs: str | None = None
    verdict: Verdict = Verdict.PASS
    counts: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[PreviewedChange, ...] = ()
    unplanned: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    policies: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    forecast: Mapping[str, Any] | None = None
    forecast_lines: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: StageReport, outcome: PlanOutcome, why: str) -> "StagePreview":
        """Return what a plan shows of a stage."""
        forecast = report.forecast_report
        return cls(
            stage=report.stage.name,
            outcome=outcome,
            why=why,
            what=f"{report.would}. {report.today}",
            runs=report.replaces,
            verdict=report.verdict,
            counts=report.counts,
            changes=tuple(PreviewedChange.of(each) for each in report.changes),
            unplanned=tuple(report.unplanned),
            parameters=tuple(report.parameter_lines),
            findings=report.findings,
            policies=tuple(report.policy_lines),
            databases=tuple(report.database_lines),
            forecast=None if forecast is None else forecast.to_json(),
            forecast_lines=() if forecast is None else tuple(forecast.lines()),
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "StagePreview":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, PREVIEW)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

"""What a forecast of database changes tells people: change by change, as data, as lines and as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from belay.approval.elements import (
    LONGEST_VALUE,
    MOST_ROWS,
    Html,
    boxed,
    document,
    escaped,
    finding_row,
    section,
    sentence,
    tabulated,
)
from belay.database.executor import ChangeOutcome
from belay.database.forecast import DatabaseForecast, ForecastChange, TableDifference
from belay.documents import plain
from belay.policy.verdict import Finding, Report, Verdict, combine
from belay.release.gate import finding_in_words
from belay.release.records import ReleaseReference

SCHEMA: Final = 1
"""The version of the document, docs/forecast.schema.json."""

UPPER_BOUNDS: Final = "Times are upper bounds: a restored volume loads its blocks when they are first read."

_TONES: Final = {Verdict.PASS: "good", Verdict.REVIEW: "warn", Verdict.FAIL: "bad"}
_BASES: Final = {
    "copy": "The changes were run on a copy of the database.",
    "model": "The changes were compared with a model of the database; nothing was run.",
}
_LONGEST_QUERY: Final = 400


@dataclass(frozen=True)
class ForecastReport:
    """The forecast of one release in one stage, and what the gate found in the files of its changes."""

    application: str
    version: str
    attempt: str
    stage: str
    forecast: DatabaseForecast
    gate: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, release: ReleaseReference, stage: str, forecast: DatabaseForecast, gate: Report) -> ForecastReport:
        """Return the report on a forecast, with what the gate found in the files of its changes."""
        paths = {each.path for each in forecast.changes}
        found = tuple(each for each in gate.findings if each.path in paths)
        return cls(release.application, release.version, release.attempt, stage, forecast, found)

    def findings_of(self, change: ForecastChange) -> tuple[Finding, ...]:
        """What was found in a change: by the gate at its lines, and by the forecast."""
        at_its_lines = (
            each for each in self.gate if each.path == change.path and change.line <= each.line <= change.last_line
        )
        forecast = (each for each in self.forecast.findings if each.resource == change.id)
        return tuple(dict.fromkeys((*forecast, *at_its_lines)))

    def verdict_of(self, change: ForecastChange) -> Verdict:
        """The worst verdict of the findings that count."""
        return combine(each.verdict for each in self.findings_of(change) if each.counts)

    @property
    def others(self) -> tuple[Finding, ...]:
        """The findings about no single change."""
        told = {finding for change in self.forecast.changes for finding in self.findings_of(change)}
        return tuple(each for each in (*self.forecast.findings, *self.gate) if each not in told)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all findings that count."""
        return combine(each.verdict for each in (*self.forecast.findings, *self.gate) if each.counts)

    # -- as data -------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return the document that docs/forecast.schema.json describes."""
        forecast = self.forecast
        return {
            "schema": SCHEMA,
            "application": self.application,
            "version": self.version,
            "attempt": self.attempt,
            "stage": self.stage,
            "database": forecast.database,
            "basis": forecast.basis,
            "verdict": self.verdict.value,
            "not_tried": forecast.not_tried,
            "note": forecast.note,
            "snapshot": plain(forecast.snapshot),
            "seconds": forecast.seconds,
            "changes": [self._change(each) for each in forecast.changes],
            "queries": plain(forecast.queries),
            "findings": plain(self.others),
        }

    def _change(self, change: ForecastChange) -> dict[str, Any]:
        found = {"verdict": self.verdict_of(change).value, "findings": plain(self.findings_of(change))}
        return {**plain(change), **found}

    # -- as lines ------------------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """Return it as text."""
        lines = [
            f"{self.application}/{self.version} in {self.stage}: {self.verdict}, forecast for {self.forecast.database}",
            *(f"  {each}" for each in self.basis()),
        ]
        for change in self.forecast.changes:
            lines += ["", f"{self.verdict_of(change)}  {change.id}  {change.path}:{change.line}"]
            lines += [f"  {line}" for line in told(change)]
            lines += [f"  {line}" for difference in change.model for line in _difference_lines(difference)]
            lines += [f"  {_finding_line(finding)}" for finding in self.findings_of(change)]
        broken = [each for each in self.forecast.queries if each.error]
        if self.forecast.queries:
            count = len(self.forecast.queries)
            lines += ["", f"Queries of the version that runs: {count} planned, {len(broken)} broken"]
            lines += [f"  {_short(each.query)}: {each.error}" for each in broken]
        if self.others:
            lines += ["", "Other findings", *(f"  {_finding_line(each)}" for each in self.others)]
        return lines

    def basis(self) -> list[str]:
        """Say what the forecast rests on, in sentences."""
        forecast = self.forecast
        if forecast.not_tried:
            return [f"The changes were not tried on a copy, because {forecast.not_tried}."]
        if forecast.note:
            return [f"{sentence(forecast.note)}."]
        snapshot = forecast.snapshot
        of = [f"It was restored from {snapshot.name}, taken at {snapshot.taken_at}."] if snapshot else []
        return [_BASES.get(forecast.basis, forecast.basis), *of, *([UPPER_BOUNDS] if forecast.basis == "copy" else [])]


def without_verdict(finding: Finding) -> str:
    """Say a finding whose verdict is told beside it."""
    return finding_in_words(finding).replace(f" [{finding.verdict}]", "")


def _finding_line(finding: Finding) -> str:
    return f"{finding.verdict} {without_verdict(finding)}"


def told(change: ForecastChange) -> list[str]:
    """Say in lines what a change did on the copy."""
    if change.outcome is None:
        return []
    lines = [_OUTCOMES.get(change.outcome, change.outcome.value)]
    if change.seconds is not None:
        lines.append(f"took at most {seconds_in_words(change.seconds)}")
    if change.locks is None:
        lines.append("its locks could not be seen")
    elif change.locks:
        lines.append("locks: " + ", ".join(f"{each.mode} on {each.relation}" for each in change.locks))
    if change.rewritten:
        lines.append(f"rewritten: {', '.join(change.rewritten)}")
    for rows in change.rows:
        counts = {"inserted": rows.inserted, "updated": rows.updated, "deleted": rows.deleted}
        lines.append(
            f"rows of {rows.table}: " + ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        )
    if change.undo is not None:
        took = "" if change.undo.seconds is None else f" in {seconds_in_words(change.undo.seconds)}"
        restored = "reversed it" if change.undo.restored else "did not reverse it"
        lines.append(f"its undo {restored}{took}")
    return lines


_OUTCOMES: Final = {
    ChangeOutcome.APPLIED: "applied",
    ChangeOutcome.FAILED: "FAILED, and left nothing behind",
    ChangeOutcome.UNKNOWN: "FAILED, and may have left a part behind",
    ChangeOutcome.PENDING: "not reached",
}


def seconds_in_words(seconds: float) -> str:
    """``3 ms``, ``6.5 s``, ``12 min``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < _MINUTES_FROM else f"{seconds / 60:.0f} min"


_MINUTES_FROM: Final = 120


def _difference_lines(difference: TableDifference) -> list[str]:
    return [
        f"table {difference.table}",
        *(f"  - {line}" for line in difference.before),
        *(f"  + {line}" for line in difference.after),
        *(f"  ? {line}" for line in difference.unsure),
    ]


def _short(query: str) -> str:
    words = " ".join(query.split())
    return words if len(words) <= _LONGEST_QUERY else f"{words[:_LONGEST_QUERY]}..."


# -- as HTML -----------------------------------------------------------------------------------------------------------


def page(report: ForecastReport) -> Html:
    """Return the forecast as a page of its own."""
    title = f"{report.application} {report.version} in {report.stage}: database changes"
    forecast, failed = report.forecast, sum(report.verdict_of(e) is Verdict.FAIL for e in report.forecast.changes)
    took = "Not known" if forecast.seconds is None else seconds_in_words(forecast.seconds)
    broken = sum(bool(each.error) for each in forecast.queries)
    cards = [
        (_TONES[report.verdict], "Verdict", report.verdict.value, f"for {forecast.database}"),
        ("bad" if failed else "good", "Changes", str(len(forecast.changes)), f"{failed} that fail"),
        ("cool", "Time", took, "at most, for all changes"),
        ("warn" if broken else "good", "Queries", str(len(forecast.queries)), f"{broken} broken"),
    ]
    boxes = "".join(boxed(*each) for each in cards)
    return document(title, f'<h1>{escaped(title)}</h1>\n<div class="cards">\n{boxes}</div>\n{sections(report)}')


def sections(report: ForecastReport) -> Html:
    """Return the parts of a page about the forecast."""
    changes = report.forecast.changes
    shown = "".join(_change_row(report, each) for each in changes[:MOST_ROWS])
    left = f'<p class="soft">and {len(changes) - MOST_ROWS} more</p>\n' if len(changes) > MOST_ROWS else ""
    parts = [section("Database changes", shown + left or "<p>None are pending.</p>\n", " ".join(report.basis()))]
    if report.forecast.queries:
        rows = [
            (_short(each.query), _cost(each.cost_before), _cost(each.cost_after), each.error)
            for each in sorted(report.forecast.queries, key=lambda each: not each.error)
        ]
        planned = tabulated(("query", "cost before", "cost after", "error"), rows, values=(0,))
        note = "Planned with and without the changes; costs are the planner's."
        parts.append(section("Queries of the version that runs", planned, note))
    if report.others:
        parts.append(section("Other findings", "".join(finding_row(each) for each in report.others[:MOST_ROWS])))
    return "".join(parts)


def _change_row(report: ForecastReport, change: ForecastChange) -> Html:
    verdict = report.verdict_of(change)
    lines = "".join(f"<li>{escaped(line, LONGEST_VALUE)}</li>\n" for line in told(change))
    findings = "".join(finding_row(each) for each in report.findings_of(change)[:MOST_ROWS])
    models = "".join(_model(each) for each in change.model[:MOST_ROWS])
    sql = f"<details><summary>SQL</summary><pre>{escaped(change.sql, LONGEST_VALUE)}</pre></details>"
    where = f"<code>{escaped(change.path)}:{change.line}</code> SHA-256 <code>{escaped(change.digest)}</code>"
    return (
        f'<div class="row {_TONES[verdict]}"><p><span class="tag">{escaped(verdict)}</span>'
        f"<code>{escaped(change.id)}</code> by {escaped(change.author or 'an unnamed author')}</p>"
        f'<p class="soft">{where}</p>{f"<ul>{lines}</ul>" if lines else ""}{findings}{models}'
        f"{sql if change.sql else ''}</div>\n"
    )


def _model(difference: TableDifference) -> Html:
    rows = list(_beside(difference))
    unsure = "".join(f'<p class="soft">Not sure: {escaped(each)}</p>' for each in difference.unsure)
    compared = tabulated(("before", "after"), rows, values=(0, 1)) if rows else ""
    return f"<details open><summary>Table {escaped(difference.table)}</summary>{compared}{unsure}</details>\n"


def _beside(difference: TableDifference) -> Iterator[tuple[str, str]]:
    """What is before and after a change in lines beside each other: a column beside the same column."""
    after = list(difference.after)
    for line in difference.before:
        same = next((each for each in after if each.split()[:2] == line.split()[:2]), "")
        if same:
            after.remove(same)
        yield line, same
    yield from (("", line) for line in after)


def _cost(cost: float | None) -> str:
    return "" if cost is None else f"{cost:.2f}"

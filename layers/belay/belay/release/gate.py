"""What the static verdicts of a release mean for it, stage by stage."""

from collections.abc import Mapping
from dataclasses import dataclass

from belay.policy.verdict import Finding, Report, Verdict
from belay.release.registration import Stage

_MOST_FINDINGS = 20


@dataclass(frozen=True)
class Admission:
    """Whether a release may go on, and why not; ``verdicts`` by stage go with it."""

    refused: bool
    reason: str
    verdicts: Mapping[str, Verdict]


def decide(reports: Mapping[str, Report], stages: Mapping[str, Stage]) -> Admission:
    """Decide from each stage's report.

    A violation in any stage refuses the release before anything changes. What could not be decided (REVIEW) goes on to
    the live validation of an ephemeral stage; elsewhere it needs an approval, and where the registration asks for none
    it refuses the release too.
    """
    refusing = {
        name: report
        for name, report in reports.items()
        if report.verdict is Verdict.FAIL
        or (report.verdict is Verdict.REVIEW and not stages[name].ephemeral and not stages[name].approval.required)
    }
    lines = [f"{finding_in_words(finding)} (stage {', '.join(names)})" for finding, names in _merged(refusing).items()]
    return Admission(
        refused=bool(refusing),
        reason=_bounded(lines),
        verdicts={name: report.verdict for name, report in reports.items()},
    )


def in_words(report: Report) -> str:
    """Say what a report found, a finding a line, at most twenty."""
    return _bounded([finding_in_words(each) for each in report.findings if each.counts])


def finding_in_words(finding: Finding) -> str:
    """Say in one line where a finding is, what it is about and what to do."""
    where = f"{finding.path}:{finding.line}" if finding.line else finding.path
    verdict = "" if finding.verdict is Verdict.FAIL else f" [{finding.verdict}]"
    return f"{where} {finding.resource} {finding.property}: {finding.policy}{verdict}: {finding.message} {finding.fix}"


def _merged(reports: Mapping[str, Report]) -> dict[Finding, list[str]]:
    merged: dict[Finding, list[str]] = {}
    for name, report in reports.items():
        for finding in report.findings:
            if finding.counts:
                merged.setdefault(finding, []).append(name)
    return merged


def _bounded(lines: list[str]) -> str:
    more = [f"and {len(lines) - _MOST_FINDINGS} more"] if len(lines) > _MOST_FINDINGS else []
    return "\n".join(lines[:_MOST_FINDINGS] + more)

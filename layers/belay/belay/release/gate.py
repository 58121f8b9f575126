"""What the policy verdicts on templates and change sets mean for a release, stage by stage."""

from collections.abc import Mapping
from dataclasses import dataclass

from belay.errors import ValidationFailed
from belay.policy.verdict import Finding, Report, Verdict
from belay.release.reason import FoundInStages, PolicyFindings
from belay.release.registration import Stage
from belay.stack.plan import Progress, StagePlan


@dataclass(frozen=True)
class Gated:
    """Why a release may not continue, None if it may; with the ``verdicts`` by stage."""

    refusal: PolicyFindings | None
    verdicts: Mapping[str, Verdict]


def decide(reports: Mapping[str, Report], stages: Mapping[str, Stage]) -> Gated:
    """Decide from each stage's report.

    A violation in any stage refuses the release before anything changes. REVIEW continues to the live validation of an
    ephemeral stage; elsewhere it needs an approval, and if the registration does not ask for approvals it refuses the
    release too.
    """
    refusing = {name: report for name, report in reports.items() if not passes(report.verdict, stages[name])}
    found = [FoundInStages(finding, tuple(names)) for finding, names in _merged(refusing).items()]
    return Gated(
        refusal=PolicyFindings.of(found) if refusing else None,
        verdicts={name: report.verdict for name, report in reports.items()},
    )


def passes(verdict: Verdict, stage: Stage) -> bool:
    """Whether a release may continue before the stage's approval: REVIEW may if a person decides, or it is
    validated.
    """
    if verdict is Verdict.REVIEW:
        return stage.ephemeral or stage.approval.required
    return verdict is Verdict.PASS


def change_set_report(plan: StagePlan) -> Report:
    """Return what the policies found in the change sets that are about to be executed."""
    planned = plan.in_progress(Progress.PLANNED)
    return Report().merged(*[Report.from_json(stack.report) for stack in planned if stack.report is not None])


def refuse_wave(plan: StagePlan, stage: Stage) -> PolicyFindings | None:
    """Return why a wave of change sets may not be executed, or return None.

    A violation refuses it. REVIEW needs the stage's approval, which is requested once, before the first wave: in a
    later one, or if the registration does not ask for approvals, it refuses the wave too. An ephemeral stage continues
    to the live validation, as in ``decide``.
    """
    report = change_set_report(plan)
    if report.verdict is Verdict.PASS:
        return None
    asked = stage.approval.required and not plan.in_progress(Progress.EXECUTED)
    if report.verdict is Verdict.REVIEW and (asked or stage.ephemeral):
        return None
    return refusal_of(report)


def refusal_of(report: Report) -> PolicyFindings:
    """Return a report's relevant findings, at most twenty."""
    return PolicyFindings.of([FoundInStages(each) for each in report.findings if each.counts])


def action_summary(report: Report) -> str:
    """Sum up a report that passes, for a pipeline's action. Raises ``ValidationFailed`` with the findings otherwise."""
    if report.verdict is not Verdict.PASS:
        refusal = refusal_of(report)
        more = [f"and {refusal.left_out} more"] if refusal.left_out else []
        lines = [finding_in_words(each.finding) for each in refusal.findings]
        raise ValidationFailed("\n".join([report.verdict, *lines, *more]))
    advice = sum(not finding.counts for finding in report.findings)
    return f"PASS: {', '.join(report.paths)}" + (f"; findings that stop nothing: {advice}" if advice else "")


def finding_in_words(finding: Finding) -> str:
    """Describe a finding in one line: where, what, and what to do."""
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

"""The report for people: one line a finding, what to do below it, a summary at the end."""

from __future__ import annotations

from collections.abc import Mapping

from belay.policy.verdict import Finding, Report, Verdict


def render(report: Report, errors: Mapping[str, str], *, advice: bool) -> str:
    """Return what stops a release, with ``advice`` the rest too; what cannot be decided for one reason is one line."""
    lines: list[str] = []
    shown = [finding for finding in report.findings if advice or finding.blocking or finding.waiver]
    for findings in _folded(shown):
        first = findings[0]
        place = f"{first.path}:{first.line}:{first.column}" if first.line else first.path
        verdict = f"{first.verdict} (waived)" if first.waiver else first.verdict.value
        lines.append(f"{place} {verdict} {', '.join(dict.fromkeys(one.policy for one in findings))} [{first.severity}]")
        lines.append(f"    {first.resource} {first.property}".rstrip())
        lines.append(f"    {first.message}")
        lines.append(f"    Waiver: {first.waiver}" if first.waiver else f"    Fix: {first.fix}")
    for message in errors.values():
        lines.append(f"{message}")
    hidden = len(report.findings) - len(shown)
    lines.append(_summary(report, errors))
    if hidden:
        lines.append(f"{hidden} more of lower severity: --advice shows them")
    return "\n".join(lines) + "\n"


def _folded(findings: list[Finding]) -> list[list[Finding]]:
    folded: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        key: object = number
        if finding.verdict is Verdict.REVIEW:
            key = (finding.path, finding.resource, finding.line, finding.column, finding.message.rpartition(": ")[2])
        folded.setdefault(key, []).append(finding)
    return list(folded.values())


def _summary(report: Report, errors: Mapping[str, str]) -> str:
    counted = [finding for finding in report.findings if finding.counts]
    failed = sum(finding.verdict is Verdict.FAIL for finding in counted)
    unread = f", {len(errors)} could not be read" if errors else ""
    return (
        f"{report.verdict}: {len(report.paths)} files, {failed} violations, {len(counted) - failed} to review{unread}"
    )

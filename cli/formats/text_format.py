"""The report as text: one line per finding, the fix below it, and a summary at the end."""

from __future__ import annotations

from collections.abc import Mapping

from belay.policy.verdict import Finding, Report, Verdict
from cli.formats.overall import overall
from cli.output import plain


def render(report: Report, errors: Mapping[str, str], *, advice: bool) -> str:
    """Return the findings and a summary; undecided policies with the same reason share one entry."""
    lines: list[str] = []
    for findings in _folded(report.findings):
        first = findings[0]
        place = f"{first.path}:{first.line}:{first.column}" if first.line else first.path
        verdict = f"{first.verdict} (waived)" if first.waiver else first.verdict.value
        lines.append(f"{place} {verdict} {', '.join(dict.fromkeys(one.policy for one in findings))} [{first.severity}]")
        lines.append(f"    {first.resource} {first.property}".rstrip())
        lines.append(f"    {first.message}")
        lines.append(f"    Waiver: {first.waiver}" if first.waiver else f"    Fix: {first.fix}")
    for message in errors.values():
        lines.append(f"{message}")
    lines.append(_summary(report, errors))
    if not advice:
        lines.append("Advice, which does not stop a release, is not shown: use --advice to see it.")
    return "\n".join([plain(line).replace("\n", "\ufffd") for line in lines]) + "\n"


def _folded(findings: tuple[Finding, ...]) -> list[list[Finding]]:
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
    files = len(report.paths)
    return (
        f"{overall(report, errors)}: {files} file{'' if files == 1 else 's'}, "
        f"{failed} violation{'' if failed == 1 else 's'}, {len(counted) - failed} to review{unread}"
    )

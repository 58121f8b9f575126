"""The report as JUnit XML: one suite per file, one case per policy."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from belay.policy.verdict import Finding, Report, Verdict
from cli.output import plain


def render(report: Report, errors: Mapping[str, str], *, advice: bool) -> str:
    """Return the suites; violations are failures, REVIEW and unreadable files are errors, advice is skipped."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="belay validate">']
    for path, policies in report.checked:
        found = [finding for finding in report.findings if finding.path == path]
        slugs = dict.fromkeys((*policies, *(finding.policy for finding in found)))
        cases = {slug: [finding for finding in found if finding.policy == slug] for slug in slugs}
        lines.append(f"<testsuite name={_quoted(path)} tests={_quoted(str(len(cases)))}>")
        for slug, findings in cases.items():
            lines.append(f"<testcase classname={_quoted(path)} name={_quoted(slug)}>")
            lines += [_outcome(finding) for finding in findings]
            lines.append("</testcase>")
        lines.append("</testsuite>")
    for path, message in errors.items():
        lines.append(f'<testsuite name={_quoted(path)} tests="1"><testcase classname={_quoted(path)} name="read">')
        lines.append(f'<error type="unreadable" message={_quoted(message)}/></testcase></testsuite>')
    return "\n".join([*lines, "</testsuites>", ""])


def _quoted(text: str) -> str:
    """Return an attribute's value with a mark in place of characters that XML does not allow."""
    return quoteattr(plain(text))


def _outcome(finding: Finding) -> str:
    message = f"{finding.resource} at {finding.path}:{finding.line}:{finding.column}: {finding.message} {finding.fix}"
    if not finding.counts:
        return f"<skipped message={_quoted(f'{finding.waiver or finding.severity}: {message}')}/>"
    tag = "failure" if finding.verdict is Verdict.FAIL else "error"
    return f"<{tag} type={_quoted(finding.verdict.value)} message={_quoted(message)}/>"

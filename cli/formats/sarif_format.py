"""The report as SARIF 2.1.0, for code hosts that show findings next to the code.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from belay.policy.applied import all_policies
from belay.policy.template_checks import named_rule
from belay.policy.verdict import Finding, Report, Severity, Verdict

LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def render(report: Report, errors: Mapping[str, str], *, advice: bool) -> str:
    """Return one run: REVIEW has the kind ``review``, waived findings are suppressed, read errors are notifications."""
    notifications = [
        {"level": "error", "message": {"text": message}, "locations": [_location(path, 0, 0)]}
        for path, message in errors.items()
    ]
    run = {
        "tool": {"driver": {"name": "belay", "rules": _rules(report)}},
        "invocations": [{"executionSuccessful": not errors, "toolExecutionNotifications": notifications}],
        "results": [_result(finding) for finding in report.findings],
        "columnKind": "unicodeCodePoints",
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=1) + "\n"


def _rules(report: Report) -> list[dict[str, Any]]:
    named = dict.fromkeys(finding.policy for finding in report.findings)
    own = [rule for slug in named if (rule := named_rule(slug)) is not None]
    return [
        {
            "id": one.slug,
            "shortDescription": {"text": one.policy.title},
            "fullDescription": {"text": one.policy.why},
            "help": {"text": one.policy.fix},
            "defaultConfiguration": {"level": LEVELS[one.policy.severity]},
        }
        for one in (*all_policies(), *own)
        if one.slug in named
    ]


def _result(finding: Finding) -> dict[str, Any]:
    reviewed = finding.verdict is Verdict.REVIEW
    result: dict[str, Any] = {
        "ruleId": finding.policy,
        "kind": "review" if reviewed else "fail",
        "level": "none" if reviewed else LEVELS[finding.severity],
        "message": {"text": f"{finding.message} {finding.fix}"},
        "locations": [_location(finding.path, finding.line, finding.column)],
        "properties": {"resource": finding.resource, "property": finding.property, "blocking": finding.blocking},
    }
    if finding.waiver:
        result["suppressions"] = [{"kind": "external", "justification": finding.waiver}]
    return result


def _location(path: str, line: int, column: int) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": path.replace("\\", "/")}}
    if line:
        location["region"] = {"startLine": line, "startColumn": column}
    return {"physicalLocation": location}

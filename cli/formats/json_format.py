"""The report as JSON; ``docs/validate.schema.json`` is its schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from belay.documents import SCHEMA
from belay.policy.verdict import Report
from cli.formats.overall import overall


def render(report: Report, errors: Mapping[str, str], *, advice: bool) -> str:
    """Return verdict, findings, a summary per file, and read errors; advice is always included, and marked.

    A finding is a line: a large report has many, and is written without building the document first.
    """
    members = {
        "schema": json.dumps(SCHEMA),
        "verdict": json.dumps(overall(report, errors)),
        "findings": _lines(finding.to_json() for finding in report.findings),
        "summary": json.dumps(report.summary(), indent=1).replace("\n", "\n "),
        "errors": _lines({"path": path, "message": message} for path, message in errors.items()),
    }
    return "{" + ",".join([f'\n "{name}": {text}' for name, text in members.items()]) + "\n}\n"


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "[" + ",".join([f"\n  {json.dumps(row)}" for row in rows]) + "]"

"""The report as JSON; ``docs/validate.schema.json`` is its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping

from belay.policy.verdict import Report
from cli.formats.overall import overall


def render(report: Report, errors: Mapping[str, str], *, advice: bool) -> str:
    """Return verdict, findings, a summary per file, and read errors; advice is always included, and marked."""
    listed = [{"path": path, "message": message} for path, message in errors.items()]
    return json.dumps({**report.to_json(), "verdict": overall(report, errors), "errors": listed}, indent=1) + "\n"

"""The one verdict over everything that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from belay.policy.verdict import Report, Verdict, combine


def overall(report: Report, errors: Mapping[str, str]) -> Verdict:
    """Return the gravest verdict; what could not be read could not be decided, and is no PASS."""
    return combine([report.verdict, *([Verdict.REVIEW] if errors else [])])

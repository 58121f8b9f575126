"""The overall verdict."""

from __future__ import annotations

from collections.abc import Mapping

from belay.policy.verdict import Report, Verdict, combine


def overall(report: Report, errors: Mapping[str, str]) -> Verdict:
    """Return the worst verdict, which is at least REVIEW if something could not be read."""
    return combine([report.verdict, *([Verdict.REVIEW] if errors else [])])

"""Decides which findings of a periodically re-validated stage to report: each one once while it lasts."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from belay.policy.applied import policies_in
from belay.policy.rules import live_stage
from belay.policy.verdict import Finding, Report, Verdict


@dataclass(frozen=True)
class Comparison:
    """A re-validation compared with the last: new findings by identity, and identities of resolved ones."""

    new: Mapping[str, Finding]
    gone: tuple[str, ...]


def compare(report: Report, known: Collection[str]) -> Comparison:
    """Compare a report with the identities of the findings that were already known."""
    found = {identity(finding): finding for finding in report.findings if is_told(finding)}
    return Comparison(
        new={name: finding for name, finding in found.items() if name not in known},
        gone=tuple(name for name in known if name not in found),
    )


def is_told(finding: Finding) -> bool:
    """Whether a finding is reported: if it would stop a release, or is drift, even if that is only advice."""
    drifted = finding.policy in {rule.slug for rule in policies_in(live_stage)} and finding.verdict is Verdict.FAIL
    return finding.counts or (drifted and finding.waiver is None)


def identity(finding: Finding) -> str:
    """Return an identity that a finding keeps while it lasts (16 hexadecimal digits).

    It does not depend on the rule's position in the group, because EC2 lists rules in any order.
    """
    parts = (finding.path, finding.resource, finding.policy, finding.verdict.value, finding.message)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

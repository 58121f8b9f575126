"""What is told of a stage that is validated again and again: each finding once, while it lasts."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from belay.policy.applied import policies_in
from belay.policy.rules import live_stage
from belay.policy.verdict import Finding, Report, Verdict


@dataclass(frozen=True)
class Comparison:
    """A re-validation beside what was known: findings that are new, by identity, and identities that are gone."""

    new: Mapping[str, Finding]
    gone: tuple[str, ...]


def compare(report: Report, known: Collection[str]) -> Comparison:
    """Compare a report with the identities of the findings that were known before."""
    found = {identity(finding): finding for finding in report.findings if is_told(finding)}
    return Comparison(
        new={name: finding for name, finding in found.items() if name not in known},
        gone=tuple(name for name in known if name not in found),
    )


def is_told(finding: Finding) -> bool:
    """Whether people are told: of what would stop a release, and of drift, even where it is only advice."""
    drifted = finding.policy in {rule.slug for rule in policies_in(live_stage)} and finding.verdict is Verdict.FAIL
    return finding.counts or (drifted and finding.waiver is None)


def identity(finding: Finding) -> str:
    """Name a finding for as long as it lasts (16 hexadecimal digits).

    Where its rule stands among the group's rules is no part of it: EC2 lists them in any order.
    """
    parts = (finding.path, finding.resource, finding.policy, finding.verdict.value, finding.message)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

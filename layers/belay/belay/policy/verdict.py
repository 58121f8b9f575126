"""What a policy says: a verdict, findings with their place, and the report of one gate."""

from __future__ import annotations

import builtins
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """PASS: does not break the policy. FAIL: does. REVIEW: could not be decided, so it is never green by itself."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    REVIEW = "REVIEW"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest verdict: FAIL before REVIEW before PASS; PASS where there is none."""
    found = set(verdicts)
    return next((verdict for verdict in (Verdict.FAIL, Verdict.REVIEW) if verdict in found), Verdict.PASS)


class Severity(StrEnum):
    """How grave a violation is. Members compare by gravity, not by name."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of one policy, or one reason why it could not be decided.

    ``path`` is the template's path in the release, or names what was looked at live. ``resource`` is a logical id (for
    a nested stack with the ids that lead there, ``Network/Web``) or a group's id; ``line`` and ``column`` start at 1
    and are 0 where there is no text. ``property`` leads to the value inside the resource. ``group`` is the security
    group it is about: another resource than ``resource`` where the rule stands by itself. ``blocking`` is false where
    the registration takes this severity as advice. ``waiver`` says who accepted it, why and until when; a waived
    finding is shown but does not count.
    """

    path: str
    resource: str
    policy: str
    verdict: Verdict
    severity: Severity
    line: int
    column: int
    property: str
    message: str
    fix: str
    group: str = ""
    blocking: bool = True
    waiver: str | None = None

    @builtins.property
    def counts(self) -> bool:
        """Whether it takes part in the report's verdict."""
        return self.blocking and self.waiver is None


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of every source about one or more files, and which policies looked at which file.

    ``checked`` lists the policies by path: a file without findings was looked at, too. Reports of other sources (a
    rule pack, a change set's policies, live validation) join by :meth:`merged`.
    """

    findings: tuple[Finding, ...] = ()
    checked: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict of the findings that count."""
        return combine(finding.verdict for finding in self.findings if finding.counts)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that were looked at."""
        return tuple([path for path, _ in self.checked])

    def merged(self, *others: Report) -> Report:
        """Return one report of this and the others; what two of them found alike is listed once."""
        reports = (self, *others)
        checked: dict[str, tuple[str, ...]] = {}
        for path, policies in [entry for report in reports for entry in report.checked]:
            checked[path] = tuple(dict.fromkeys((*checked.get(path, ()), *policies)))
        findings = tuple(dict.fromkeys(finding for report in reports for finding in report.findings))
        return Report(findings, tuple(checked.items()))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return, for each file, its verdict, the number of findings and the verdict of every policy.

        The policies' verdicts leave waived findings out, and keep those that are only advice.
        """
        summary: dict[str, dict[str, Any]] = {}
        for path, policies in self.checked:
            findings = [finding for finding in self.findings if finding.path == path]
            verdicts = {
                policy: combine(f.verdict for f in findings if f.policy == policy and f.waiver is None)
                for policy in dict.fromkeys((*policies, *(finding.policy for finding in findings)))
            }
            summary[path] = {
                "verdict": combine(f.verdict for f in findings if f.counts).value,
                "findings": len(findings),
                "policies": {policy: verdict.value for policy, verdict in verdicts.items()},
            }
        return summary

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {
            "verdict": self.verdict.value,
            "findings": [asdict(finding) for finding in self.findings],
            "summary": self.summary(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Return the report that :meth:`to_json` wrote."""
        findings = tuple(
            Finding(**{**entry, "verdict": Verdict(entry["verdict"]), "severity": Severity(entry["severity"])})
            for entry in data["findings"]
        )
        return cls(findings, tuple((path, tuple(file["policies"])) for path, file in data["summary"].items()))

    def under(self, folder: str) -> Report:
        """Return the report with ``folder`` before every path."""
        if not folder:
            return self
        return Report(
            tuple([replace(finding, path=posixpath.join(folder, finding.path)) for finding in self.findings]),
            tuple([(posixpath.join(folder, path), policies) for path, policies in self.checked]),
        )

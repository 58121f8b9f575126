"""The results of policies: verdicts, findings, and the report of one gate."""

from __future__ import annotations

import builtins
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from belay.documents import SCHEMA, plain, read


class Verdict(StrEnum):
    """PASS: the policy is kept. FAIL: it is violated. REVIEW: undecided, so a person has to accept it."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    REVIEW = "REVIEW"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict: FAIL before REVIEW before PASS; PASS if there are none."""
    found = set(verdicts)
    return next((verdict for verdict in (Verdict.FAIL, Verdict.REVIEW) if verdict in found), Verdict.PASS)


class Severity(StrEnum):
    """How severe a violation is; compare severities by :attr:`rank`."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of one policy, or one reason why it could not be decided.

    ``path`` is the template's path in the release, or names what was checked live. ``resource`` is a logical id (in a
    nested stack a path such as ``Network/Web``) or a group's id; ``line`` and ``column`` start at 1 and are 0 if there
    is no text. ``property`` is the path of the value in the resource. ``group`` is the security group it is about,
    which is not ``resource`` for a standalone rule. ``blocking`` is false if the registration treats this severity as
    advice. ``waiver`` says who accepted it, why and until when; a waived finding is shown but does not count.
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
        """Whether it affects the report's verdict."""
        return self.blocking and self.waiver is None


@dataclass(frozen=True, slots=True)
class Report:
    """The findings about one or more files from every source, and which policies checked which file.

    ``checked`` lists the policies by path, including files without findings. :meth:`merged` adds the reports of other
    sources (a rule pack, a change set's policies, live validation).
    """

    findings: tuple[Finding, ...] = ()
    checked: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the findings that count."""
        return combine(finding.verdict for finding in self.findings if finding.counts)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that were checked."""
        return tuple([path for path, _ in self.checked])

    def merged(self, *others: Report) -> Report:
        """Return one report of this and the others, with equal findings listed once."""
        reports = (self, *others)
        checked: dict[str, tuple[str, ...]] = {}
        for path, policies in [entry for report in reports for entry in report.checked]:
            checked[path] = tuple(dict.fromkeys((*checked.get(path, ()), *policies)))
        findings = tuple(dict.fromkeys(finding for report in reports for finding in report.findings))
        return Report(findings, tuple(checked.items()))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return each file's verdict, number of findings and verdict of every policy.

        The policies' verdicts do not count waived findings, but count advice.
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
            "schema": SCHEMA,
            "verdict": self.verdict.value,
            "findings": plain(self.findings),
            "summary": self.summary(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Return the report that :meth:`to_json` wrote. Raises ``UnreadableRecord``."""
        checked = [(path, list(file["policies"])) for path, file in data.get("summary", {}).items()]
        return read(cls, {**data, "checked": checked}, "a report")

    def under(self, folder: str) -> Report:
        """Return the report with ``folder`` prepended to every path."""
        if not folder:
            return self
        return Report(
            tuple([replace(finding, path=posixpath.join(folder, finding.path)) for finding in self.findings]),
            tuple([(posixpath.join(folder, path), policies) for path, policies in self.checked]),
        )

"""The results of policies: verdicts, findings, and the report of one gate."""

from __future__ import annotations

import builtins
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import chain
from operator import attrgetter
from typing import Any

from belay.documents import SCHEMA, read


class Verdict(StrEnum):
    """PASS: compliant. FAIL: violated. REVIEW: undecided, so a person has to accept it."""

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

    def at(self, path: str) -> Finding:
        """Return the finding with another path."""
        return Finding(path, *_VALUES(self)[1:])

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data, for JSON."""
        return {
            **dict(zip(_NAMES, _VALUES(self), strict=True)),
            "verdict": self.verdict.value,
            "severity": self.severity.value,
        }


_NAMES = tuple([each.name for each in fields(Finding)])
_VALUES = attrgetter(*_NAMES)


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
        """Return one report of this and the others, with equal findings of several listed once."""
        reports = (self, *others)
        checked: dict[str, tuple[str, ...]] = {}
        for path, policies in [entry for report in reports for entry in report.checked]:
            checked[path] = tuple(dict.fromkeys((*checked.get(path, ()), *policies)))
        filled = [report.findings for report in reports if report.findings]
        findings = filled[0] if len(filled) == 1 else tuple(dict.fromkeys(chain.from_iterable(filled)))
        return Report(findings, tuple(checked.items()))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return each file's verdict, number of findings and verdict of every policy.

        The policies' verdicts do not count waived findings, but count advice.
        """
        findings: dict[str, list[Finding]] = {path: [] for path, _ in self.checked}
        for finding in self.findings:
            if finding.path in findings:
                findings[finding.path].append(finding)
        return {path: _summary(policies, findings[path]) for path, policies in self.checked}

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict.value,
            "findings": [finding.to_json() for finding in self.findings],
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
            tuple([finding.at(posixpath.join(folder, finding.path)) for finding in self.findings]),
            tuple([(posixpath.join(folder, path), policies) for path, policies in self.checked]),
        )


def _summary(policies: Iterable[str], findings: Sequence[Finding]) -> dict[str, Any]:
    """Return one file's verdict, number of findings and verdict of every policy."""
    verdicts: dict[str, set[Verdict]] = {policy: set() for policy in policies}
    for finding in findings:
        found = verdicts.setdefault(finding.policy, set())
        if finding.waiver is None:
            found.add(finding.verdict)
    return {
        "verdict": combine(finding.verdict for finding in findings if finding.counts).value,
        "findings": len(findings),
        "policies": {policy: combine(found).value for policy, found in verdicts.items()},
    }

"""The policies, found by their package, and applied as one application's settings say.

A policy is one file, with ``POLICY`` and ``check(subject, settings)``: in ``rules/security_group/`` about security
groups, in ``rules/change_set/`` about change sets, in ``rules/live_stage/`` about deployed stages, in
``rules/database_change/`` about database changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Generic, TypeVar

from belay.policy.model import SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.rules import security_group
from belay.policy.settings import PolicySettings, Waiver
from belay.policy.slugs import modules, packages, slug_of
from belay.policy.verdict import Finding, Report, Severity, Verdict

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class PolicyCheck(Generic[Subject]):
    """A policy with its name and its check of one kind of subject."""

    slug: str
    policy: Policy
    check: Callable[[Subject, PolicySettings], Iterable[Violation]]


def policies_in(package: ModuleType) -> tuple[PolicyCheck[Any], ...]:
    """Return the policies of one package, most severe first, then by name."""
    found: list[PolicyCheck[Any]] = []
    for module in modules(package):
        file = import_module(f"{package.__name__}.{module}")
        found.append(PolicyCheck(slug_of(module), file.POLICY, file.check))
    return tuple(sorted(found, key=lambda one: (one.policy.severity.rank, one.slug)))


@cache
def all_policies() -> tuple[PolicyCheck[Any], ...]:
    """Return the policies of every package."""
    return tuple([rule for package in packages() for rule in policies_in(package)])


@cache
def security_group_policies() -> tuple[PolicyCheck[SecurityGroup], ...]:
    """Return the policies about security groups, most severe first, then by name."""
    return policies_in(security_group)


@dataclass(frozen=True, slots=True)
class AppliedPolicy(Generic[Subject]):
    """A policy as applied to one application."""

    rule: PolicyCheck[Subject]
    severity: Severity
    blocking: bool
    waivers: tuple[Waiver, ...]
    today: date

    @classmethod
    def of(cls, rule: PolicyCheck[Subject], settings: PolicySettings, today: date) -> AppliedPolicy[Subject]:
        """Apply a policy with an application's severity, blocking and waivers."""
        severity = settings.severities.get(rule.slug, rule.policy.severity)
        waivers = tuple([waiver for waiver in settings.waivers if waiver.policy == rule.slug])
        return cls(rule, severity, severity.rank <= settings.blocking.rank, waivers, today)

    def findings(self, subject: Subject, settings: PolicySettings) -> Iterator[Finding]:
        """Check a subject against the policy."""
        for violation in self.rule.check(subject, settings):
            yield self.finding(violation, violation.place.resource)

    def finding(self, violation: Violation, owner: str) -> Finding:
        """Turn a violation into a finding about ``owner``, usually the resource at the violation's location."""
        place = violation.place
        message = f"{self.rule.policy.title}: {violation.detail}."
        if violation.verdict is Verdict.REVIEW:
            message = f"Cannot be decided whether this is so: {message}"
        waiver = None
        for candidate in self.waivers:
            if candidate.resource in (place.resource, owner, "*"):
                if self.today <= candidate.expires:
                    waiver = candidate.shown
                else:
                    message += f" Its waiver has expired: {candidate.shown}."
        return Finding(
            path=place.path,
            resource=place.resource,
            policy=self.rule.slug,
            verdict=violation.verdict,
            severity=self.severity,
            line=place.line,
            column=place.column,
            property=place.property,
            message=message,
            fix=self.rule.policy.fix,
            group=owner,
            blocking=self.blocking,
            waiver=waiver,
        )


def applied(
    checks: Iterable[PolicyCheck[Subject]], settings: PolicySettings, today: date
) -> list[AppliedPolicy[Subject]]:
    """Return the policies that apply to an application: no disabled ones, and advice only if it wants any."""
    enabled = [AppliedPolicy.of(rule, settings, today) for rule in checks if rule.slug not in settings.disabled]
    return [one for one in enabled if one.blocking or settings.advice]


def checked(package: ModuleType, subject: object, settings: PolicySettings, today: date, path: str) -> Report:
    """Check a subject against every policy of a package that applies; ``path`` names it in the report."""
    ours = applied(policies_in(package), settings, today)
    findings = dict.fromkeys(finding for one in ours for finding in one.findings(subject, settings))
    return Report(tuple(findings), ((path, tuple(one.rule.slug for one in ours)),))

"""The gate: every policy on every security group of a stack's template, or of live groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from belay.policy.from_live import live_groups, may_reach_internet
from belay.policy.from_template import security_groups
from belay.policy.model import SecurityGroup
from belay.policy.policies import RegisteredPolicy, Violation, policies
from belay.policy.settings import Settings, Waiver
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.template.loader import load
from belay.template.nodes import Document
from belay.template.scope import Scope
from belay.template.sections import parameters as declared_parameters
from belay.template.stacks import Stacks

RELEASE_BUCKET = "ReleaseBucket"
RELEASE_PREFIX = "ReleasePrefix"


def check_template(
    files: Mapping[str, bytes],
    root: str,
    parameters: Mapping[str, str],
    settings: Settings,
    today: date,
    *,
    defaults_apply: bool = True,
) -> Report:
    """Check the template of one stack, with the nested templates it leads to.

    ``files`` are the templates of the release by path, ``root`` is the path of this stack's. ``parameters`` are the
    values that will really be passed (pseudo parameters such as ``AWS::Region`` too, where they are known). The others
    take the template's defaults; with ``defaults_apply=False`` a default is only one of the values they may have.

    Raises :class:`UnreadableTemplate` where the root template cannot be read; a nested one that cannot is REVIEW.
    """

    groups, paths = security_groups(_root(files, root, parameters, defaults_apply))
    return _report(groups, paths, settings, _asked(settings, today))


def reachable_templates(files: Mapping[str, bytes], root: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths of the templates that a stack's template leads to, its own first.

    Raises :class:`UnreadableTemplate` where the root template cannot be read.
    """
    stacks = Stacks(_root(files, root, parameters, defaults_apply=True))
    for _ in stacks:
        pass
    return stacks.templates


def _root(files: Mapping[str, bytes], root: str, parameters: Mapping[str, str], defaults_apply: bool) -> Scope:
    @cache
    def read(path: str) -> Document | None:
        return load(files[path], path) if path in files else None

    document = load(files[root], root)
    release = (parameters.get(RELEASE_BUCKET) or "release-bucket", parameters.get(RELEASE_PREFIX) or "release-prefix")
    known = dict(parameters)
    for name, value in zip((RELEASE_BUCKET, RELEASE_PREFIX), release, strict=True):
        if name in declared_parameters(document):
            known[name] = value
    return Scope(document, "", known, defaults_apply, read, release)


def check_groups(
    groups: Sequence[Mapping[str, Any]],
    prefix_lists: Mapping[str, Sequence[str]],
    settings: Settings,
    today: date,
    *,
    path: str,
) -> Report:
    """Check live security groups.

    ``groups`` are the ``SecurityGroups`` of EC2's DescribeSecurityGroups, ``prefix_lists`` the blocks of each prefix
    list they name (a list that is missing is REVIEW). ``path`` names what was looked at, such as a stage, in findings.
    """
    asked = _asked(settings, today)
    directions = {one.policy.policy.internet for one in asked}
    if None not in directions:
        groups = [
            group
            for group in groups
            if any(may_reach_internet(group, direction) for direction in directions if direction is not None)
        ]
    return _report(live_groups(groups, prefix_lists, path), [path], settings, asked)


def _asked(settings: Settings, today: date) -> list[_Asked]:
    asked = [_Asked.of(one, settings, today) for one in policies() if one.slug not in settings.disabled]
    return [one for one in asked if one.blocking or settings.advice]


def _report(
    groups: Iterable[SecurityGroup], paths: Iterable[str], settings: Settings, asked: Sequence[_Asked]
) -> Report:
    findings = [
        one.finding(violation, group)
        for group in groups
        for one in asked
        for violation in one.policy.check(group, settings)
    ]
    slugs = tuple([one.policy.slug for one in asked])
    ranks = {severity: severity.rank for severity in Severity}
    ordered = sorted(dict.fromkeys(findings), key=lambda one: (one.path, one.line, one.column, ranks[one.severity]))
    return Report(tuple(ordered), tuple([(path, slugs) for path in paths]))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A policy as one application asks it."""

    policy: RegisteredPolicy
    severity: Severity
    blocking: bool
    waivers: tuple[Waiver, ...]
    today: date

    @classmethod
    def of(cls, policy: RegisteredPolicy, settings: Settings, today: date) -> _Asked:
        severity = settings.severities.get(policy.slug, policy.policy.severity)
        waivers = tuple([waiver for waiver in settings.waivers if waiver.policy == policy.slug])
        return cls(policy, severity, severity.rank <= settings.blocking.rank, waivers, today)

    def finding(self, violation: Violation, group: SecurityGroup) -> Finding:
        place = violation.place
        message = f"{self.policy.policy.title}: {violation.detail}."
        if violation.verdict is Verdict.REVIEW:
            message = f"Cannot be decided whether this is so: {message}"
        owner = group.place.resource
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
            policy=self.policy.slug,
            verdict=violation.verdict,
            severity=self.severity,
            line=place.line,
            column=place.column,
            property=place.property,
            message=message,
            fix=self.policy.policy.fix,
            group=owner,
            blocking=self.blocking,
            waiver=waiver,
        )

"""The gate: every policy on every security group of a stack's template, or of live groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from belay.policy.from_live import live_groups
from belay.policy.from_template import security_groups
from belay.policy.model import SecurityGroup
from belay.policy.policies import RegisteredPolicy, Violation, policies
from belay.policy.settings import Settings
from belay.policy.verdict import Finding, Report, Verdict
from belay.template.loader import load
from belay.template.nodes import Document
from belay.template.scope import Scope
from belay.template.sections import parameters as declared_parameters

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

    @cache
    def read(path: str) -> Document | None:
        return load(files[path], path) if path in files else None

    document = load(files[root], root)
    release = (parameters.get(RELEASE_BUCKET) or "release-bucket", parameters.get(RELEASE_PREFIX) or "release-prefix")
    known = dict(parameters)
    for name, value in zip((RELEASE_BUCKET, RELEASE_PREFIX), release, strict=True):
        if name in declared_parameters(document):
            known[name] = value
    groups, paths = security_groups(Scope(document, "", known, defaults_apply, read, release))
    return _report(groups, paths, settings, today)


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
    return _report(live_groups(groups, prefix_lists, path), [path], settings, today)


def _report(groups: Iterable[SecurityGroup], paths: Iterable[str], settings: Settings, today: date) -> Report:
    asked = [one for one in policies() if one.slug not in settings.disabled]
    findings = [
        _finding(one, violation, group, settings, today)
        for group in groups
        for one in asked
        for violation in one.check(group, settings)
    ]
    slugs = tuple(one.slug for one in asked)
    ordered = sorted(dict.fromkeys(findings), key=lambda one: (one.path, one.line, one.column, one.severity.rank))
    return Report(tuple(ordered), tuple((path, slugs) for path in paths))


def _finding(
    one: RegisteredPolicy, violation: Violation, group: SecurityGroup, settings: Settings, today: date
) -> Finding:
    severity = settings.severities.get(one.slug, one.policy.severity)
    place = violation.place
    message = f"{one.policy.title}: {violation.detail}."
    if violation.verdict is Verdict.REVIEW:
        message = f"Cannot be decided whether this is so: {one.policy.title}: {violation.detail}."
    waiver = None
    for candidate in settings.waivers:
        if candidate.policy == one.slug and candidate.resource in (place.resource, group.place.resource, "*"):
            if today <= candidate.expires:
                waiver = candidate.shown
            else:
                message += f" Its waiver has expired: {candidate.shown}."
    return Finding(
        path=place.path,
        resource=place.resource,
        policy=one.slug,
        verdict=violation.verdict,
        severity=severity,
        line=place.line,
        column=place.column,
        property=place.property,
        message=message,
        fix=one.policy.fix,
        blocking=severity.rank <= settings.blocking.rank,
        waiver=waiver,
    )

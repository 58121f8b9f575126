"""The gate: applies every policy to every security group of a stack's template, or to live groups."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from belay.policy.applied import AppliedPolicy, applied, security_group_policies
from belay.policy.from_live import NarrowBlocks, broad_part, live_groups
from belay.policy.from_template import security_groups
from belay.policy.model import Location, SecurityGroup
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.template.root import root_scope
from belay.template.scope import Scope


def check_template(
    files: Mapping[str, bytes],
    root: str,
    parameters: Mapping[str, str],
    settings: PolicySettings,
    today: date,
    *,
    defaults_apply: bool = True,
) -> Report:
    """Check the template of one stack and its nested templates.

    ``files`` are the release's templates by path, ``root`` is the path of this stack's. ``parameters`` are the values
    that will be passed (and pseudo parameters such as ``AWS::Region``, if known). The others have the template's
    defaults; with ``defaults_apply=False`` a default is only one of the values they may have.

    Raises ``UnreadableTemplate`` if the root template cannot be read; an unreadable nested one is REVIEW.
    """

    return check_stack(root_scope(files, root, parameters, defaults_apply=defaults_apply), settings, today)


def check_stack(root: Scope, settings: PolicySettings, today: date) -> Report:
    """Check a stack and its nested stacks, as :func:`check_template` does, by the scope of its template."""
    groups, paths = security_groups(root)
    return _report(groups, paths, settings, applied(security_group_policies(), settings, today))


def check_groups(
    groups: Sequence[Mapping[str, Any]],
    prefix_lists: Mapping[str, Sequence[str]],
    settings: PolicySettings,
    today: date,
    *,
    path: str,
) -> Report:
    """Check live security groups.

    ``groups`` are the ``SecurityGroups`` of EC2's DescribeSecurityGroups, ``prefix_lists`` the blocks of each prefix
    list they name (a missing list is REVIEW). ``path`` names what was checked, such as a stage, in findings.
    """
    ours = applied(security_group_policies(), settings, today)
    asked = {one.rule.policy.direction for one in ours if one.rule.policy.demands(settings)}
    directions = [direction for direction in asked if direction is not None]
    if len(directions) == len(asked):
        narrow = NarrowBlocks(settings.trusted_networks)
        groups = [kept for group in groups if (kept := broad_part(group, directions, narrow)) is not None]
    return _report(live_groups(groups, prefix_lists, path), [path], settings, ours)


def _report(
    groups: Iterable[SecurityGroup],
    paths: Iterable[str],
    settings: PolicySettings,
    ours: Sequence[AppliedPolicy[SecurityGroup]],
) -> Report:
    # One finding of a kind is enough for one location, however many values it may have.
    findings: dict[tuple[str, Verdict, Location], Finding] = {}
    demanding = [one for one in ours if one.rule.policy.demands(settings)]
    for group in groups:
        for one in demanding:
            if group.together and one.rule.policy.internet != "ingress":
                continue
            for violation in one.rule.check(group, settings):
                key = (one.rule.slug, violation.verdict, violation.place)
                if key not in findings:
                    findings[key] = one.finding(violation, "+".join(group.together) or group.place.resource)
    slugs = tuple([one.rule.slug for one in ours])
    ranks = {severity: severity.rank for severity in Severity}
    ordered = sorted(findings.values(), key=lambda one: (one.path, one.line, one.column, ranks[one.severity]))
    return Report(tuple(ordered), tuple([(path, slugs) for path in paths]))

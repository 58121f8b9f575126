"""Checks what a change set will do: the data it deletes, and security groups with their final values."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from belay.policy.applied import checked
from belay.policy.from_template import GROUP, STANDALONE
from belay.policy.gate import check_template
from belay.policy.rules import change_set as change_set_rules
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report, Verdict
from belay.stack.change_set import ChangeSet

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""The placeholder of a value that CloudFormation knows only after it has created a resource
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html)."""


@dataclass(frozen=True)
class PlannedStack:
    """A stack's change set, nested ones included; ``path`` names the stack in findings."""

    path: str
    change_set: ChangeSet


def check_change_set(change_set: ChangeSet, settings: PolicySettings, today: date, *, path: str) -> Report:
    """Check a change set before it is executed; ``path`` names its stack in findings."""
    stack = PlannedStack(path, change_set)
    return checked(change_set_rules, stack, settings, today, path).merged(_groups(stack, settings, today))


def _groups(stack: PlannedStack, settings: PolicySettings, today: date) -> Report:
    """Check the security groups as they will be, with every value that CloudFormation has determined.

    Only violations count here: undecided rules were reported for the template and will be checked live.
    """
    template = resolved_template(stack.change_set)
    if not template["Resources"]:
        return Report()
    files = {stack.path: json.dumps(template).encode()}
    report = check_template(files, stack.path, {}, replace(settings, advice=False), today, defaults_apply=False)
    failed = [replace(each, line=0, column=0) for each in report.findings if each.verdict is Verdict.FAIL]
    return Report(tuple(failed), report.checked)


def resolved_template(change_set: ChangeSet) -> dict[str, Any]:
    """Return the security groups and rules of a change set, as they will be, as a template.

    They come from ``AfterContext``, which DescribeChangeSet returns with IncludePropertyValues; a value that is not
    known yet becomes a parameter without a value.
    """
    unknown: dict[str, dict[str, str]] = {}
    resources = {
        path: {"Type": resource_type, "Properties": _known(properties, unknown)}
        for path, resource_type, properties in _after(change_set)
    }
    return {"Parameters": unknown, "Resources": resources}


def _after(change_set: ChangeSet) -> Iterator[tuple[str, str, Any]]:
    for path, change in change_set.all_changes():
        if change.resource_type in (GROUP, *STANDALONE) and change.action != "Remove" and change.after:
            yield path, change.resource_type, json.loads(change.after).get("Properties", {})


def _known(value: Any, unknown: dict[str, dict[str, str]]) -> Any:
    if isinstance(value, dict):
        return {name: _known(each, unknown) for name, each in value.items()}
    if isinstance(value, list):
        return [_known(each, unknown) for each in value]
    if isinstance(value, str) and KNOWN_AFTER_APPLY in value:
        name = f"KnownAfterApply{len(unknown) + 1}"
        unknown[name] = {"Type": "String"}
        return {"Ref": name}
    return value

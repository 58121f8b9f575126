"""Gap: DescribeChangeSet ignores ``IncludePropertyValues``.

AWS then returns each resource's properties before and after, and the changed values, with a placeholder for those that
are known only after deployment
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html). It can be removed once
ministack does.
"""

import copy
import json
from typing import Any
from xml.sax.saxutils import escape

from ministack.services.cloudformation import _change_sets, _stacks, changesets, handlers
from ministack.services.cloudformation.engine import _NO_VALUE
from ministack.services.cloudformation.helpers import _p

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]


class _KnownLater(dict[str, Any]):
    """The attributes of a resource not created yet: every one of them is known later."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        return LATER


def install() -> None:
    """Record the values when a change set is created, and return them on request."""
    create = handlers._ACTION_HANDLERS["CreateChangeSet"]
    describe = handlers._ACTION_HANDLERS["DescribeChangeSet"]

    def create_with_values(parameters: Any) -> Answer:
        known = set(_change_sets)
        answer: Answer = create(parameters)
        for change_set_id in set(_change_sets) - known:
            _note(_change_sets[change_set_id])
        return answer

    def describe_with_values(parameters: Any) -> Answer:
        status, headers, body = describe(parameters)
        _, change_set = changesets._find_change_set(_p(parameters, "ChangeSetName"), _p(parameters, "StackName"))
        if change_set is None or _p(parameters, "IncludePropertyValues", "false").lower() != "true":
            return status, headers, body
        return status, headers, _shown(body.decode(), change_set).encode()

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_with_values
    handlers._ACTION_HANDLERS["DescribeChangeSet"] = describe_with_values


def _note(change_set: Record) -> None:
    """Store, by logical id, the changed resources' current and future properties."""
    held = _stacks[change_set["StackName"]]["_resources"]
    changes = [change["ResourceChange"] for change in change_set["Changes"]]
    made = {each["LogicalResourceId"] for each in changes if _is_made_anew(each)}
    resources = {name: record for name, record in held.items() if name not in made}
    resources |= {name: {"PhysicalResourceId": LATER, "Attributes": _KnownLater()} for name in made}
    change_set["_values"] = {
        each["LogicalResourceId"]: (
            _text(held[name]["Properties"]) if (name := each["LogicalResourceId"]) in held else None,
            _text(_after(change_set, name, resources)) if each["Action"] != "Remove" else None,
        )
        for each in changes
    }


def _is_made_anew(change: Record) -> bool:
    return change["Action"] == "Add" or change.get("Replacement") == "True"


def resolved_properties(change_set: Record, name: str) -> Record:
    """The properties that a resource will have, as far as they are known in advance."""
    held = _stacks[change_set["StackName"]]["_resources"]
    made = {each["ResourceChange"]["LogicalResourceId"] for each in change_set["Changes"]} - set(held)
    later = {each: {"PhysicalResourceId": LATER, "Attributes": _KnownLater()} for each in made}
    return dict(_after(change_set, name, {**held, **later}))


def _after(change_set: Record, name: str, resources: Record) -> Any:
    template, parameters = change_set["_template"], change_set["_resolved_params"]
    properties = copy.deepcopy(template["Resources"][name].get("Properties") or {})
    conditions = changesets._evaluate_conditions(template, parameters)
    of_stack = (change_set["StackName"], change_set["StackId"])
    try:
        return changesets._resolve_refs(
            properties, resources, parameters, conditions, template.get("Mappings", {}), *of_stack
        )
    except ValueError:
        return properties


def _text(value: Any) -> Any:
    """The value with every scalar as text, as AWS shows it."""
    match value:
        case dict():
            return {name: _text(each) for name, each in value.items() if each is not _NO_VALUE}
        case list():
            return [_text(each) for each in value if each is not _NO_VALUE]
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _shown(text: str, change_set: Record) -> str:
    parts = text.split("<ResourceChange>")
    return "<ResourceChange>".join([parts[0], *(_shown_change(part, change_set["_values"]) for part in parts[1:])])


def _shown_change(part: str, values: Record) -> str:
    name = part.partition("<LogicalResourceId>")[2].partition("<")[0]
    before, after = values[name]
    context = "".join(
        f"<{member}>{escape(json.dumps({'Properties': value}))}</{member}>"
        for member, value in (("BeforeContext", before), ("AfterContext", after))
        if value is not None
    )
    for changed in {*(before or {}), *(after or {})}:
        shown = f"<Name>{escape(changed)}</Name>"
        part = part.replace(shown, shown + _target(changed, before or {}, after or {}))
    return context + part


def _target(name: str, before: Record, after: Record) -> str:
    kind = "Add" if name not in before else "Remove" if name not in after else "Modify"
    members = {"Path": f"/Properties/{name}", "AttributeChangeType": kind}
    for member, values in (("BeforeValue", before), ("AfterValue", after)):
        if name in values:
            value = values[name]
            members[member] = value if isinstance(value, str) else json.dumps(value)
    return "".join(f"<{member}>{escape(value)}</{member}>" for member, value in members.items())

"""Gap: CreateChangeSet ignores ``IncludeNestedStacks``.

AWS then makes a change set of every nested stack that is added or changed, at every level, and names it in the change
of the parent's resource (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html).
Here the children's change sets are only described: executing the root's changes the children as without them.
It can be removed once ministack has them.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ministack.services.cloudformation import _change_sets, _stack_events, _stacks, changesets, handlers
from ministack.services.cloudformation.helpers import _p

from local.bridges.change_set_values import resolved_properties
from local.bridges.nested_stacks import TYPE

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]


def install() -> None:
    """Make the children's change sets when a change set is created, and name them where it is described."""
    create = handlers._ACTION_HANDLERS["CreateChangeSet"]
    describe = handlers._ACTION_HANDLERS["DescribeChangeSet"]

    def create_with_children(parameters: Any) -> Answer:
        known = set(_change_sets)
        answer: Answer = create(parameters)
        if _p(parameters, "IncludeNestedStacks", "false").lower() == "true":
            for change_set_id in set(_change_sets) - known:
                _make_children(_change_sets[change_set_id], parameters)
        return answer

    def describe_with_children(parameters: Any) -> Answer:
        status, headers, body = describe(parameters)
        _, change_set = changesets._find_change_set(_p(parameters, "ChangeSetName"), _p(parameters, "StackName"))
        named = {} if change_set is None else change_set.get("_children", {})
        return status, headers, _shown(body.decode(), named).encode()

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_with_children
    handlers._ACTION_HANDLERS["DescribeChangeSet"] = describe_with_children


def _make_children(change_set: Record, parameters: Any) -> None:
    change_set["_children"] = {}
    for change in (each["ResourceChange"] for each in change_set["Changes"]):
        if change["ResourceType"] == TYPE and change["Action"] in ("Add", "Modify"):
            name = change["LogicalResourceId"]
            made, refused = _child(change_set, change, parameters)
            if refused:
                reason = f"Nested change set of {name} was not successfully created: {refused}"
                change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason)
            failed = [each for each in made.values() if _failed(_change_sets[each])]
            if failed:
                reason = f"Nested change set {failed[0]} was not successfully created: Currently in FAILED."
                change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason)
            change_set["_children"] |= made


def _failed(child: Record) -> bool:
    return child["Status"] == "FAILED" and "didn't contain changes" not in child["StatusReason"]


def _child(change_set: Record, change: Record, parameters: Any) -> tuple[dict[str, str], str]:
    """The id of a child's change set by the child's logical id, and why there is none."""
    name = change["LogicalResourceId"]
    properties = resolved_properties(change_set, name)
    adds = change["Action"] == "Add"
    unique = uuid.uuid4().hex[:12].upper()
    stack_name = (
        f"{change_set['StackName']}-{name}-{unique}"
        if adds
        else handlers._resolve_stack(change["PhysicalResourceId"])["StackName"]
    )
    asked = {
        "StackName": [stack_name],
        "ChangeSetName": [f"{change_set['ChangeSetName'][:100]}-{unique}"],
        "ChangeSetType": ["CREATE" if adds else "UPDATE"],
        "TemplateURL": [str(properties.get("TemplateURL", ""))],
        "IncludeNestedStacks": ["true"],
    }
    asked |= {key: value for key, value in parameters.items() if key.startswith("Capabilities.")}
    for number, (key, value) in enumerate((properties.get("Parameters") or {}).items(), 1):
        asked[f"Parameters.member.{number}.ParameterKey"] = [key]
        asked[f"Parameters.member.{number}.ParameterValue"] = [str(value)]
    known = set(_change_sets)
    with _unvalidated():
        _, _, body = handlers._ACTION_HANDLERS["CreateChangeSet"](asked)
    made = [each for each in set(_change_sets) - known if _change_sets[each]["StackName"] == stack_name]
    if adds and stack_name in _stacks:
        _stack_events.pop(_stacks.pop(stack_name)["StackId"], None)
    if not made:
        return {}, body.decode().partition("<Message>")[2].partition("</Message>")[0]
    return {name: made[0]}, ""


@contextmanager
def _unvalidated() -> Iterator[None]:
    """Let a child have resources of types that ministack does not know: it refuses them when the child is deployed."""
    validate = changesets.validate_template_support
    changesets.validate_template_support = lambda *_, **__: None
    try:
        yield
    finally:
        changesets.validate_template_support = validate


def _shown(text: str, named: dict[str, str]) -> str:
    parts = text.split("<ResourceChange>")
    return "<ResourceChange>".join([parts[0], *(_shown_change(part, named) for part in parts[1:])])


def _shown_change(part: str, named: dict[str, str]) -> str:
    name = part.partition("<LogicalResourceId>")[2].partition("<")[0]
    return (f"<ChangeSetId>{named[name]}</ChangeSetId>" if name in named else "") + part

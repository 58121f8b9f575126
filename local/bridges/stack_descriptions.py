"""Gap: DescribeStacks does not return a stack's role, rollback triggers, topics, change set, parent and root.

AWS keeps the role and the rollback triggers for later operations until others are given, and describes all of them
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html). The role is described, not assumed.
It can be removed once ministack describes them.
"""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services.cloudformation import _change_sets, _stacks, changesets, handlers
from ministack.services.cloudformation.helpers import _p

KEPT = ("RoleARN", "RollbackConfiguration", "NotificationARNs")

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]
Handler = Callable[[Any], Answer]


def install() -> None:
    """Record the members when operations are requested, and add them when stacks and change sets are described."""
    actions = handlers._ACTION_HANDLERS
    for operation in ("CreateStack", "UpdateStack", "DeleteStack", "ContinueUpdateRollback", "RollbackStack"):
        actions[operation] = _noting_for_stack(actions[operation])
    actions["CreateChangeSet"] = _noting_for_change_set(actions["CreateChangeSet"])
    actions["ExecuteChangeSet"] = _handing_over(actions["ExecuteChangeSet"])
    actions["DescribeStacks"] = _adding(actions["DescribeStacks"], _described_stacks)
    actions["DescribeChangeSet"] = _adding(actions["DescribeChangeSet"], _described_change_sets)


def _asked(parameters: Any) -> Record:
    """The members a request gives; an empty list is given, an absent one is not."""
    asked: Record = {}
    if _p(parameters, "RoleARN"):
        asked["RoleARN"] = _p(parameters, "RoleARN")
    if any(name.startswith("RollbackConfiguration.") for name in parameters):
        asked["RollbackConfiguration"] = _rollback_configuration(parameters)
    if any(name.startswith("NotificationARNs") for name in parameters):
        asked["NotificationARNs"] = _listed(parameters, "NotificationARNs.member")
    return asked


def _listed(parameters: Any, prefix: str) -> list[str]:
    found: list[str] = []
    while value := _p(parameters, f"{prefix}.{len(found) + 1}"):
        found.append(value)
    return found


def _rollback_configuration(parameters: Any) -> Record:
    prefix = "RollbackConfiguration"
    triggers: list[Record] = []
    while arn := _p(parameters, f"{prefix}.RollbackTriggers.member.{len(triggers) + 1}.Arn"):
        kind = _p(parameters, f"{prefix}.RollbackTriggers.member.{len(triggers) + 1}.Type")
        triggers.append({"Arn": arn, "Type": kind})
    minutes = _p(parameters, f"{prefix}.MonitoringTimeInMinutes")
    return {"RollbackTriggers": triggers, **({"MonitoringTimeInMinutes": minutes} if minutes else {})}


def _noting_for_stack(handle: Handler) -> Handler:
    def handle_and_note(parameters: Any) -> Answer:
        answer = handle(parameters)
        stack = handlers._resolve_stack(_p(parameters, "StackName"))
        if stack is not None and answer[0] < 300:  # noqa: PLR2004 - an HTTP status
            stack.update(_asked(parameters))
            stack.pop("_change_set_id", None)
        return answer

    return handle_and_note


def _noting_for_change_set(handle: Handler) -> Handler:
    def handle_and_note(parameters: Any) -> Answer:
        known = set(_change_sets)
        answer = handle(parameters)
        for change_set_id in set(_change_sets) - known:
            _change_sets[change_set_id].update(_asked(parameters))
        return answer

    return handle_and_note


def _handing_over(handle: Handler) -> Handler:
    def handle_and_hand_over(parameters: Any) -> Answer:
        change_set_id, change_set = changesets._find_change_set(
            _p(parameters, "ChangeSetName"), _p(parameters, "StackName")
        )
        answer = handle(parameters)
        if change_set is not None and answer[0] < 300:  # noqa: PLR2004 - an HTTP status
            stack = _stacks[change_set["StackName"]]
            stack.update({name: change_set[name] for name in KEPT if name in change_set}, _change_set_id=change_set_id)
        return answer

    return handle_and_hand_over


def _adding(handle: Handler, described: Callable[[str], str]) -> Handler:
    def handle_and_add(parameters: Any) -> Answer:
        status, headers, body = handle(parameters)
        return status, headers, described(body.decode()).encode()

    return handle_and_add


def _described_stacks(text: str) -> str:
    for stack in _stacks.values():
        tag = f"<StackId>{escape(stack['StackId'])}</StackId>"
        of_change_set = {"ChangeSetId": stack["_change_set_id"]} if "_change_set_id" in stack else {}
        text = text.replace(tag, tag + _xml({**of_change_set, **_family(stack), **_kept(stack)}))
    return text


def _described_change_sets(text: str) -> str:
    for change_set in _change_sets.values():
        tag = f"<ChangeSetId>{escape(change_set['ChangeSetId'])}</ChangeSetId>"
        members = {name: value for name, value in _kept(change_set).items() if name != "RoleARN"}
        text = text.replace(tag, tag + _xml(members))
    return text


def _kept(record: Record) -> Record:
    return {name: record[name] for name in KEPT if name in record}


def _family(stack: Record) -> Record:
    """A nested stack's parent, and the stack at the top."""
    if "ParentId" not in stack:
        return {}
    top = stack
    while "ParentId" in top:
        top = next(each for each in _stacks.values() if each["StackId"] == top["ParentId"])
    return {"ParentId": stack["ParentId"], "RootId": top["StackId"]}


def _xml(members: Record) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in members.items())


def _value(value: Any) -> str:
    match value:
        case dict():
            return _xml(value)
        case list():
            return "".join(f"<member>{_value(each)}</member>" for each in value)
        case _:
            return escape(str(value))

"""Gap: a nested stack is not a stack of its own: it is not transformed, does not roll back, and hides failed deletions.

On AWS a child goes through the statuses of any stack, its failure fails the resource in its parent
(``Embedded stack ... was not successfully updated``), a parent that rolls back also rolls back its updated children,
and a rollback that failed in a child is continued on the root stack, with ``ChildStackName.LogicalId`` for what is to
be skipped (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html). What a
child had removed or replaced when its parent failed is not restored here. It can be removed once ministack's children
do the same.
"""

import asyncio
import contextvars
import copy
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any

import ministack.app
from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services.cloudformation import _stack_events, _stacks, changesets, engine, handlers, provisioners, stacks
from ministack.services.cloudformation.helpers import _error, _p

TYPE = "AWS::CloudFormation::Stack"
ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
OF_AN_OPERATION = ("_resources", "_template", "_template_body", "_resolved_params", "_conditions")
REPORTED = ("Parameters", "Tags", "Outputs")

Record = dict[str, Any]
Properties = Mapping[str, Any]
Created = tuple[str, dict[str, str]]

_skipped: contextvars.ContextVar[dict[str, set[str]] | None] = contextvars.ContextVar(
    "skipped_in_children", default=None
)
"""While a rollback is continued: by child stack, the logical ids to skip."""


def install() -> None:
    """Replace the resource type's handlers, and continue rollbacks through children."""
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    proceed = handlers._ACTION_HANDLERS["ContinueUpdateRollback"]

    def continue_through_children(parameters: Any) -> Any:
        stack = handlers._resolve_stack(_p(parameters, "StackName"))
        if stack is not None and "ParentId" in stack:
            message = f"Stack:{stack['StackId']} is a nested stack: continue the rollback of its root stack."
            return _error("ValidationError", message)
        names = _listed(parameters)
        refused = next((name for name in names if stack is not None and not _may_be_skipped(stack, name)), None)
        if refused is not None:
            return _error("ValidationError", f"Resource [{refused}] cannot be skipped in the status it is in.")
        token = _skipped.set(_by_child(names))
        try:
            return proceed(_with_listed(parameters, [name for name in names if "." not in name]))
        finally:
            _skipped.reset(token)

    handlers._ACTION_HANDLERS["ContinueUpdateRollback"] = continue_through_children


def _create(logical_id: str, properties: Properties, parent: str) -> Created:
    body, template, parameters = _read(properties, {})
    name = f"{parent}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"
    stack_id = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stack/{name}/{uuid.uuid4()}"
    tags = _tags(properties)
    child = {
        "StackName": name,
        "StackId": stack_id,
        "ParentId": _stacks[parent]["StackId"],
        "StackStatus": "CREATE_IN_PROGRESS",
        "StackStatusReason": "",
        "CreationTime": now_iso(),
        "LastUpdatedTime": now_iso(),
        "Description": template.get("Description", ""),
        "Capabilities": _stacks[parent].get("Capabilities", []),
        "DisableRollback": False,
        "Outputs": [],
        "_region": get_region(),
        "_resources": {},
        **_asked(body, template, parameters, tags),
    }
    _stacks[name], _stack_events[stack_id] = child, []
    _say(child, "CREATE_IN_PROGRESS")
    _run(stacks._deploy_stack_async(name, stack_id, template, parameters, False, tags))
    if child["StackStatus"] != "CREATE_COMPLETE":
        reason = _first_cause(child, "CREATE_FAILED")
        _run(stacks._delete_stack_async(name, stack_id))
        raise ValueError(f"Embedded stack {stack_id} was not successfully created: {reason}")
    return stack_id, _outputs(child)


def _update(physical_id: str, old: Properties, new: Properties, parent: str) -> Created:
    child = _child(physical_id)
    if _stacks[parent]["StackStatus"] == ROLLING_BACK:
        _take_back(child)
        return physical_id, _outputs(child)
    body, template, parameters = _read(new, child["_resolved_params"])
    asked = _asked(body, template, parameters, _tags(new))
    if all(child[name] == value for name, value in asked.items()):
        return physical_id, _outputs(child)
    child["_before"] = {name: copy.deepcopy(child[name]) for name in OF_AN_OPERATION + REPORTED}
    child.update(asked, StackStatus="UPDATE_IN_PROGRESS", LastUpdatedTime=now_iso())
    _say(child, "UPDATE_IN_PROGRESS")
    _run(
        stacks._deploy_stack_async(
            child["StackName"],
            physical_id,
            template,
            parameters,
            False,
            asked["Tags"],
            is_update=True,
            previous_stack=copy.deepcopy(child["_before"]),
        )
    )
    if child["StackStatus"] != "UPDATE_COMPLETE":
        raise ValueError(_not_updated(child))
    return physical_id, _outputs(child)


def _delete(physical_id: str, properties: Properties) -> None:
    child = _child(physical_id)
    if child["StackStatus"] == "DELETE_COMPLETE":
        return
    _run(stacks._delete_stack_async(child["StackName"], physical_id))
    if child["StackStatus"] != "DELETE_COMPLETE":
        reason = child.get("StackStatusReason", "")
        raise ValueError(f"Embedded stack {physical_id} was not successfully deleted: {reason}")


def _take_back(child: Record) -> None:
    """Roll an updated child back, or continue to, because its parent does; skip one that has already done so."""
    skipped = _skipped.get()
    if child["StackStatus"] == "UPDATE_ROLLBACK_FAILED" and skipped is not None:
        ids = frozenset(skipped.get(child["StackName"], ()))
        _run(stacks._continue_update_rollback_async(child["StackName"], child["StackId"], ids))
    elif child["StackStatus"] == "UPDATE_COMPLETE" and "_before" in child:
        operation = {
            "is_update": True,
            "previous_stack": child.pop("_before"),
            "created": list(child["_resources"]),
            "template": child["_template"],
            "param_values": child["_resolved_params"],
        }
        _run(stacks._roll_back_operation(child["StackName"], child["StackId"], child, operation))
    if child["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        raise ValueError(_not_updated(child))


def _read(properties: Properties, previous: Record) -> tuple[str, Record, Record]:
    """The child's template as it stands at its URL, transformed, and its parameters resolved."""
    body, refused = changesets._resolve_template({"TemplateURL": [properties.get("TemplateURL", "")]})
    if refused is not None or not body:
        raise ValueError(f"TemplateURL {properties.get('TemplateURL')} must be an Amazon S3 URL of a template.")
    given = [{"Key": name, "Value": str(value)} for name, value in (properties.get("Parameters") or {}).items()]
    template = engine._apply_transforms(engine._parse_template(body), given, previous)
    return body, template, changesets._resolve_parameters(template, given)


def _asked(body: str, template: Record, parameters: Record, tags: list[Record]) -> Record:
    """What an operation on the child requests."""
    return {
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": each["Value"], "NoEcho": each["NoEcho"]}
            for name, each in parameters.items()
        ],
        "Tags": tags,
        "_template": template,
        "_template_body": body,
        "_resolved_params": parameters,
        "_conditions": engine._evaluate_conditions(template, parameters),
    }


def _tags(properties: Properties) -> list[Record]:
    tags = provisioners._tag_map(properties.get("Tags")).items()
    return [{"Key": key, "Value": value} for key, value in tags if not key.startswith("aws:")]


def _child(stack_id: str) -> Record:
    child: Record = handlers._resolve_stack(stack_id)
    return child


def _outputs(child: Record) -> dict[str, str]:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in child["Outputs"]}


def _say(child: Record, status: str) -> None:
    name, stack_id = child["StackName"], child["StackId"]
    stacks._add_event(stack_id, name, name, TYPE, status, physical_id=stack_id)


def _run(operation: Coroutine[Any, Any, Any]) -> None:
    """Run a stack operation on the server's loop and wait: resources of this type are handled on worker threads."""
    asyncio.run_coroutine_threadsafe(operation, ministack.app._MAIN_LOOP).result()


def _first_cause(child: Record, status: str) -> str:
    events = _stack_events[child["StackId"]]
    failed = [event["LogicalResourceId"] for event in events if event["ResourceStatus"] == status]
    verb = "create" if status == "CREATE_FAILED" else "update"
    return f"The following resource(s) failed to {verb}: [{', '.join(failed)}]."


def _not_updated(child: Record) -> str:
    reason = _first_cause(child, "UPDATE_FAILED")
    status = child["StackStatus"]
    return (
        f"Embedded stack {child['StackId']} was not successfully updated. Currently in {status} with reason: {reason}"
    )


def _listed(parameters: Any) -> list[str]:
    names: list[str] = []
    while name := _p(parameters, f"ResourcesToSkip.member.{len(names) + 1}"):
        names.append(name)
    return names


def _with_listed(parameters: Any, names: list[str]) -> Record:
    others = {key: value for key, value in parameters.items() if not key.startswith("ResourcesToSkip")}
    return {**others, **{f"ResourcesToSkip.member.{number}": [name] for number, name in enumerate(names, 1)}}


def _by_child(names: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        child, dot, logical_id = name.rpartition(".")
        if dot:
            found.setdefault(child, set()).add(logical_id)
    return found


def _may_be_skipped(stack: Record, name: str) -> bool:
    """Whether its rollback failed; for a nested stack the failed resources, not the stack itself."""
    child_name, dot, logical_id = name.rpartition(".")
    if dot:
        return logical_id in (_stacks.get(child_name) or {}).get("_rollback_failed", {})
    failed = stack.get("_rollback_failed", {}).get(name)
    return failed is not None and failed["ResourceType"] != TYPE

"""Gap: change sets are created that AWS refuses or fails, and reported as empty although they are not.

On AWS a stack that cannot be updated accepts no change set; importing a missing export fails the change set; a change
of outputs alone is a change; a second change set for a stack that does not exist yet belongs to the same stack
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html). It can be removed once
ministack does the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services.cloudformation import _change_sets, _exports, _stack_events, _stacks, changesets, handlers
from ministack.services.cloudformation.helpers import _error, _p

UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
GONE = "DELETE_COMPLETE"
REVIEW = "REVIEW_IN_PROGRESS"

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]


def install() -> None:
    """Check a change set before and after ministack creates it, and an update and a create of a stack before."""
    create_change_set = handlers._ACTION_HANDLERS["CreateChangeSet"]
    update_stack, create_stack = handlers._ACTION_HANDLERS["UpdateStack"], handlers._ACTION_HANDLERS["CreateStack"]

    def create_checked_change_set(parameters: Any) -> Answer:
        stack = handlers._resolve_stack(_p(parameters, "StackName"))
        kind = _p(parameters, "ChangeSetType", "UPDATE")
        refused = _refuse_update(stack) if kind == "UPDATE" else _refuse_create(stack, parameters)
        if refused:
            return refused
        known = set(_change_sets)
        answer: Answer = create_change_set(parameters)
        for change_set_id in set(_change_sets) - known:
            change_set = _change_sets[change_set_id]
            _look_at_outputs(change_set)
            _look_for_exports(change_set)
            if kind == "CREATE" and stack is not None and stack["StackStatus"] == REVIEW:
                answer = _attach(change_set, stack, answer)
        return answer

    def update_updatable_stack(parameters: Any) -> Answer:
        return _refuse_update(handlers._resolve_stack(_p(parameters, "StackName"))) or update_stack(parameters)

    def create_new_stack(parameters: Any) -> Answer:
        stack = _stacks.get(_p(parameters, "StackName"))
        if stack is not None and stack["StackStatus"] != GONE:
            return _error("AlreadyExistsException", f"Stack [{stack['StackName']}] already exists")  # type: ignore[no-any-return]
        return create_stack(parameters)  # type: ignore[no-any-return]

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_checked_change_set
    handlers._ACTION_HANDLERS["UpdateStack"] = update_updatable_stack
    handlers._ACTION_HANDLERS["CreateStack"] = create_new_stack


def _refuse_update(stack: Record | None) -> Answer | None:
    if stack is None or stack["StackStatus"] in UPDATABLE | {GONE}:
        return None
    message = f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated."
    return _error("ValidationError", message)  # type: ignore[no-any-return]


def _refuse_create(stack: Record | None, parameters: Any) -> Answer | None:
    if stack is None or stack["StackStatus"] in (GONE, REVIEW) or _p(parameters, "ChangeSetType") == "IMPORT":
        return None
    message = f"Stack [{stack['StackName']}] already exists and cannot be created again with the changeSet"
    return _error("ValidationError", f"{message} [{_p(parameters, 'ChangeSetName')}].")  # type: ignore[no-any-return]


def _attach(change_set: Record, stack: Record, answer: Answer) -> Answer:
    """Attach the change set to the stack that was already under review."""
    made = change_set["StackId"]
    change_set["StackId"] = stack["StackId"]
    _stacks[stack["StackName"]] = stack
    _stack_events.pop(made, None)
    status, headers, body = answer
    return status, headers, body.replace(made.encode(), stack["StackId"].encode())


def _look_at_outputs(change_set: Record) -> None:
    stack = _stacks[change_set["StackName"]]
    if change_set["Changes"] or change_set["ChangeSetType"] != "UPDATE" or _outputs(stack) == _outputs(change_set):
        return
    change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")


def _outputs(record: Record) -> tuple[Any, Any]:
    """The outputs as declared, and with the parameters filled in."""
    template = record["_template"]
    outputs = template.get("Outputs", {})
    alone = {**template, "Resources": {"Outputs": {"Properties": outputs}}}
    resolved = changesets._resolve_props_for_diff(
        alone, record["_resolved_params"], record["StackName"], record["StackId"]
    )
    return outputs, resolved


def _look_for_exports(change_set: Record) -> None:
    missing = next((name for name in _imported(change_set) if name not in _exports), None)
    if missing is not None:
        reason = f"No export named {missing} found"
        change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason, Changes=[])


def _imported(change_set: Record) -> Iterator[str]:
    """The names of the exports that the change set's template imports where its conditions hold."""
    template, parameters = change_set["_template"], change_set["_resolved_params"]
    conditions = changesets._evaluate_conditions(template, parameters)
    scope: tuple[Any, ...] = (
        {},
        parameters,
        conditions,
        template.get("Mappings", {}),
        change_set["StackName"],
        change_set["StackId"],
    )
    for section in ("Resources", "Outputs"):
        for part in (template.get(section) or {}).values():
            if conditions.get(part.get("Condition"), True):
                for argument in _import_arguments(part, conditions):
                    yield str(changesets._resolve_refs(argument, *scope))


def _import_arguments(node: Any, conditions: Mapping[str, bool]) -> Iterator[Any]:
    match node:
        case {"Fn::ImportValue": argument}:
            yield argument
        case {"Fn::If": [str(condition), when_true, when_false]}:
            yield from _import_arguments(when_true if conditions.get(condition) else when_false, conditions)
        case dict():
            for value in node.values():
                yield from _import_arguments(value, conditions)
        case list():
            for value in node:
                yield from _import_arguments(value, conditions)

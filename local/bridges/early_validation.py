"""Gap: change sets are created although what they would do cannot succeed.

On AWS a change set is validated while it is created: property values against the resource's schema, names that are
taken. One that fails says only which validation failed and points to DescribeEvents, which names resource, path and
reason (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html). ministack
validates some of it when a stack is deployed; the same is checked here, and ``fail_resource`` with ``validate``. It can
be removed once ministack validates change sets.
"""

import uuid
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import now_iso
from ministack.services.cloudformation import _change_sets, _stacks, changesets, engine, handlers, stacks
from ministack.services.cloudformation.helpers import _p, _xml

from local.bridges.faults import pending

CHECKS = {"NAME_CONFLICT_VALIDATION": "ResourceExistenceCheck", "PROPERTY_VALIDATION": "PropertyValidation"}

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]
Error = tuple[str, str, str, str, str]
"""Logical id, type, name of the validation, path and reason, as ministack has them."""


def install() -> None:
    """Validate a change set when it is created, and handle DescribeEvents for it."""
    create, events = handlers._ACTION_HANDLERS["CreateChangeSet"], handlers._ACTION_HANDLERS["DescribeEvents"]

    def create_validated(parameters: Any) -> Answer:
        known = set(_change_sets)
        answer: Answer = create(parameters)
        for change_set_id in set(_change_sets) - known:
            _validate(_change_sets[change_set_id])
        return answer

    def describe_events(parameters: Any) -> Answer:
        _, change_set = changesets._find_change_set(_p(parameters, "ChangeSetName"), _p(parameters, "StackName"))
        if not _p(parameters, "ChangeSetName") or change_set is None:
            return events(parameters)  # type: ignore[no-any-return]
        members = "".join(map(_member, change_set.get("_events", [])))
        body = f"<DescribeEventsResult><OperationEvents>{members}</OperationEvents></DescribeEventsResult>"
        return _xml(200, "DescribeEventsResponse", body)  # type: ignore[no-any-return]

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_validated
    handlers._ACTION_HANDLERS["DescribeEvents"] = describe_events


def _validate(change_set: Record) -> None:
    errors = [*_errors(change_set), *_injected(change_set)] if change_set["Status"] == "CREATE_COMPLETE" else []
    if not errors:
        return
    failed = ", ".join(dict.fromkeys(f"AWS::EarlyValidation::{CHECKS[each[2]]}" for each in errors))
    reason = (
        f"The following hook(s)/validation failed: [{failed}]. To troubleshoot Early Validation errors, use the "
        "DescribeEvents API for detailed failure information."
    )
    change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason)
    change_set["_events"] = [_event(change_set, each) for each in errors]


def _errors(change_set: Record) -> list[Error]:
    template, parameters = change_set["_template"], change_set["_resolved_params"]
    resources, conditions = template.get("Resources", {}), engine._evaluate_conditions(template, parameters)
    mine = (_stacks.get(change_set["StackName"]) or {}).get("_resources", {})
    found: list[Error] = stacks._validation_errors(
        resources,
        list(resources),
        parameters,
        conditions,
        template.get("Mappings", {}),
        change_set["StackName"],
        change_set["StackId"],
        frozenset(each.get("PhysicalResourceId") for each in mine.values()),
    )
    return found


def _injected(change_set: Record) -> Iterator[Error]:
    for change in (each["ResourceChange"] for each in change_set["Changes"]):
        name = change["LogicalResourceId"]
        fault = pending.take_resource(name, "validate", change_set["StackName"], "")
        if fault is not None:
            path = f"/Resources/{name}/Properties/{next(iter(_properties(change_set, name)), '')}".rstrip("/")
            yield name, change["ResourceType"], "PROPERTY_VALIDATION", path, fault.reason


def _properties(change_set: Record, logical_id: str) -> Record:
    return dict(change_set["_template"]["Resources"].get(logical_id, {}).get("Properties", {}))


def _event(change_set: Record, error: Error) -> Record:
    name, kind, validation, path, reason = error
    return {
        "EventId": str(uuid.uuid4()),
        "StackId": change_set["StackId"],
        "OperationId": change_set["ChangeSetId"].rpartition("/")[2],
        "OperationType": "CREATE_CHANGESET",
        "OperationStatus": "FAILED",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": name,
        "ResourceType": kind,
        "Timestamp": now_iso(),
        "ValidationFailureMode": "FAIL",
        "ValidationName": validation,
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": reason,
        "ValidationPath": path,
    }


def _member(event: Record) -> str:
    return "<member>" + "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in event.items()) + "</member>"

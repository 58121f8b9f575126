"""Gap: CreateChangeSet ignores ``DeploymentMode=REVERT_DRIFT``.

On AWS such a change set compares the template with the live resources, shows how each resource drifted, is not empty if
a resource has drifted although the template is the same, and restores it when executed
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html). Here it sees the resource
types that ministack can detect drift of, in the stack itself and not in nested ones. It can be removed once ministack
has it.
"""

import json
from typing import Any

from ministack.core.responses import now_iso
from ministack.services.cloudformation import _change_sets, _stacks, changesets, drift, handlers
from ministack.services.cloudformation.helpers import _p

MODE = "REVERT_DRIFT"
DRIFTED = ("MODIFIED", "DELETED")

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]


def install() -> None:
    """Detect drift when a change set is created, show it, and revert it when the change set is executed."""
    actions = handlers._ACTION_HANDLERS
    create, describe, execute = (actions[f"{verb}ChangeSet"] for verb in ("Create", "Describe", "Execute"))

    def create_with_drift(parameters: Any) -> Answer:
        known = set(_change_sets)
        answer: Answer = create(parameters)
        if _p(parameters, "DeploymentMode") == MODE:
            for change_set_id in set(_change_sets) - known:
                _look(_change_sets[change_set_id])
        return answer

    def describe_with_drift(parameters: Any) -> Answer:
        status, headers, body = describe(parameters)
        found = _found(parameters)
        return status, headers, body if found is None else _shown(body.decode(), found["_drift"]).encode()

    def execute_against_what_is(parameters: Any) -> Answer:
        found = _found(parameters)
        if found is not None:
            _take_for_deployed(_stacks[found["StackName"]], found["_drift"])
        return execute(parameters)  # type: ignore[no-any-return]

    actions["CreateChangeSet"] = create_with_drift
    actions["DescribeChangeSet"] = describe_with_drift
    actions["ExecuteChangeSet"] = execute_against_what_is


def _found(parameters: Any) -> Record | None:
    """The drift-aware change set that a call is about, if any."""
    _, change_set = changesets._find_change_set(_p(parameters, "ChangeSetName"), _p(parameters, "StackName"))
    return change_set if change_set is not None and "_drift" in change_set else None


def _look(change_set: Record) -> None:
    stack = _stacks[change_set["StackName"]]
    change_set["_drift"] = {
        logical_id: drift.detect_resource_drift(stack, logical_id, record, now_iso())
        for logical_id, record in stack["_resources"].items()
        if drift.supports_drift(record["ResourceType"])
    }
    known = {change["ResourceChange"]["LogicalResourceId"] for change in change_set["Changes"]}
    drifted = {name: each for name, each in change_set["_drift"].items() if _status(each) in DRIFTED}
    change_set["Changes"] += [_change(name, each) for name, each in drifted.items() if name not in known]
    if drifted:
        change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")


def _status(found: Record) -> str:
    return str(found["StackResourceDriftStatus"])


def _change(logical_id: str, found: Record) -> Record:
    names = {each["PropertyPath"].split("/")[1] for each in found.get("PropertyDifferences", ())}
    change = {
        "LogicalResourceId": logical_id,
        "ResourceType": found["ResourceType"],
        "PhysicalResourceId": found["PhysicalResourceId"],
        "Scope": ["Properties"],
        "Details": [{"Target": {"Attribute": "Properties", "Name": name}, "Evaluation": "Static"} for name in names],
    }
    made = {"Action": "Add"} if _status(found) == "DELETED" else {"Action": "Modify", "Replacement": "False"}
    return {"Type": "Resource", "ResourceChange": change | made}


def _shown(text: str, found: Record) -> str:
    status = "DRIFTED" if any(_status(each) in DRIFTED for each in found.values()) else "IN_SYNC"
    head = f"<DeploymentMode>{MODE}</DeploymentMode><StackDriftStatus>{status}</StackDriftStatus><Changes>"
    parts = text.replace("<Changes>", head).split("<ResourceChange>")
    return "<ResourceChange>".join([parts[0], *(_shown_change(part, found) for part in parts[1:])])


def _shown_change(part: str, found: Record) -> str:
    name = part.partition("<LogicalResourceId>")[2].partition("<")[0]
    shown = f"<ResourceDriftStatus>{_status(found[name])}</ResourceDriftStatus>" if name in found else ""
    return shown + part


def _take_for_deployed(stack: Record, found: Record) -> None:
    """Start the update from the actual state: it changes that, and returns to it if it fails."""
    for logical_id, each in found.items():
        if _status(each) == "DELETED":
            del stack["_resources"][logical_id]
        elif _status(each) == "MODIFIED":
            stack["_resources"][logical_id]["Properties"] |= json.loads(each["ActualProperties"])

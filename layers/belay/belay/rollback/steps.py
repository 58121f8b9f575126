"""The steps a recovery is made of: each with its API call, why it is legal and what it may cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from belay.masking import masked_parameter
from belay.rollback.plan import Action, Kind, Risk, Step
from belay.rollback.situation import Situation, StackSeen
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.status import StackStatus
from belay.stack.stuck import StuckResource
from belay.stack.trace import Trace, UnprovedResource

_API = "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/"

_GONE = (StackStatus.DELETE_COMPLETE,)
_BACK = (StackStatus.UPDATE_ROLLBACK_COMPLETE, StackStatus.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS)


_AFTERWARDS: Mapping[Action, str] = {
    Action.WAIT: "the stack's status",
    Action.CANCEL_UPDATE: "that the stack rolls back",
    Action.ROLLBACK_STACK: "that the stack is in its last stable state, or deleted if it never had one",
    Action.CONTINUE_UPDATE_ROLLBACK: "that the stack has finished rolling back",
    Action.SKIP_RESOURCES: "that the stack has finished rolling back, and how each skipped resource differs from it",
    Action.DETECT_DRIFT: "how the resource differs",
    Action.REVERT_DRIFT: "that the resources match the template",
    Action.UPDATE_TO_BASELINE: "that the stack has its earlier template, parameters and tags",
    Action.DELETE_CHANGE_SET: "that the change set is deleted",
    Action.DELETE_STACK: "that the stack is deleted",
}


def wait(seen: StackSeen, _: Situation) -> Step:
    """Wait for CloudFormation to finish. Legal in every status: it only describes."""
    return _step(
        Action.WAIT,
        seen,
        "DescribeStacks",
        {"StackName": seen.target},
        why=f"wait until CloudFormation has finished, the stack is {seen.status}",
        legal_because=f"{seen.status} is not terminal, no other operation is accepted before it is, and describing "
        f"changes nothing; {_API}API_DescribeStacks.html",
        risk=(Risk.NONE, "none but time"),
        expected=tuple(status for status in StackStatus if status.terminal),
    )


def cancel_update(seen: StackSeen, _: Situation) -> Step:
    """Cancel an update of Belay's that is no longer wanted."""
    return _step(
        Action.CANCEL_UPDATE,
        seen,
        "CancelUpdateStack",
        {"StackName": seen.target},
        why="cancel the update that is still running, so that CloudFormation rolls it back",
        legal_because=f"only a stack in UPDATE_IN_PROGRESS can be cancelled; {_API}API_CancelUpdateStack.html",
        risk=(Risk.DOWNTIME, "resources being replaced are replaced back"),
        expected=(StackStatus.UPDATE_ROLLBACK_IN_PROGRESS, *_BACK),
    )


def rollback_stack(seen: StackSeen, situation: Situation) -> Step:
    """Roll back a failed operation whose rollback was disabled."""
    created = seen.status is StackStatus.CREATE_FAILED
    return _step(
        Action.ROLLBACK_STACK,
        seen,
        "RollbackStack",
        {"StackName": seen.target} | _role(seen, situation),
        why="roll back the failed creation, which deletes what it created"
        if created
        else "roll the failed update back to the last stable state",
        legal_because=f"{seen.status} is one of the two statuses it starts from, and a stack without a last stable "
        f"state is deleted; {_API}API_RollbackStack.html",
        risk=(Risk.DOWNTIME, "updated resources are updated back, replaced ones are replaced again"),
        expected=(StackStatus.ROLLBACK_COMPLETE, *_GONE) if created else _BACK,
    )


def continue_update_rollback(seen: StackSeen, situation: Situation) -> Step:
    """Continue a stuck rollback, skipping nothing."""
    return _step(
        Action.CONTINUE_UPDATE_ROLLBACK,
        seen,
        "ContinueUpdateRollback",
        {"StackName": seen.target} | _role(seen, situation),
        why="continue the failed rollback, without skipping any resource",
        legal_because="UPDATE_ROLLBACK_FAILED is the status it starts from, and the stack is a root stack; "
        f"{_API}API_ContinueUpdateRollback.html",
        risk=(Risk.DOWNTIME, "none beyond that of the rollback itself"),
        expected=_BACK,
    )


def skip_resources(seen: StackSeen, situation: Situation, skips: Sequence[StuckResource]) -> Step:
    """Continue a stuck rollback, skipping the resources that it is stuck on."""
    each = [f"{skip.path} ({skip.resource_type}{_quoted(skip.reason)})" for skip in skips]
    return _step(
        Action.SKIP_RESOURCES,
        seen,
        "ContinueUpdateRollback",
        {"StackName": seen.target, "ResourcesToSkip": [skip.skip_as for skip in skips]} | _role(seen, situation),
        why=f"continue the rollback, which failed again, skipping {', '.join(each)}",
        legal_because="UPDATE_ROLLBACK_FAILED is the status it starts from, the stack is a root stack, and each "
        f"of these is UPDATE_FAILED because the rollback failed; {_API}API_ContinueUpdateRollback.html",
        risk=(
            Risk.DATA,
            f"{_names(skips)} keep the release's configuration until their drift is reverted; {_held(skips)}",
        ),
        expected=_BACK,
    )


def detect_drift(seen: StackSeen, doubted: UnprovedResource) -> Step:
    """Compare a resource in doubt with its template."""
    skipped = doubted.trace is Trace.SKIPPED
    because = "which the rollback skipped" if skipped else "whose rollback no event shows"
    return _step(
        Action.DETECT_DRIFT,
        seen,
        "DetectStackResourceDrift",
        {"StackName": doubted.stack_id, "LogicalResourceId": doubted.logical_id},
        why=f"find out whether {doubted.path}, {because}, matches the template",
        legal_because=f"{seen.status} is stable, comparing changes nothing; {_API}API_DetectStackResourceDrift.html",
        risk=(Risk.NONE, "none: it only reads"),
        expected=("IN_SYNC",),
    )


def revert_drift(seen: StackSeen, situation: Situation, drifted: Sequence[UnprovedResource]) -> Step:
    """Repair resources in doubt with a drift-aware change set."""
    differs = [f"{each.path}{_quoted(each.differences)}" for each in drifted]
    nested = any(each.stack_id != seen.target for each in drifted)
    return _step(
        Action.REVERT_DRIFT,
        seen,
        "CreateChangeSet",
        {
            "StackName": seen.target,
            "ChangeSetType": "UPDATE",
            "UsePreviousTemplate": True,
            "Parameters": [{"ParameterKey": key, "UsePreviousValue": True} for key in seen.parameter_keys or ()],
            "DeploymentMode": "REVERT_DRIFT",
            "IncludeNestedStacks": nested,
            "RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
        }
        | ({"Capabilities": list(seen.capabilities)} if seen.capabilities else {})
        | _role(seen, situation),
        why=f"revert the drift of {', '.join(differs)} with a drift-aware change set",
        legal_because=f"{seen.status} is a stable state, which a change set is made for; an ordinary one to the same "
        f"template would be empty; {_API}API_CreateChangeSet.html",
        risk=(
            Risk.DOWNTIME,
            "the change set is refused if it would delete or replace resources with data, or undo manual changes",
        ),
        expected=(StackStatus.UPDATE_COMPLETE, StackStatus.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS),
    )


def update_to_baseline(seen: StackSeen, situation: Situation, baseline: Baseline, template: TemplatePointer) -> Step:
    """Update the stack to its baseline, by change set."""
    return _step(
        Action.UPDATE_TO_BASELINE,
        seen,
        "CreateChangeSet",
        {
            "StackName": seen.target,
            "ChangeSetType": "UPDATE",
            "TemplateURL": template.url(*_region(seen.target)),
            "IncludeNestedStacks": True,
            "Parameters": [_shown(each) for each in baseline.update_parameters(seen.parameter_keys)],
            # An empty list removes what the release added.
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(baseline.tags.items())],
            "NotificationARNs": list(baseline.notification_arns),
            # Triggers are kept for later updates; one still in ALARM would roll the recovery back.
            "RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
        }
        | ({"Capabilities": list(baseline.capabilities)} if baseline.capabilities else {})
        | _role(seen, situation),
        why=f"update the stack back to {_goal(situation)}, with its earlier template and parameters",
        legal_because=f"{seen.status} is a stable state, which an update starts from; {_API}API_CreateChangeSet.html",
        risk=(Risk.DATA, _baseline_risk(seen, baseline)),
        expected=(StackStatus.UPDATE_COMPLETE, StackStatus.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS),
    )


def delete_change_set(seen: StackSeen, name: str) -> Step:
    """Delete a change set of a stack that was never created."""
    return _step(
        Action.DELETE_CHANGE_SET,
        seen,
        "DeleteChangeSet",
        {"StackName": seen.target, "ChangeSetName": name},
        why=f"delete the change set {name}, which was never executed",
        legal_because=f"a change set that is not being executed can be deleted; {_API}API_DeleteChangeSet.html",
        risk=(Risk.NONE, "none: it changed nothing"),
        expected=(StackStatus.REVIEW_IN_PROGRESS, *_GONE),
    )


def delete_stack(seen: StackSeen, situation: Situation) -> Step:
    """Delete a stack that should not exist."""
    shell = seen.status is StackStatus.REVIEW_IN_PROGRESS
    return _step(
        Action.DELETE_STACK,
        seen,
        "DeleteStack",
        {"StackName": seen.target} | _role(seen, situation),
        why="delete the empty stack" if shell else f"delete the stack, {_origin(seen)}",
        legal_because=f"{seen.status} is terminal, and a terminal stack can be deleted; {_API}API_DeleteStack.html",
        risk=_delete_risk(seen),
        expected=_GONE,
    )


def _step(
    action: Action,
    seen: StackSeen,
    operation: str,
    parameters: Mapping[str, Any],
    *,
    why: str,
    legal_because: str,
    risk: tuple[Risk, str],
    expected: tuple[str, ...],
) -> Step:
    return Step(
        action=action,
        kind=Kind.STACK,
        subject=seen.stack,
        subject_id=seen.target,
        call=("cloudformation", operation),
        parameters=parameters,
        why=why,
        legal_because=legal_because,
        risk=risk[0],
        risk_in_words=risk[1],
        expected=tuple(str(status) for status in expected),
        checked_afterwards=_AFTERWARDS[action],
    )


def _quoted(reason: str) -> str:
    return f": {reason.strip().rstrip('.')}" if reason.strip() else ""


def _names(skips: Sequence[StuckResource]) -> str:
    return ", ".join(skip.path for skip in skips)


def _held(skips: Sequence[StuckResource]) -> str:
    holding = [skip.path for skip in skips if skip.stateful]
    return f"{', '.join(holding)} hold data, which is not deleted" if holding else "none of them holds data"


def _role(seen: StackSeen, situation: Situation) -> dict[str, str]:
    """Return the registered role. A passed role is retained, so after a foreign operation the stack keeps its own."""
    keeps_its_own = not seen.ours and seen.role_arn is not None
    return {} if keeps_its_own or situation.role_arn is None else {"RoleARN": situation.role_arn}


def _region(stack_id: str) -> tuple[str, str]:
    """The region and the domain suffix of ``arn:aws:cloudformation:eu-west-1:111122223333:stack/...``."""
    _, partition, _, region, *_ = stack_id.split(":")
    return region, "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"


def _goal(situation: Situation) -> str:
    return f"version {situation.goal}" if situation.goal else "its earlier state"


def _shown(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values for a plan, which is a document: likely secrets are masked, and supplied when the step is
    performed.
    """
    if "ParameterValue" not in parameter:
        return parameter
    return {**parameter, "ParameterValue": masked_parameter(parameter["ParameterKey"], parameter["ParameterValue"], ())}


def _baseline_risk(seen: StackSeen, baseline: Baseline) -> str:
    kept = "".join(f"; it does not bring back {each.in_words()}" for each in seen.kept)
    read = f"; {', '.join(sorted(baseline.resolved))} are read again from Parameter Store" if baseline.resolved else ""
    return f"a person is asked first if it would delete or replace what holds data{kept}{read}"


def _origin(seen: StackSeen) -> str:
    if seen.created_by_release:
        return "which this release created"
    return "whose deletion failed" if seen.status is StackStatus.DELETE_FAILED else "whose creation failed"


def _delete_risk(seen: StackSeen) -> tuple[Risk, str]:
    if seen.stateful:
        return Risk.DATA, f"the data in {', '.join(seen.stateful)} goes with it, unless a deletion policy keeps it"
    return Risk.DOWNTIME, "what the stack serves ends; it holds no data"

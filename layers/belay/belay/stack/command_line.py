"""AWS CLI commands about a stack, for people to paste into a shell."""

import shlex
from collections.abc import Sequence

from belay.stack.cause import Cause
from belay.stack.validation import failed_validation

FAILED = (
    "StackEvents[?contains(ResourceStatus, 'FAILED') || contains(ResourceStatus, 'ROLLBACK_IN_PROGRESS')]."
    "[Timestamp,LogicalResourceId,ResourceStatus,ResourceStatusReason]"
)
"""What failed, the stack itself included: its reason is on the event that begins its rollback."""

INVALID = "OperationEvents[].[Timestamp,LogicalResourceId,ValidationPath,ValidationStatusReason]"


def failed_events_command(stack_id: str) -> str:
    """List what failed in a stack, with the reasons, newest first."""
    return f'{_about(stack_id, "describe-stack-events")} --query "{FAILED}" --output text'


def status_command(stack_id: str) -> str:
    """Show a stack's status."""
    return f'{_about(stack_id, "describe-stacks")} --query "Stacks[0].[StackStatus,StackStatusReason]" --output text'


def look_command(cause: Cause) -> str:
    """Show a first cause in the CloudFormation call that has it."""
    if not failed_validation(cause.reason):
        return failed_events_command(cause.stack_id)
    about = _about(cause.stack_id, "describe-events")
    return f'{about} --filters FailedEvents=true --query "{INVALID}" --output text'


def continue_command(stack_id: str) -> str:
    """Continue a stuck rollback without skipping anything."""
    return _about(stack_id, "continue-update-rollback")


def rollback_command(stack_id: str) -> str:
    """Roll back a stack, failed with rollback disabled, to its last stable state."""
    return _about(stack_id, "rollback-stack")


def cancel_command(stack_id: str) -> str:
    """Cancel an update that is still running."""
    return _about(stack_id, "cancel-update-stack")


def continue_skipping_command(stack_id: str, resources: Sequence[str]) -> str:
    """Continue a stuck rollback without these resources; nested ones are ``NestedStackName.LogicalId``."""
    return f"{continue_command(stack_id)} --resources-to-skip {_words(resources)}"


def detect_drift_command(stack_id: str, logical_id: str) -> str:
    """Compare one resource of a stack with its template."""
    return f"{_about(stack_id, 'detect-stack-resource-drift')} --logical-resource-id {shlex.quote(logical_id)}"


def delete_retaining_command(stack_id: str, resources: Sequence[str]) -> str:
    """Delete a stack whose deletion failed, leaving these resources behind."""
    return f"{_about(stack_id, 'delete-stack')} --retain-resources {_words(resources)}"


def delete_command(stack_id: str) -> str:
    """Delete a stack with everything in it."""
    return _about(stack_id, "delete-stack")


def group_rules_command(group_id: str) -> str:
    """List the rules of a security group."""
    return f"aws ec2 describe-security-group-rules --filters Name=group-id,Values={shlex.quote(group_id)}"


def _about(stack_id: str, operation: str) -> str:
    """Return the beginning of a command, with the region if the stack's id is an ARN."""
    arn = stack_id.startswith("arn:") and stack_id.count(":") > 3  # noqa: PLR2004 - arn:partition:service:region:...
    region = f" --region {shlex.quote(stack_id.split(':')[3])}" if arn else ""
    return f"aws cloudformation {operation} --stack-name {shlex.quote(stack_id)}{region}"


def _words(resources: Sequence[str]) -> str:
    return " ".join(shlex.quote(each) for each in resources)

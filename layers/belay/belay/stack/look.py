"""The AWS CLI commands with which a person looks closer at a stack."""

import shlex


def failed_events_command(stack_id: str) -> str:
    """Return the command that lists what failed in a stack, with the reasons, newest first.

    It can be pasted into a shell as it is; the region is taken from the stack's id where that is an ARN.
    """
    parts = stack_id.split(":")
    region = f" --region {shlex.quote(parts[3])}" if len(parts) > 3 and parts[0] == "arn" else ""  # noqa: PLR2004
    query = "StackEvents[?contains(ResourceStatus, 'FAILED')].[Timestamp,LogicalResourceId,ResourceStatus,ResourceStatusReason]"
    return (
        f"aws cloudformation describe-stack-events --stack-name {shlex.quote(stack_id)}{region}"
        f" --query {shlex.quote(query)} --output text"
    )

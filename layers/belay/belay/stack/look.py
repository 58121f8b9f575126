"""The AWS CLI command with which a person looks closer at a stack."""

import shlex

_FAILED = "\"StackEvents[?contains(ResourceStatus, 'FAILED')].[Timestamp,LogicalResourceId,ResourceStatusReason]\""


def failed_events_command(stack_id: str) -> str:
    """Return the command that lists what failed in a stack, with the reasons, newest first.

    It can be pasted into a shell as it is; the region is taken from the stack's id where that is an ARN.
    """
    arn = stack_id.startswith("arn:") and stack_id.count(":") > 3  # noqa: PLR2004 - arn:partition:service:region:...
    region = f" --region {shlex.quote(stack_id.split(':')[3])}" if arn else ""
    stack = shlex.quote(stack_id)
    return f"aws cloudformation describe-stack-events --stack-name {stack}{region} --query {_FAILED} --output text"

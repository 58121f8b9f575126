"""What the examples' policies allow a role, by the engine's evaluator of IAM policies."""

from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document


def decided(
    documents: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    *,
    region: str,
    context: Mapping[str, Any],
    account: str,
) -> str:
    """``Allow``, ``Deny`` or ``ImplicitDeny``; ``context`` has the condition keys of the service."""
    asked = EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/r",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context={name.lower(): value for name, value in context.items()},
    )
    return str(evaluate(asked, [parse_policy_document(each) for each in documents]).decision)

"""Gap: variables in policies are treated as text, and ``aws:PrincipalArn`` is the ARN of a role's session.

On AWS ``${aws:PrincipalAccount}`` in a resource or a condition is the request's value, and a variable that the request
does not have matches nothing (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html);
``aws:PrincipalArn`` is the ARN of the session's role, with its path
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html). It can be removed once
ministack does the same.
"""

import re
from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, ParsedStatement
from ministack.services import iam

VARIABLE = re.compile(r"\$\{([a-zA-Z0-9-]+:[^}]+)\}")


def install() -> None:
    """Substitute the request's values into every statement before it is matched with the request."""
    resolve, first_match, conditions_met = (
        iam_evaluator._resolve_condition_key,
        iam_evaluator._first_match,
        iam_evaluator._conditions_met,
    )

    def resolve_role(key: str, context: EvalContext) -> Any:
        if key.lower() == "aws:principalarn" and context.principal_type == "AssumedRole":
            return _role_of(context.principal_arn) or context.principal_arn
        return resolve(key, context)

    def first_match_with_values(
        context: EvalContext, statements: list[ParsedStatement], effect: str
    ) -> ParsedStatement | None:
        written = (_with_values(each, context) for each in statements)
        return first_match(context, [each for each in written if each], effect)

    def conditions_met_with_values(conditions: dict[str, Any], context: EvalContext) -> bool:
        values = _replaced(conditions, context)
        return values is not None and conditions_met(values, context)

    iam_evaluator._resolve_condition_key = resolve_role
    iam_evaluator._first_match = first_match_with_values
    iam_evaluator._conditions_met = conditions_met_with_values


def _role_of(session: str) -> str | None:
    _, _, _, _, account, resource = session.split(":", 5)
    role = iam._roles.get_scoped(account, None, resource.split("/")[1])
    return str(role["Arn"]) if role else None


def _with_values(statement: ParsedStatement, context: EvalContext) -> ParsedStatement | None:
    resources, others = _replaced(statement.resources, context), _replaced(statement.not_resources, context)
    return (
        None if resources is None or others is None else replace(statement, resources=resources, not_resources=others)
    )


def _replaced(value: Any, context: EvalContext) -> Any:
    """The value with its variables replaced by the request's; None if the request lacks one of them."""
    if isinstance(value, str):
        found = {name: iam_evaluator._resolve_condition_key(name, context) for name in VARIABLE.findall(value)}
        if None in found.values():
            return None
        return VARIABLE.sub(lambda match: str(found[match[1]]), value)
    if isinstance(value, list):
        items = [_replaced(each, context) for each in value]
        return None if None in items else items
    if isinstance(value, dict):
        members = {key: _replaced(each, context) for key, each in value.items()}
        return None if None in members.values() else members
    return value

"""Gap: SimulatePrincipalPolicy ignores the condition keys it is given and finds no role that has a path.

Here a statement's conditions are checked against ``ContextEntries``, a role is found by the name at the end of its ARN,
and one that does not exist is NoSuchEntity
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html). It can be removed once ministack
does the same.
"""

from typing import Any

from ministack.core.iam_evaluator import EvalContext, _gather_role_policies, evaluate
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny"}


def install() -> None:
    """Simulate the policies of roles; anything else is unchanged."""
    simulate = iam._simulate_principal_policy

    def simulate_roles(parameters: dict[str, Any]) -> Any:
        arn = iam._p(parameters, "PolicySourceArn")
        return _simulate(arn, parameters) if ":role/" in arn else simulate(parameters)

    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate_roles


def _simulate(role: str, parameters: dict[str, Any]) -> Any:
    name = role.rpartition("/")[2]
    if name not in iam._roles:
        return iam._error(404, "NoSuchEntity", f"The role with name {name} cannot be found.")
    actions, resource = iam._extract_simulate_params(parameters)
    policies = _gather_role_policies(name, get_account_id())
    results = "".join(
        f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
        f"<EvalDecision>{_decision(role, action, resource, policies, _context(parameters))}</EvalDecision></member>"
        for action in actions
    )
    return iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        "<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
        f"<EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def _decision(role: str, action: str, resource: str, policies: list[Any], context: dict[str, str]) -> str:
    asked = EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context=context,
    )
    return DECISIONS.get(evaluate(asked, policies).decision, "implicitDeny")


def _context(parameters: dict[str, Any]) -> dict[str, str]:
    context, number = {}, 1
    while key := iam._p(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        value = iam._p(parameters, f"ContextEntries.member.{number}.ContextKeyValues.member.1")
        context[key.lower()] = value
        number += 1
    return context

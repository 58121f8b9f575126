"""IAM: simulates what a role may do, and reads its trust policy, and managed policies."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated

_NO_ROLE = ("NoSuchEntity",)


class Roles(Gateway):
    """The roles of the account, and its managed policies."""

    def refused(
        self, role: str, actions: Sequence[str], resource: str = "*", context: Mapping[str, str] | None = None
    ) -> list[str] | None:
        """Return the actions that a role may not do to a resource, or None if the role does not exist.

        The simulation includes the role's policies, its permissions boundary and its organization's policies, but not
        the resource's (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).
        ``context`` maps condition keys to strings; ``true`` and ``false`` are booleans.
        """
        entries = [
            {
                "ContextKeyName": key,
                "ContextKeyType": "boolean" if value in ("true", "false") else "string",
                "ContextKeyValues": [value],
            }
            for key, value in (context or {}).items()
        ]
        with translated("IAM.SimulatePrincipalPolicy", ignoring=_NO_ROLE):
            pages = self._client.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=role, ActionNames=list(actions), ResourceArns=[resource], ContextEntries=entries
            )
            results = [result for page in pages for result in page["EvaluationResults"]]
            return [result["EvalActionName"] for result in results if result["EvalDecision"] != "allowed"]
        return None

    def trust(self, role: str) -> Mapping[str, Any] | None:
        """Return a role's trust policy, by the role's ARN; None if the role does not exist."""
        with translated("IAM.GetRole", ignoring=_NO_ROLE):
            found = self._client.get_role(RoleName=role.rpartition("/")[2])["Role"]
            return _document(found["AssumeRolePolicyDocument"])
        return None

    def arn(self, name: str) -> str:
        """Return a role's ARN."""
        with translated("IAM.GetRole"):
            return str(self._client.get_role(RoleName=name)["Role"]["Arn"])

    def managed_policy(self, arn: str) -> Mapping[str, Any]:
        """Return a managed policy's document, in its default version."""
        with translated("IAM.GetPolicyVersion"):
            version = self._client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            answer = self._client.get_policy_version(PolicyArn=arn, VersionId=version)
        return _document(answer["PolicyVersion"]["Document"])


def _document(found: Any) -> dict[str, Any]:
    return dict(json.loads(found) if isinstance(found, str) else found)

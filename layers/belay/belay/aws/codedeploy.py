"""CodeDeploy: deployments and their targets."""

from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated

_TARGETS_A_CALL = 25
"""https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_BatchGetDeploymentTargets.html"""


class Deployments(Gateway):
    """Deployments by their id, ``d-ABCDEF123``."""

    def get_deployment(self, deployment: str) -> dict[str, Any]:
        """Return GetDeployment's ``deploymentInfo``."""
        with translated("CodeDeploy.GetDeployment"):
            return dict(self._client.get_deployment(deploymentId=deployment)["deploymentInfo"])

    def failed_targets(self, deployment: str) -> tuple[dict[str, Any], ...]:
        """Return the first failed targets of a deployment, as BatchGetDeploymentTargets describes them."""
        with translated("CodeDeploy.ListDeploymentTargets"):
            found = self._client.list_deployment_targets(
                deploymentId=deployment, targetFilters={"TargetStatus": ["Failed"]}
            )
        targets = found.get("targetIds", [])[:_TARGETS_A_CALL]
        if not targets:
            return ()
        with translated("CodeDeploy.BatchGetDeploymentTargets"):
            answer = self._client.batch_get_deployment_targets(deploymentId=deployment, targetIds=targets)
        return tuple(answer.get("deploymentTargets", []))

"""Secrets Manager: which version of a secret is current, never its value."""

from belay.aws.clients import Gateway
from belay.aws.faults import translated


class Secrets(Gateway):
    """The secrets of an account and a region."""

    def version(self, secret: str, stage: str) -> str | None:
        """Return the id of the version with a staging label, or None if the secret or label does not exist."""
        with translated("SecretsManager.DescribeSecret", ignoring=("ResourceNotFoundException",)):
            stages = self._client.describe_secret(SecretId=secret).get("VersionIdsToStages") or {}
            return next((version for version, labels in sorted(stages.items()) if stage in labels), None)
        return None

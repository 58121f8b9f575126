"""CodeBuild: builds."""

from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated


class Builds(Gateway):
    """Builds by their id, ``orders:8745a7a9-c340-456a-9166-edf953571bee``."""

    def get_build(self, build: str) -> dict[str, Any] | None:
        """Return one of BatchGetBuilds' ``builds``, or None if it does not exist."""
        with translated("CodeBuild.BatchGetBuilds"):
            found = self._client.batch_get_builds(ids=[build])["builds"]
        return dict(found[0]) if found else None

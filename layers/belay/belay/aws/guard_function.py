"""AWS Lambda: the function of the optional pack that runs cfn-guard rules."""

import json
from collections.abc import Mapping
from typing import Any

from belay.aws.faults import translated
from belay.errors import AwsFault
from belay.policy.guard import GuardResult


class GuardFunction:
    """The pack's function as the operator deployed it."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self.arn = arn

    def check(self, bucket: str, templates: Mapping[str, str]) -> list[GuardResult]:
        """Check templates by their keys in a bucket. Raises ``AwsFault`` if the function fails."""
        event = json.dumps({"bucket": bucket, "templates": dict(templates)}).encode()
        with translated("Lambda.Invoke"):
            answer = self._client.invoke(FunctionName=self.arn, Payload=event)
            payload = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise AwsFault("Lambda.Invoke", str(payload.get("errorType")), str(payload.get("errorMessage")))
        return [GuardResult(**each) for each in payload["answers"]]

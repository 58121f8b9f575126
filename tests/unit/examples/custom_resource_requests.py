"""CloudFormation's requests to a custom resource, and the responses."""

from pathlib import Path
from typing import Any

FOLDER = Path("examples/custom_resources")
STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/11111111-2222-3333-4444-555555555555"
REGION = "eu-central-1"


class Answers(list[dict[str, Any]]):
    """What was sent to CloudFormation's bucket, and how often it first refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.refusals = 0
        self.content_types: list[str | None] = []


def request(answers: Answers, kind: str, physical_id: str | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "ResponseURL": answers.url,
        "StackId": STACK,
        "RequestId": "request-1",
        "LogicalResourceId": "Replica",
        "ResourceType": "Custom::Something",
        "ResourceProperties": {"ServiceToken": "arn:aws:lambda:...", **properties},
        **({"PhysicalResourceId": physical_id} if physical_id else {}),
    }

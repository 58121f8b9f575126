"""AWS Lambda: the function that checks templates with cloudformation-validate."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from belay.aws.faults import translated
from belay.documents import parsed_object, read
from belay.errors import AwsFault
from belay.policy.template_checks import TemplateAnswer


@dataclass(frozen=True)
class StoredTemplate:
    """A template of a release: its path there, its key in the bucket, its SHA-256, and the parameters' known values."""

    path: str
    key: str
    sha256: str
    parameters: Mapping[str, str]


class TemplateValidator:
    """The function; it reads the templates and the operator's rules from a bucket itself."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def check(self, bucket: str, templates: Sequence[StoredTemplate], rules: Mapping[str, str]) -> list[TemplateAnswer]:
        """Check templates; ``rules`` are the keys of the operator's cfn-guard rules with their SHA-256.

        Raises ``AwsFault`` if the function fails.
        """
        event = {"bucket": bucket, "templates": [asdict(each) for each in templates], "rules": dict(rules)}
        with translated("Lambda.Invoke"):
            answer = self._client.invoke(FunctionName=self._arn, Payload=json.dumps(event).encode())
            payload = parsed_object(answer["Payload"].read(), "the answer of the template checks")
        if answer.get("FunctionError"):
            raise AwsFault("Lambda.Invoke", str(payload.get("errorType")), str(payload.get("errorMessage")))
        return [read(TemplateAnswer, each, "a template's check") for each in payload["answers"]]

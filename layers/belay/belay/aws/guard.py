"""The optional pack that runs an operator's cfn-guard rules: a function of its own, invoked only when switched on."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from belay.aws.faults import translated
from belay.aws.s3 import ArtifactBucket
from belay.errors import AwsFault
from belay.policy.guard import Answer, guard_report, plain
from belay.policy.settings import Settings as PolicySettings
from belay.policy.verdict import Report
from belay.release.ledger import ReleaseReference
from belay.template.loader import load

OFF = "off"


class GuardPack:
    """The pack's function; ``function_arn`` is ``off`` where an operator has not deployed it."""

    def __init__(self, client: Any, function_arn: str, artifacts: ArtifactBucket) -> None:
        self._client = client
        self._function_arn = function_arn
        self._artifacts = artifacts

    def check(
        self,
        release: ReleaseReference,
        stage: str,
        files: Mapping[str, bytes],
        templates: Iterable[str],
        *,
        settings: PolicySettings,
        today: date,
    ) -> Report:
        """Hold templates of a release against the rules; an empty report where the pack is off.

        Raises ``InvalidRegistration`` where the rules cannot be read, ``AwsFault`` where the function fails.
        """
        if self._function_arn == OFF:
            return Report()
        documents = {path: load(files[path], path) for path in templates}
        keys = {path: release.stage_key(stage, f"guard/{path}.json") for path in documents}
        for path, document in documents.items():
            self._artifacts.put_json(keys[path], plain(document.root))
        return guard_report(self._invoke(keys), documents, settings, today)

    def _invoke(self, keys: Mapping[str, str]) -> list[Answer]:
        event = json.dumps({"bucket": self._artifacts.name, "templates": dict(keys)}).encode()
        with translated("Lambda.Invoke"):
            answer = self._client.invoke(FunctionName=self._function_arn, Payload=event)
            payload = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise AwsFault("Lambda.Invoke", str(payload.get("errorType")), str(payload.get("errorMessage")))
        return [Answer(**each) for each in payload["answers"]]

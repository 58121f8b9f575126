"""The optional pack that runs an operator's cfn-guard rules: a function of its own, invoked only when switched on."""

from collections.abc import Iterable, Mapping
from datetime import date

from belay.aws.guard_function import GuardFunction
from belay.aws.s3 import ArtifactBucket
from belay.policy.guard import guard_report, plain
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.release.records import ReleaseReference
from belay.template.loader import load

OFF = "off"


class GuardPack:
    """The pack's function; its ARN is ``off`` where an operator has not deployed it."""

    def __init__(self, function: GuardFunction, artifacts: ArtifactBucket) -> None:
        self._function = function
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
        """Check templates of a release against the rules; an empty report if the pack is off.

        Raises ``InvalidRegistration`` if the rules cannot be read, ``AwsFault`` if the function fails.
        """
        if self._function.arn == OFF:
            return Report()
        documents = {path: load(files[path], path) for path in templates}
        keys = {path: release.stage_key(stage, f"guard/{path}.json") for path in documents}
        for path, document in documents.items():
            self._artifacts.put_json(keys[path], plain(document.root))
        return guard_report(self._function.check(self._artifacts.name, keys), documents, settings, today)

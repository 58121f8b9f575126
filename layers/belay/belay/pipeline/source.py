"""The source action of a pipeline that gets a release's zip, and how its version is pinned."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from belay.errors import InvalidRegistration
from belay.release.place import COPIES
from belay.release.registration import Pipeline


@dataclass(frozen=True)
class SourceRevision:
    """One source revision override "
    "(https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_SourceRevisionOverride.html)."""

    action: str
    type: str
    value: str

    def to_api(self) -> dict[str, str]:
        """Return one of StartPipelineExecution's ``sourceRevisions``."""
        return {"actionName": self.action, "revisionType": self.type, "revisionValue": self.value}


def pinned(
    structure: Mapping[str, Any], registered: Pipeline, bucket: str, key: str, version_id: str
) -> tuple[SourceRevision, ...]:
    """Return source revisions that make the pipeline's source action use one version of an uploaded zip.

    ``structure`` is GetPipeline's ``pipeline``. The version is enough if the action watches this key; another key needs
    the action's ``AllowOverrideForS3ObjectKey``
    (https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-trigger-source-overrides.html). Raises
    InvalidRegistration if no source action of the pipeline can use the zip.
    """
    action = _source_action(structure, registered)
    name, configuration = action["name"], action.get("configuration", {})
    if configuration.get("S3Bucket") != bucket:
        raise _wrong(
            registered,
            f"its source action {name} must watch the bucket {bucket}, found {configuration.get('S3Bucket')}",
        )
    version = SourceRevision(name, "S3_OBJECT_VERSION_ID", version_id)
    if configuration.get("S3ObjectKey") == key:
        return (version,)
    if str(configuration.get("AllowOverrideForS3ObjectKey")).lower() != "true":
        raise _wrong(
            registered,
            f"its source action {name} watches {configuration.get('S3ObjectKey')}; set its AllowOverrideForS3ObjectKey"
            + ("" if key.startswith(COPIES) else f", or upload releases with that key instead of {key}"),
        )
    return SourceRevision(name, "S3_OBJECT_KEY", key), version


def refuse_invoke_actions(structure: Mapping[str, Any], registered: Pipeline) -> None:
    """Raise InvalidRegistration if a pipeline elsewhere invokes Belay's functions, which do not exist there.

    CodePipeline invokes functions of the pipeline's own account, and accepts a job's result only from that account
    (https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html).
    """
    ours = [
        f"{stage['name']}/{action['name']}"
        for stage in structure["stages"]
        for action in stage["actions"]
        if (action["actionTypeId"]["category"], action["actionTypeId"]["provider"]) == ("Invoke", "Lambda")
        if _OURS.search(str(action.get("configuration", {}).get("FunctionName")))
    ]
    if ours:
        raise _wrong(
            registered,
            f"its actions {', '.join(ours)} invoke functions of Belay's, which a pipeline in another account or region "
            "cannot: remove them. Belay takes snapshots when the pre_deployment_stage begins, and rolls a failed "
            "deployment stage back and reports it automatically; `belay validate` in a build checks templates "
            "(docs/accounts.md)",
        )


_OURS: Final = re.compile(r"(ValidateTemplate|ValidateStack|SnapshotDatabases|Rollback|Notify)ActionFunction")
"""The logical ids of the functions for Invoke actions (``template.yaml``), which are part of their names."""


def _source_action(structure: Mapping[str, Any], registered: Pipeline) -> Mapping[str, Any]:
    sources = [
        action
        for stage in structure["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["category"] == "Source" and action["actionTypeId"]["provider"] == "S3"
    ]
    named = [each for each in sources if registered.source_action in (None, each["name"])]
    if len(named) == 1:
        return dict(named[0])
    found = ", ".join(each["name"] for each in sources) or "none"
    wanted = registered.source_action or "exactly one, or source_action in the registration"
    raise _wrong(registered, f"expected the S3 source action {wanted}; found {found}")


def _wrong(registered: Pipeline, problem: str) -> InvalidRegistration:
    return InvalidRegistration([f"the pipeline {registered.name}: {problem}"])

"""The outcome of a release that a pipeline deploys, and when CodePipeline's own stage rollback is possible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belay.pipeline.execution import PipelineExecution, PipelineStatus
from belay.release.records import Outcome
from belay.release.registration import Pipeline


@dataclass(frozen=True)
class RollbackCandidate:
    """An earlier execution that succeeded in the stage; ``version`` is that of its pipeline structure."""

    execution: str
    version: int | None
    rollback: bool


def outcome_of(seen: PipelineExecution, registered: Pipeline, *, rolling_back: bool) -> Outcome | None:
    """Return the release's outcome; None while the execution runs, and if a failure has to be rolled back.

    A successful stage rollback is ROLLED_BACK. STOPPED, SUPERSEDED and CANCELLED executions are ABORTED, and so is one
    whose approval was rejected or expired, unless its deployment had begun.
    """
    match seen.status:
        case PipelineStatus.SUCCEEDED:
            return Outcome.ROLLED_BACK if rolling_back else Outcome.DEPLOYED
        case PipelineStatus.STOPPED | PipelineStatus.SUPERSEDED | PipelineStatus.CANCELLED:
            # A deployment stopped halfway has to be rolled back.
            return None if seen.entered(registered.deployment_stage) else Outcome.ABORTED
        case PipelineStatus.FAILED:
            failed = seen.first_failure
            decided = failed is not None and failed.is_approval
            return Outcome.ABORTED if decided and not seen.entered(registered.deployment_stage) else None
    return None


def rollback_target(
    structure: Mapping[str, Any], stage: str, failed: PipelineExecution, candidates: Sequence[RollbackCandidate]
) -> str | None:
    """Return the newest execution that CodePipeline can roll back a stage to, or None if there is none.

    "You cannot roll back a source stage. The pipeline can only roll back to a previous execution if the previous
    execution was started in the current pipeline structure version. You cannot roll back to a target execution ID that
    is a rollback execution type." (https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html).
    ``candidates`` come newest first.
    """
    actions = [action for each in structure["stages"] if each["name"] == stage for action in each["actions"]]
    if any(each["actionTypeId"]["category"] == "Source" for each in actions):
        return None
    legal = (
        each.execution
        for each in candidates
        if each.execution != failed.id and not each.rollback and each.version == structure["version"]
    )
    return next(legal, None)

"""The pipeline and execution that an event is about. The state in the event is not used: it is looked up instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidEvent
from belay.events.codebuild import BuildStateChange
from belay.events.codedeploy import DeploymentStateChange
from belay.events.codepipeline import (
    ActionExecutionStateChange,
    PipelineExecutionStateChange,
    StageExecutionStateChange,
)
from belay.events.envelope import read

_INITIATOR = "codepipeline/"


@dataclass(frozen=True)
class Hint:
    """What to look up: one execution, the unfinished ones of a pipeline, or all unfinished ones.

    ``missed`` includes executions whose events may have been lost.
    """

    pipeline: str | None = None
    execution: str | None = None
    missed: bool = False


def hint_of(event: Mapping[str, Any]) -> Hint | None:
    """Read an event of CodePipeline, CodeBuild or CodeDeploy; None if it is not about a pipeline.

    A build names the pipeline that started it, a deployment does not; the schedule's ``{"missed": true}`` is about
    everything. Raises ``InvalidEvent`` with the path.
    """
    if event.get("missed") is True:
        return Hint(missed=True)
    match read(event, "detail-type", kind=str):
        case "CodePipeline Pipeline Execution State Change":
            whole = PipelineExecutionStateChange.from_event(event)
            return Hint(whole.pipeline, whole.execution_id)
        case "CodePipeline Stage Execution State Change":
            stage = StageExecutionStateChange.from_event(event)
            return Hint(stage.pipeline, stage.execution_id)
        case "CodePipeline Action Execution State Change":
            action = ActionExecutionStateChange.from_event(event)
            return Hint(action.pipeline, action.execution_id)
        case "CodeBuild Build State Change":
            initiator = BuildStateChange.from_event(event).initiator or ""
            return Hint(initiator.removeprefix(_INITIATOR)) if initiator.startswith(_INITIATOR) else None
        case "CodeDeploy Deployment State-change Notification":
            DeploymentStateChange.from_event(event)
            return Hint()
        case other:
            raise InvalidEvent(f"detail-type: expected one of CodePipeline, CodeBuild or CodeDeploy, found {other!r}")

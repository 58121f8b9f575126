"""The pipeline and execution that an event is about. The state in the event is not used: it is looked up instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidEvent
from belay.events.codebuild import BuildStateChange
from belay.events.codedeploy import DeploymentStateChange
from belay.events.codepipeline import PipelineStateChange
from belay.events.envelope import AwsEvent, read

_INITIATOR = "codepipeline/"


@dataclass(frozen=True)
class Hint:
    """What to look up: one execution, the unfinished ones of a pipeline, or all unfinished ones.

    ``account`` and ``region`` are the event's own; ``missed``, which covers every place, includes executions whose
    events may have been lost.
    """

    account: str | None = None
    region: str | None = None
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
        case detail_type if detail_type in PipelineStateChange.DETAIL_TYPES:
            change = PipelineStateChange.from_event(event)
            return _about(change, change.pipeline, change.execution_id)
        case "CodeBuild Build State Change":
            build = BuildStateChange.from_event(event)
            by_pipeline = build.initiator is not None and build.initiator.startswith(_INITIATOR)
            return _about(build, str(build.initiator).removeprefix(_INITIATOR)) if by_pipeline else None
        case "CodeDeploy Deployment State-change Notification":
            return _about(DeploymentStateChange.from_event(event))
        case other:
            raise InvalidEvent(f"detail-type: expected one of CodePipeline, CodeBuild or CodeDeploy, found {other!r}")


def _about(event: AwsEvent, pipeline: str | None = None, execution: str | None = None) -> Hint:
    return Hint(event.account, event.region, pipeline, execution)

"""Events that AWS CodePipeline sends through EventBridge: about pipelines, stages and actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.events.envelope import AwsEvent, read, read_optional, read_outer


@dataclass(frozen=True, kw_only=True)
class PipelineExecutionStateChange(AwsEvent):
    """An execution of a pipeline changed its state.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html; samples
    ``events/aws.codepipeline/pipeline_execution_state_change.*.json``.

    ``state`` is STARTED, SUCCEEDED, RESUMED, FAILED, STOPPING, STOPPED, CANCELED or SUPERSEDED. ``failed_stage`` is set
    for failures only.
    """

    pipeline: str
    execution_id: str
    state: str
    failed_stage: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "PipelineExecutionStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.codepipeline", "CodePipeline Pipeline Execution State Change"),
            pipeline=read(event, "detail", "pipeline", kind=str),
            execution_id=read(event, "detail", "execution-id", kind=str),
            state=read(event, "detail", "state", kind=str),
            failed_stage=read_optional(event, "additionalAttributes", "failedStage", kind=str),
        )


@dataclass(frozen=True, kw_only=True)
class StageExecutionStateChange(AwsEvent):
    """A stage of a pipeline changed its state.

    Same page as ``PipelineExecutionStateChange``; samples
    ``events/aws.codepipeline/stage_execution_state_change.*.json``.
    """

    pipeline: str
    execution_id: str
    stage: str
    state: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "StageExecutionStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.codepipeline", "CodePipeline Stage Execution State Change"),
            pipeline=read(event, "detail", "pipeline", kind=str),
            execution_id=read(event, "detail", "execution-id", kind=str),
            stage=read(event, "detail", "stage", kind=str),
            state=read(event, "detail", "state", kind=str),
        )


@dataclass(frozen=True, kw_only=True)
class ActionExecutionStateChange(AwsEvent):
    """An action of a pipeline changed its state.

    Same page as ``PipelineExecutionStateChange``; samples
    ``events/aws.codepipeline/action_execution_state_change.*.json``.

    ``external_execution_id`` is the id of the build, deployment or stack at the action's provider; ``summary`` and
    ``error_code`` come from the provider.
    """

    pipeline: str
    execution_id: str
    stage: str
    action: str
    state: str
    category: str
    provider: str
    external_execution_id: str | None
    summary: str | None
    error_code: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "ActionExecutionStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        result = ("detail", "execution-result")
        return cls(
            **read_outer(event, "aws.codepipeline", "CodePipeline Action Execution State Change"),
            pipeline=read(event, "detail", "pipeline", kind=str),
            execution_id=read(event, "detail", "execution-id", kind=str),
            stage=read(event, "detail", "stage", kind=str),
            action=read(event, "detail", "action", kind=str),
            state=read(event, "detail", "state", kind=str),
            category=read(event, "detail", "type", "category", kind=str),
            provider=read(event, "detail", "type", "provider", kind=str),
            external_execution_id=read_optional(event, *result, "external-execution-id", kind=str),
            summary=read_optional(event, *result, "external-execution-summary", kind=str),
            error_code=read_optional(event, *result, "error-code", kind=str),
        )

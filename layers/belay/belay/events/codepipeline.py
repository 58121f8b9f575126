"""Events that AWS CodePipeline sends through EventBridge: about pipelines, stages and actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.events.envelope import AwsEvent, read, read_outer


@dataclass(frozen=True, kw_only=True)
class PipelineStateChange(AwsEvent):
    """The state of a pipeline's execution, or of one of its stages or actions, changed, and must be looked up.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html; samples
    ``events/aws.codepipeline/*.json``.
    """

    DETAIL_TYPES = tuple(f"CodePipeline {what} Execution State Change" for what in ("Pipeline", "Stage", "Action"))

    pipeline: str
    execution_id: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "PipelineStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.codepipeline", *cls.DETAIL_TYPES),
            pipeline=read(event, "detail", "pipeline", kind=str),
            execution_id=read(event, "detail", "execution-id", kind=str),
        )

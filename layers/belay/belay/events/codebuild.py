"""Events that AWS CodeBuild sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.events.envelope import AwsEvent, read, read_optional, read_outer


@dataclass(frozen=True, kw_only=True)
class BuildStateChange(AwsEvent):
    """A build changed its state.

    https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html; samples
    ``events/aws.codebuild/build_state_change.*.json``.

    ``status`` is IN_PROGRESS, SUCCEEDED, FAILED or STOPPED; ``initiator`` is ``codepipeline/orders-pipeline`` if that
    pipeline started the build.
    """

    project: str
    build_id: str
    status: str
    initiator: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "BuildStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.codebuild", "CodeBuild Build State Change"),
            project=read(event, "detail", "project-name", kind=str),
            build_id=read(event, "detail", "build-id", kind=str),
            status=read(event, "detail", "build-status", kind=str),
            initiator=read_optional(event, "detail", "additional-information", "initiator", kind=str),
        )

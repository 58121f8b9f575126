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
    pipeline started the build; ``failed_phase`` and ``failed_context`` say where and why it failed, ``logs`` is the URL
    of its log.
    """

    project: str
    build_id: str
    status: str
    failed_phase: str | None
    failed_context: str | None
    logs: str | None
    initiator: str | None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "BuildStateChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        failed = _failed_phase(event)
        return cls(
            **read_outer(event, "aws.codebuild", "CodeBuild Build State Change"),
            project=read(event, "detail", "project-name", kind=str),
            build_id=read(event, "detail", "build-id", kind=str),
            status=read(event, "detail", "build-status", kind=str),
            failed_phase=read(failed, "phase-type", kind=str) if failed else None,
            failed_context=_context(failed) if failed else None,
            logs=read_optional(event, "detail", "additional-information", "logs", "deep-link", kind=str),
            initiator=read_optional(event, "detail", "additional-information", "initiator", kind=str),
        )


def _failed_phase(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first phase that failed; the last one, COMPLETED, and those not reached have no status."""
    phases = read_optional(event, "detail", "additional-information", "phases", kind=list) or []
    ended = (phase for phase in phases if isinstance(phase, Mapping))
    return next((phase for phase in ended if phase.get("phase-status") in ("FAILED", "FAULT", "TIMED_OUT")), None)


def _context(phase: Mapping[str, Any]) -> str | None:
    said = (str(each).strip() for each in read_optional(phase, "phase-context", kind=list) or [])
    return "; ".join(each for each in said if each not in ("", ":")) or None

"""A pipeline execution as CodePipeline's API returns it; events only say which one to look up."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from belay.release.origin import Origin

EXECUTION_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""The id of a pipeline execution, as in CodePipeline's API model."""


class PipelineStatus(StrEnum):
    """The statuses of GetPipelineExecution; events spell the last one ``CANCELED``."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    SUPERSEDED = "Superseded"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        """Whether it has ended. A failed execution may still be resumed by retrying its stage."""
        return self not in (PipelineStatus.IN_PROGRESS, PipelineStatus.STOPPING)


class ActionStatus(StrEnum):
    """The statuses of an action's execution."""

    IN_PROGRESS = "InProgress"
    ABANDONED = "Abandoned"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class ActionExecution:
    """One run of one action.

    ``external_id`` is the id of the build, deployment or stack at the action's provider; ``configuration`` is the
    action's, with its variables resolved; ``updated_by`` is the ARN of the person who answered an approval.
    """

    id: str
    stage: str
    action: str
    category: str
    provider: str
    status: ActionStatus
    started: datetime
    updated: datetime
    configuration: Mapping[str, str]
    external_id: str | None = None
    external_url: str | None = None
    summary: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    updated_by: str | None = None

    @property
    def is_approval(self) -> bool:
        """Whether it is a manual approval."""
        return self.category == "Approval"


@dataclass(frozen=True)
class Revision:
    """A source action's revision: a commit, or the version of an S3 object."""

    artifact: str
    revision: str
    summary: str | None = None


@dataclass(frozen=True)
class PipelineExecution:
    """One execution; ``actions`` are those begun so far, oldest first, ``version`` is the pipeline structure's."""

    pipeline: str
    id: str
    status: PipelineStatus
    version: int | None = None
    status_summary: str | None = None
    rollback: bool = False
    revisions: tuple[Revision, ...] = ()
    actions: tuple[ActionExecution, ...] = ()

    @property
    def as_of(self) -> str:
        """The time of its newest action's last change, to order two reads of one execution; empty without actions."""
        newest = max((each.updated for each in self.actions), default=None)
        return "" if newest is None else newest.isoformat(timespec="milliseconds")

    def entered(self, stage: str | None) -> bool:
        """Return whether an action of that stage has begun."""
        return any(each.stage == stage for each in self.actions)

    def in_stage(self, stage: str) -> tuple[ActionExecution, ...]:
        """Return the actions of a stage that have begun."""
        return tuple(each for each in self.actions if each.stage == stage)

    @property
    def first_failure(self) -> ActionExecution | None:
        """The first failed action, not counting failures that were retried."""
        latest: dict[tuple[str, str], ActionExecution] = {}
        for each in self.actions:
            latest[each.stage, each.action] = each
        failed = [each for each in latest.values() if each.status is ActionStatus.FAILED]
        return min(failed, key=lambda each: each.updated, default=None)

    @property
    def waiting_approval(self) -> ActionExecution | None:
        """The approval that is waiting for an answer, if any."""
        waiting = (each for each in self.actions if each.is_approval and each.status is ActionStatus.IN_PROGRESS)
        return next(waiting, None)


def read_execution(answer: Mapping[str, Any], details: Sequence[Mapping[str, Any]]) -> PipelineExecution:
    """Read GetPipelineExecution's ``pipelineExecution`` and all of ListActionExecutions' ``actionExecutionDetails``."""
    return PipelineExecution(
        pipeline=answer["pipelineName"],
        id=answer["pipelineExecutionId"],
        status=PipelineStatus(answer["status"]),
        version=answer.get("pipelineVersion"),
        status_summary=answer.get("statusSummary"),
        rollback=answer.get("executionType") == "ROLLBACK",
        revisions=tuple(
            Revision(each["name"], each.get("revisionId", ""), each.get("revisionSummary"))
            for each in answer.get("artifactRevisions", [])
        ),
        actions=tuple(sorted((_action(each) for each in details), key=lambda each: (each.started, each.updated))),
    )


def _action(detail: Mapping[str, Any]) -> ActionExecution:
    given, result = detail.get("input", {}), detail.get("output", {}).get("executionResult", {})
    kind, error = given.get("actionTypeId", {}), result.get("errorDetails", {})
    return ActionExecution(
        id=detail["actionExecutionId"],
        stage=detail["stageName"],
        action=detail["actionName"],
        category=kind.get("category", ""),
        provider=kind.get("provider", ""),
        status=ActionStatus(detail["status"]),
        started=detail["startTime"].astimezone(UTC),
        updated=detail.get("lastUpdateTime", detail["startTime"]).astimezone(UTC),
        configuration={**given.get("configuration", {}), **given.get("resolvedConfiguration", {})},
        external_id=result.get("externalExecutionId"),
        external_url=result.get("externalExecutionUrl"),
        summary=result.get("externalExecutionSummary"),
        error_code=error.get("code"),
        error_message=error.get("message"),
        updated_by=detail.get("updatedBy"),
    )


def origin_of(application: str, pipeline: str, execution: str) -> Origin:
    """Return the origin under which the baselines and the plan of an execution's deployment are stored."""
    attempt = hashlib.sha256(f"{pipeline}#{execution}".encode()).hexdigest()[:12]
    return Origin(application, execution, attempt)

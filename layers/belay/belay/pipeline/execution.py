"""An execution of a pipeline as CodePipeline's own answers show it: the truth that events only hint at."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from belay.release.origin import Origin

EXECUTION_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""The id of a pipeline execution, as the model of every CodePipeline operation gives it."""


class PipelineStatus(StrEnum):
    """The statuses of an execution that GetPipelineExecution knows; events spell the last one ``CANCELED``."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    SUPERSEDED = "Superseded"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        """Whether it has ended. A failed execution may be resumed all the same: somebody retries its stage."""
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

    ``external_id`` is the build's, deployment's or stack's id at the action's provider; ``configuration`` is the
    action's own with its variables resolved; ``updated_by`` the ARN of the person who decided an approval.
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
        """Whether a person is asked by it."""
        return self.category == "Approval"


@dataclass(frozen=True)
class Revision:
    """What a source action brought: a commit, or the version of an S3 object."""

    artifact: str
    revision: str
    summary: str | None = None


@dataclass(frozen=True)
class PipelineExecution:
    """One execution of a pipeline; ``actions`` are those begun so far, oldest first, ``version`` the structure's."""

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
        """When its newest action changed, which orders two looks at the same execution; empty before the first."""
        newest = max((each.updated for each in self.actions), default=None)
        return "" if newest is None else newest.isoformat(timespec="milliseconds")

    def entered(self, stage: str | None) -> bool:
        """Whether an action of that stage has begun."""
        return any(each.stage == stage for each in self.actions)

    def in_stage(self, stage: str) -> tuple[ActionExecution, ...]:
        """Return the actions of a stage that have begun."""
        return tuple(each for each in self.actions if each.stage == stage)

    @property
    def first_failure(self) -> ActionExecution | None:
        """The action that failed first in the last round: earlier failures were retried."""
        latest: dict[tuple[str, str], ActionExecution] = {}
        for each in self.actions:
            latest[each.stage, each.action] = each
        failed = [each for each in latest.values() if each.status is ActionStatus.FAILED]
        return min(failed, key=lambda each: each.updated, default=None)

    @property
    def waiting_approval(self) -> ActionExecution | None:
        """The approval that waits for a person, if one does."""
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
    """Return under what the baselines and the plan of an execution's deployment are kept."""
    attempt = hashlib.sha256(f"{pipeline}#{execution}".encode()).hexdigest()[:12]
    return Origin(application, execution, attempt)

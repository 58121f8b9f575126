"""CodePipeline: reading, starting and rolling back pipeline executions."""

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from belay.aws.clients import Gateway
from belay.aws.faults import code_of, translated
from belay.errors import InvalidEvent
from belay.pipeline.execution import PipelineExecution, read_execution
from belay.pipeline.job import PipelineContext
from belay.pipeline.source import SourceRevision

_MOST_EXECUTIONS = 50
_NOT_THERE = {"PipelineExecutionNotFoundException", "PipelineNotFoundException"}
_NO_ROLLBACK = {
    "ConflictException",
    "PipelineExecutionNotFoundException",
    "PipelineExecutionOutdatedException",
    "StageNotFoundException",
    "UnableToRollbackStageException",
}
"""RollbackStage's errors if a rollback is not legal
(https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RollbackStage.html)."""


class Pipelines(Gateway):
    """The registered pipelines of this account and region."""

    def get_execution(self, pipeline: str, execution: str) -> PipelineExecution | None:
        """Return an execution with its actions, or None if it does not exist."""
        answer = None
        with translated("CodePipeline.GetPipelineExecution", ignoring=_NOT_THERE):
            answer = self._client.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
        if answer is None:
            return None
        with translated("CodePipeline.ListActionExecutions"):
            pages = self._client.get_paginator("list_action_executions").paginate(
                pipelineName=pipeline, filter={"pipelineExecutionId": execution}
            )
            details = [each for page in pages for each in page["actionExecutionDetails"]]
        return read_execution(answer["pipelineExecution"], details)

    def changed_since(self, pipeline: str, since: datetime) -> list[tuple[str, str]]:
        """Return id and status of the executions that changed since a time, newest first; empty without a pipeline."""
        summaries = []
        with translated("CodePipeline.ListPipelineExecutions", ignoring=_NOT_THERE):
            answer = self._client.list_pipeline_executions(pipelineName=pipeline, maxResults=_MOST_EXECUTIONS)
            summaries = answer["pipelineExecutionSummaries"]
        return [(each["pipelineExecutionId"], each["status"]) for each in summaries if each["lastUpdateTime"] >= since]

    def succeeded_in_stage(self, pipeline: str, stage: str) -> list[dict[str, Any]]:
        """Return the summaries of the executions that succeeded in a stage, newest first."""
        with translated("CodePipeline.ListPipelineExecutions"):
            answer = self._client.list_pipeline_executions(
                pipelineName=pipeline, filter={"succeededInStage": {"stageName": stage}}, maxResults=_MOST_EXECUTIONS
            )
        return list(answer["pipelineExecutionSummaries"])

    def automated_rollback_of(self, pipeline: str, execution: str) -> str | None:
        """Return the execution with which CodePipeline rolls back a failed one, or None before it has begun.

        An automated rollback's trigger names the execution that failed
        (https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback-auto.html).
        """
        with translated("CodePipeline.ListPipelineExecutions"):
            answer = self._client.list_pipeline_executions(pipelineName=pipeline, maxResults=_MOST_EXECUTIONS)
        for each in answer["pipelineExecutionSummaries"]:
            trigger = each.get("trigger", {})
            automated = trigger.get("triggerType") == "AutomatedRollback"
            if automated and execution in trigger.get("triggerDetail", ""):
                return str(each["pipelineExecutionId"])
        return None

    def get_pipeline(self, pipeline: str) -> dict[str, Any]:
        """Return the pipeline's current structure."""
        with translated("CodePipeline.GetPipeline"):
            return dict(self._client.get_pipeline(name=pipeline)["pipeline"])

    def get_job_details(self, job: str) -> PipelineContext:
        """Return the pipeline of a job. Raises ``InvalidEvent`` if CodePipeline does not know the job.

        https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetJobDetails.html says, as it does of
        PutJobSuccessResult, that it is only for custom actions, but it also works for the jobs of Lambda actions.
        """
        with translated("CodePipeline.GetJobDetails"):
            try:
                answer = self._client.get_job_details(jobId=job)
            except ClientError as error:
                if code_of(error) == "JobNotFoundException":
                    raise InvalidEvent(f"CodePipeline.job.id: CodePipeline knows no job {job}") from error
                raise
        context = answer["jobDetails"]["data"]["pipelineContext"]
        return PipelineContext(str(context["pipelineName"]), context.get("pipelineExecutionId"))

    def start_execution(self, pipeline: str, revisions: tuple[SourceRevision, ...], token: str) -> str:
        """Start an execution with pinned sources, once for each token. Returns its id."""
        with translated("CodePipeline.StartPipelineExecution"):
            answer = self._client.start_pipeline_execution(
                name=pipeline, sourceRevisions=[each.to_api() for each in revisions], clientRequestToken=token
            )
        return str(answer["pipelineExecutionId"])

    def rollback_stage(self, pipeline: str, stage: str, target: str) -> str | None:
        """Begin CodePipeline's own rollback of a stage to an earlier execution.

        Returns the id of the execution that does it, or None if CodePipeline says that it is not possible.
        """
        with translated("CodePipeline.RollbackStage", ignoring=_NO_ROLLBACK):
            answer = self._client.rollback_stage(
                pipelineName=pipeline, stageName=stage, targetPipelineExecutionId=target
            )
            return str(answer["pipelineExecutionId"])
        return None

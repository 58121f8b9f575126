"""Deploying a release to a stage by running the stage's pipeline with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from belay.aws.clock import now, timestamp
from belay.aws.gateways import Aws
from belay.aws.pipelines import Pipelines
from belay.control.diagnoses import Diagnoses
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.errors import MissingDocument
from belay.notify.told import in_words
from belay.pipeline.execution import PipelineExecution, PipelineStatus
from belay.pipeline.reaction import rolls_back_by_itself
from belay.pipeline.run import RollbackCandidate, outcome_of, rollback_target
from belay.pipeline.source import pinned, refuse_invoke_actions
from belay.release.life import State
from belay.release.reason import PipelineFailure, Reason
from belay.release.records import Outcome
from belay.release.registration import Pipeline

_MOST_CANDIDATES = 5
_BEGINS_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class RunSeen:
    """The progress of a release's run: ``execution`` is the one to check next, ``reason`` why it ended as it did.

    ``to_be_rolled_back``: CodePipeline will do that automatically, but has not started.
    """

    execution: str
    outcome: Outcome | None = None
    rolling_back: bool = False
    reason: Reason | None = None
    waiting_approval: str | None = None
    to_be_rolled_back: bool = False


@dataclass(frozen=True)
class PipelineRuns:
    """Starts the pipeline of a stage for a release and follows it to its end."""

    run: StageContext
    pipelines: Pipelines
    stacks: PipelineStacks
    diagnoses: Diagnoses
    files: StageFiles

    @classmethod
    def of(cls, run: StageContext, there: Aws, files: StageFiles) -> "PipelineRuns":
        """Return the runs of a stage, in its account and region."""
        stacks = PipelineStacks(there.stacks, run.artifacts, run.ledger, files.keep)
        diagnoses = Diagnoses(there.builds, there.logs, there.deployments, there.stacks)
        return cls(run, there.pipelines, stacks, diagnoses, files)

    def start(self) -> str:
        """Capture the stacks, then start the pipeline with the release's zip pinned. Returns the execution's id.

        Idempotent. Raises ``InvalidRegistration`` if the pipeline cannot take the zip, or has actions that cannot work
        in its account and region.
        """
        release, stage = self.run.release, self.run.stage
        pipeline = stage.required_pipeline()
        upload = self.files.upload(self.run.ledger.attempts.required(release).upload)
        structure = self.pipelines.get_pipeline(pipeline.name)
        with self.run.reasons.refusing():
            if not stage.at_home:
                refuse_invoke_actions(structure, pipeline)
            revisions = pinned(structure, pipeline, upload.bucket, upload.key, upload.version_id)
        self.stacks.capture(release.origin, stage)
        execution = self.pipelines.start_execution(pipeline.name, revisions, self.run.token(pipeline.name, "run"))
        self._note(pipeline, execution)
        return execution

    def await_event(self, execution: str, task_token: str) -> None:
        """Complete a task on the execution's next relevant event."""
        application, stage = self.run.release.application, self.run.stage.name
        self.run.ledger.pipelines.await_event(application, stage, execution, task_token)

    def look(self, execution: str, *, rolling_back: bool) -> RunSeen:
        """Return an execution's progress, and start CodePipeline's own rollback if it failed and that is possible.

        Raises ``StackFailed`` with the diagnosis if an incident has to roll back what it deployed.
        """
        pipeline = self.run.stage.required_pipeline()
        seen = self.pipelines.get_execution(pipeline.name, execution)
        if seen is None:
            raise MissingDocument(f"the pipeline {pipeline.name} has no execution {execution} any more")
        outcome = outcome_of(seen, pipeline, rolling_back=rolling_back)
        if outcome is not None:
            return RunSeen(execution, outcome, rolling_back, self._why(seen))
        if not seen.status.terminal:
            waiting = seen.waiting_approval
            return RunSeen(execution, None, rolling_back, waiting_approval=None if waiting is None else waiting.action)
        self.stacks.adopt(self.run.release.origin, self.run.stage, seen)
        reason = self._why(seen) or PipelineFailure(f"the execution {seen.id} of {pipeline.name} is {seen.status}")
        failed = seen.first_failure
        if rolling_back or failed is None or failed.stage != pipeline.deployment_stage:
            raise self.run.reasons.failed(reason)
        return self._roll_back(seen, reason)

    def _roll_back(self, seen: PipelineExecution, reason: Reason) -> RunSeen:
        """Let CodePipeline roll the stage back, automatically or on request; raises ``StackFailed`` if it cannot."""
        release, stage = self.run.release, self.run.stage
        pipeline = stage.required_pipeline()
        structure = self.pipelines.get_pipeline(pipeline.name)
        if rolls_back_by_itself(structure, pipeline.deployment_stage):
            target = self.pipelines.automated_rollback_of(pipeline.name, seen.id)
            if target is None and seen.as_of > (now() - _BEGINS_WITHIN).isoformat(timespec="milliseconds"):
                return RunSeen(seen.id, reason=reason, to_be_rolled_back=True)
        else:
            target = self._asked_to_roll_back(pipeline, structure, seen)
        if target is None:
            raise self.run.reasons.failed(reason)
        self._note(pipeline, target)
        self.run.ledger.attempts.record(
            release, State.PIPELINE_ROLLING_BACK, timestamp(), stage=stage.name, about=target, detail=in_words(reason)
        )
        return RunSeen(target, rolling_back=True, reason=reason)

    def _asked_to_roll_back(
        self, pipeline: Pipeline, structure: Mapping[str, Any], seen: PipelineExecution
    ) -> str | None:
        """Request CodePipeline's rollback of the stage. Returns the execution, None if none is possible."""
        succeeded = self.pipelines.succeeded_in_stage(pipeline.name, pipeline.deployment_stage)[:_MOST_CANDIDATES]
        candidates = [
            RollbackCandidate(each.id, each.version, each.rollback)
            for summary in succeeded
            if (each := self.pipelines.get_execution(pipeline.name, summary["pipelineExecutionId"])) is not None
        ]
        target = rollback_target(structure, pipeline.deployment_stage, seen, candidates)
        if target is None:
            return None
        return self.pipelines.rollback_stage(pipeline.name, pipeline.deployment_stage, target)

    def _why(self, seen: PipelineExecution) -> PipelineFailure | None:
        if seen.status is PipelineStatus.SUCCEEDED:
            return None
        if seen.status is PipelineStatus.FAILED:
            return self.diagnoses.of(seen).reason
        status = f"the execution {seen.id} of the pipeline {seen.pipeline} is {seen.status}"
        return PipelineFailure(f"{status}: {seen.status_summary}" if seen.status_summary else status)

    def _note(self, pipeline: Pipeline, execution: str) -> None:
        release, stage = self.run.release, self.run.stage
        self.run.ledger.pipelines.run(release, stage.name, pipeline.name, execution, timestamp())
        self.run.ledger.pipelines.follow(stage.application, stage.name, execution, deploying=False)

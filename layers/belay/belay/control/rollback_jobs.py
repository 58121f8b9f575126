"""Rolling back, for a pipeline's Invoke action, what an execution has deployed to a stage."""

from dataclasses import dataclass

from belay.aws.pipelines import Pipelines
from belay.control.pipeline_recovery import PipelineRecovery
from belay.control.registrations import Registrations
from belay.errors import InvalidActionConfiguration, RollbackFailed
from belay.ledger.ledger import Ledger
from belay.pipeline.actions import RollbackAction, rollback_action
from belay.pipeline.execution import origin_of
from belay.pipeline.job import Job, Success
from belay.release.reason import PipelineFailure
from belay.release.records import Outcome
from belay.release.registration import Stage
from belay.subject.names import pipeline_incident_of


@dataclass(frozen=True)
class RollbackJobs:
    """Opens an incident for a job, and waits for its end."""

    registrations: Registrations
    pipelines: Pipelines
    ledger: Ledger
    recovery: PipelineRecovery

    def take_back(self, job: Job) -> Success:
        """Open the incident, or check whether it has ended. Raises ``RollbackFailed`` if it needs a person.

        Anyone who may invoke the function can write any event, so nothing begins before CodePipeline confirms the job's
        owner.
        """
        action = rollback_action(job.parameters)
        stage = self.registrations.stage_here(action.registered)
        pipeline = stage.required_pipeline().name
        asked = f"ASKED {action.execution}"
        origin = origin_of(stage.application, pipeline, action.execution)
        name = pipeline_incident_of(origin, stage.name, asked)
        record = self.ledger.incidents.get(stage.application, name)
        if record is None:
            self.pipelines.get_job_details(job.id).refuse_others(pipeline, action.execution)
            return self._begin(stage, pipeline, action, asked)
        if record.outcome is None:
            looked = int(job.continuation_token or 0) + 1
            return Success(f"the incident {name} is being recovered (looked {looked} times)", str(looked))
        if record.outcome is not Outcome.ROLLED_BACK:
            raise RollbackFailed(
                f"the incident {name} ended {record.outcome}: its notification says what is left to do"
            )
        return Success(f"what {action.execution} had deployed to {stage.name} was rolled back")

    def _begin(self, stage: Stage, pipeline: str, action: RollbackAction, asked: str) -> Success:
        """Open the incident of what the execution deployed, unless there is nothing to roll back."""
        seen = self.pipelines.get_execution(pipeline, action.execution)
        if seen is None:
            raise InvalidActionConfiguration(f"the pipeline {pipeline} has no execution {action.execution}")
        deployed = self.recovery.take_back(stage, seen, failure=asked, reason=PipelineFailure(action.reason))
        if not deployed:
            return Success(f"{action.execution} has changed no stack of {stage.name}: nothing to roll back")
        return Success(f"rolling back {', '.join(deployed)}", "0")

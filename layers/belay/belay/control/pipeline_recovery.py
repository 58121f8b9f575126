"""Rolling back what a pipeline execution deployed."""

from belay.control.application_topics import ApplicationTopics
from belay.control.incidents import Incidents
from belay.control.pipeline_stacks import PipelineStacks
from belay.pipeline.execution import PipelineExecution
from belay.release.reason import Reason
from belay.release.registration import Stage
from belay.subject.incident import Incident
from belay.subject.names import pipeline_incident_of
from belay.subject.subjects import PipelineDeployment


class PipelineRecovery:
    """Opens the incidents of executions that no Belay release started."""

    def __init__(self, stacks: PipelineStacks, incidents: Incidents, topics: ApplicationTopics) -> None:
        self._stacks = stacks
        self._incidents = incidents
        self._topics = topics

    def take_back(self, stage: Stage, seen: PipelineExecution, *, failure: str, reason: Reason) -> tuple[str, ...]:
        """Open the one incident of a failure. Returns the stacks to be rolled back; none if none changed."""
        topic = self._topics.own(stage.application)
        subject = PipelineDeployment(stage.application, stage.name, topic, seen.pipeline, seen.id)
        deployed = self._stacks.adopt(subject.origin, stage, seen)
        if deployed:
            name = pipeline_incident_of(subject.origin, stage.name, failure)
            self._incidents.open(Incident.in_stage(stage, name, subject, reason))
        return deployed

"""Taking back what an execution of a pipeline deployed."""

from belay.control.application_topics import ApplicationTopics
from belay.control.incidents import Incidents
from belay.control.pipeline_stacks import PipelineStacks
from belay.pipeline.execution import PipelineExecution
from belay.release.records import ReleaseReference, pipeline_incident_of
from belay.release.registration import Stage
from belay.rollback.incident import Incident


class PipelineRecovery:
    """Opens the incidents of executions that no release of Belay's runs."""

    def __init__(self, stacks: PipelineStacks, incidents: Incidents, topics: ApplicationTopics) -> None:
        self._stacks = stacks
        self._incidents = incidents
        self._topics = topics

    def take_back(
        self, stage: Stage, seen: PipelineExecution, about: ReleaseReference, *, failure: str, reason: str
    ) -> tuple[str, ...]:
        """Open the one incident of a failure. Returns the stacks that are taken back; none where none was changed."""
        deployed = self._stacks.adopt(about, stage, seen)
        if deployed:
            self._incidents.open(
                Incident(
                    name=pipeline_incident_of(about, stage.name, failure),
                    release=about,
                    stage=stage.name,
                    reason=reason,
                    service_role=stage.service_role,
                    topic=self._topics.own(stage.application),
                    recover_foreign=stage.recover_foreign,
                    pipeline=seen.pipeline,
                )
            )
        return deployed

"""A CodePipeline Invoke action: checks templates of the input artifact against the policies."""

from collections.abc import Callable, Mapping
from typing import Any

from belay.aws.clock import now
from belay.aws.codepipeline import ArtifactFiles, InputArtifact
from belay.control.registrations import Registrations
from belay.errors import InvalidActionConfiguration
from belay.home import own_home
from belay.observability import logger, observed
from belay.pipeline.actions import template_action
from belay.pipeline.job import Artifact, Credentials, Job, Success
from belay.policy.gate import check_template
from belay.policy.verdict import Report
from belay.release.gate import action_summary


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Report the job's result: success if every template passes, failure with the findings otherwise."""
    home = own_home()
    jobs, opened = home.aws.jobs(logger().exception), home.aws.input_artifact
    return jobs.answer(event, lambda job: validate(home.registrations, opened, job))


def validate(
    registrations: Registrations, opened: Callable[[Artifact, Credentials], InputArtifact], job: Job
) -> Success:
    """Check what the action's configuration names. Raises ``ValidationFailed`` with the findings."""
    action = template_action(job.parameters)
    if not job.artifacts:
        raise InvalidActionConfiguration("the action needs an input artifact with the templates")
    settings = registrations.policy_settings(action.registered)
    files = ArtifactFiles(opened(job.artifacts[0], job.credentials))
    missing = [template for template in action.templates if template not in files]
    if missing:
        raise InvalidActionConfiguration(f"the artifact {job.artifacts[0].name} has no {', '.join(missing)}")
    reports = [check_template(files, each, action.parameters, settings, now().date()) for each in action.templates]
    return Success(action_summary(Report().merged(*reports)))

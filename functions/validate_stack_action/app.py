"""A CodePipeline Invoke action: checks deployed stacks against the policies, once they are stable."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import now
from belay.control.live import LiveStages, live_stages
from belay.control.registrations import Registrations
from belay.errors import InvalidActionConfiguration
from belay.home import own_home
from belay.observability import logger, observed
from belay.pipeline.actions import stack_action
from belay.pipeline.job import Job, Success
from belay.release.gate import action_summary


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Report the job's result: success if every stack passes, failure with the findings, or continue."""
    home = own_home()
    stages = live_stages(home.aws, home.artifacts)
    return home.aws.jobs(logger().exception).answer(event, lambda job: validate(stages, home.registrations, job))


def validate(stages: LiveStages, registrations: Registrations, job: Job) -> Success:
    """Check the stacks that the action's configuration names, once they are stable.

    Raises ``ValidationFailed`` with the findings. Until then the job continues: its token counts the checks.
    """
    action = stack_action(job.parameters)
    settings, regions = registrations.policy_settings(action.registered), registrations.regions(action.registered)
    statuses = stages.statuses(action.stacks, regions)
    missing = [name for name, status in statuses.items() if status is None]
    if missing:
        raise InvalidActionConfiguration(f"UserParameters.stacks: there is no stack {', '.join(missing)}")
    changing = [name for name, status in statuses.items() if status and status.in_progress]
    if changing:
        looked = int(job.continuation_token or 0) + 1
        return Success(f"waiting for {', '.join(changing)} (looked {looked} times)", str(looked))
    return Success(action_summary(stages.validate_stacks(action.stacks, regions, settings, now().date())))

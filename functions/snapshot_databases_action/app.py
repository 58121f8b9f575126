"""A CodePipeline Invoke action: takes a snapshot of every registered database, and waits until each is available."""

from collections.abc import Mapping
from typing import Any

from belay.control.registrations import Registrations
from belay.control.snapshots import StageSnapshots
from belay.home import own_home
from belay.observability import logger, observed
from belay.pipeline.actions import snapshot_action
from belay.pipeline.execution import origin_of
from belay.pipeline.job import Job, Success


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Report the job's result: success once every snapshot is available, continue until then."""
    home = own_home()
    snapshots = StageSnapshots(home.aws.databases)
    return home.aws.jobs(logger().exception).answer(event, lambda job: take(snapshots, home.registrations, job))


def take(snapshots: StageSnapshots, registrations: Registrations, job: Job) -> Success:
    """Advance each snapshot one step. Raises ``SnapshotFailed``.

    The names are those that Belay uses when the pipeline enters its pre-deployment stage, so there is only one each.
    """
    action = snapshot_action(job.parameters)
    stage = registrations.stage_here(action.registered)
    pipeline = stage.required_pipeline().name
    origin = origin_of(stage.application, pipeline, action.execution)
    seen = snapshots.bring_on(origin, stage, f"{pipeline}/{action.execution}")
    if not stage.databases:
        return Success(f"{stage.application}/{stage.name} has no databases registered: nothing to do")
    if seen.ready:
        return Success(seen.in_words())
    looked = int(job.continuation_token or 0) + 1
    return Success(f"{seen.in_words()} (looked {looked} times)", str(looked))

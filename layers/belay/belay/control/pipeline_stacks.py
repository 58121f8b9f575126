"""The registered stacks that a pipeline deploys: capturing them, and finding what one execution did to them."""

from collections.abc import Mapping
from datetime import timedelta

from belay.aws.clock import timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.control.baselines import Baselines, Keep
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Purpose
from belay.pipeline.execution import ActionExecution, ActionStatus, PipelineExecution
from belay.release.origin import Origin
from belay.release.registration import Stage
from belay.stack.operation import last_change_began, last_operation
from belay.stack.plan import Progress, StackPlan, StagePlan

_CLOCKS_DIFFER = timedelta(seconds=5)
_PREPARES_ONLY = "CHANGE_SET_REPLACE"
"""The only ActionMode that changes no stack
(https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html)."""


class PipelineStacks:
    """Does for a pipeline's execution what the functions of a stage do for a release."""

    def __init__(self, stacks: Stacks, artifacts: ArtifactBucket, ledger: Ledger, keep: Keep) -> None:
        self._stacks = stacks
        self._artifacts = artifacts
        self._ledger = ledger
        self._keep = keep

    def capture(self, origin: Origin, stage: Stage) -> None:
        """Capture every registered stack; the first capture is kept."""
        baselines = Baselines(self._stacks, self._keep, self._ledger)
        known = self._ledger.baselines.of(origin, stage.name)
        for name, registered in stage.stacks.items():
            if name not in known:
                baselines.capture(origin, stage.name, name, registered.name)

    def adopt(self, origin: Origin, stage: Stage, seen: PipelineExecution) -> tuple[str, ...]:
        """Prepare the stacks that an execution changed for recovery like a release's. Returns their registered names.

        Writes the plan that ``rollback_stage`` reads, and records the operations as the execution's own, so that
        nothing else handles them. If the stage was not prepared before the deployment, the baselines are those of
        the last execution that succeeded.
        """
        by_name = {registered.name: name for name, registered in stage.stacks.items()}
        plans: dict[str, StackPlan] = {}
        for action in seen.in_stage(stage.required_pipeline().deployment_stage):
            name = by_name.get(action.configuration.get("StackName", ""))
            changes = action.provider == "CloudFormation" and action.configuration.get("ActionMode") != _PREPARES_ONLY
            if name is not None and changes and (plan := self._adopted(origin, stage, name, action)) is not None:
                plans[name] = plan
        self._fill_in_baselines(origin, stage, plans)
        captured = self._ledger.baselines.of(origin, stage.name)
        created = {name for name, each in captured.items() if not each.existed}
        whole = StagePlan(
            tuple(StackPlan(**{**vars(each), "creates": each.stack in created}) for each in plans.values())
        )
        if plans:
            self._artifacts.put_json(origin.stage_key(stage.name, "plan.json"), whole.to_dict())
        return tuple(plans)

    def _adopted(self, origin: Origin, stage: Stage, name: str, action: ActionExecution) -> StackPlan | None:
        """What an action did to a stack; None if the stack has not changed since the action began.

        None also if it was changed again after the action: a pipeline lets its next execution into a failed stage,
        whose changes this recovery must not roll back.
        """
        description = self._stacks.describe_stack(stage.stacks[name].name)
        newest = None if description is None else self._stacks.newest_event(description["StackId"])
        if description is None or newest is None or newest["Timestamp"] < action.started - _CLOCKS_DIFFER:
            return None
        stack_id, operation = str(description["StackId"]), last_operation(newest)
        began = last_change_began(self._stacks.events(stack_id), stack_id)
        ended = action.status is not ActionStatus.IN_PROGRESS
        if ended and began is not None and began > action.updated + _CLOCKS_DIFFER:
            return None
        self._ledger.operations.record(
            stack_id, operation, origin, stage.name, purpose=Purpose.PIPELINE, now=timestamp()
        )
        done = action.status is ActionStatus.SUCCEEDED
        return StackPlan(
            stack=name,
            stack_name=stage.stacks[name].name,
            progress=Progress.EXECUTED if done else Progress.EXECUTING,
            stack_id=stack_id,
            token=operation,
        )

    def _fill_in_baselines(self, origin: Origin, stage: Stage, plans: Mapping[str, StackPlan]) -> None:
        pipeline = stage.pipeline_arn(self._artifacts.region)
        good = self._ledger.pipelines.good(stage.application, stage.name, pipeline)
        kept = {} if good is None else self._ledger.baselines.of(good.kept_under(stage.application), stage.name)
        for name in plans.keys() & kept.keys():
            if kept[name].stack_id in (None, plans[name].stack_id):
                self._ledger.baselines.record(origin, stage.name, name, kept[name])

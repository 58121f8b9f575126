"""Makes the change sets of a stage that can be made now, and looks at those made before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import now, timestamp
from belay.aws.cloudwatch import Alarms
from belay.aws.faults import fault_in
from belay.control.stage import StageContext
from belay.errors import InvalidRelease, InvalidRequest, StackNotDeployable
from belay.observability import observed
from belay.policy.change_sets import check_change_set
from belay.policy.settings import Settings as PolicySettings
from belay.release.gate import refuse_wave
from belay.release.names import change_set_name
from belay.release.verification import rollback_triggers
from belay.settings import read
from belay.stack.change_set import missing_dependency
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.stack.status import StackStatus

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Bring the plan one step on; ``ready`` once every change set that can be made has been made.

    Raises ``InvalidRelease`` where what the change sets will do breaks a policy.
    """
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    if run.stage.pipeline is not None and run.stage.pipeline.start:
        return answer(run, settings, ready=True, pipeline=True)
    plan = run.plan()
    if not plan.begun:
        run.ledger.releases.record(run.release, run.stage.name, "PLANNING", timestamp())
        plan = replace(plan, lock_seen=run.ledger.locks.free(run.release.application, run.stage.name))
        run.save(plan)
    for stack in plan.in_progress(Progress.CREATING):
        plan = plan.with_stack(look_at(run, plan, stack))
    for stack in plan.plannable:
        plan = plan.with_stack(make(run, plan, stack))
        run.save(plan)
    run.save(plan)
    if plan.ready:
        refuse_violations(run, plan)
    return answer(run, settings, ready=plan.ready, pipeline=False)


def answer(run: StageContext, settings: Settings, *, ready: bool, pipeline: bool) -> dict[str, Any]:
    """Return what the machine assigns; ``pipeline`` where the stage's own pipeline deploys it."""
    approval = run.stage.approval
    return {
        "ready": ready,
        "pipeline": pipeline,
        "wait_seconds": settings.poll_seconds,
        "ephemeral": run.stage.ephemeral,
        "windows": run.stage.calendar.registered,
        "approval": {
            "required": approval.required,
            "expires_after_seconds": approval.expires_after_days * SECONDS_A_DAY,
        },
    }


def refuse_violations(run: StageContext, plan: StagePlan) -> None:
    """Hold the wave of change sets against what its policies found. Raises ``InvalidRelease``."""
    reason = refuse_wave(plan, run.stage)
    if reason is not None:
        raise InvalidRelease(reason.splitlines())


def look_at(run: StageContext, plan: StagePlan, stack: StackPlan) -> StackPlan:
    """Return the stack with what CloudFormation has made of its change set so far."""
    change_set = run.stacks.describe_change_set(str(stack.change_set_id))
    if change_set is None:
        return replace(stack, progress=Progress.WAITING, change_set_id=None)
    if change_set.in_progress:
        return stack
    if change_set.empty:
        run.stacks.delete_change_set(str(stack.change_set_id))
        return replace(stack, progress=Progress.UNCHANGED, change_set_id=None)
    if change_set.failed:
        refuse_fault("CloudFormation.CreateChangeSet", change_set.reason or "")
        run.stacks.delete_change_set(str(stack.change_set_id))
        return deferred(plan, stack, f"no change set could be made: {change_set.reason}")
    policies = PolicySettings.from_registration(run.stage.policies, run.stage.trusted_networks)
    return replace(
        stack,
        progress=Progress.PLANNED,
        digest=change_set.digest,
        changes=tuple(change_set.describe()),
        report=check_change_set(change_set, policies, now().date(), path=stack.stack).to_json(),
    )


def refuse_fault(operation: str, problem: str) -> None:
    """Raise ``AccessDenied`` or ``Throttled`` where CloudFormation tells such a fault as if the template were wrong."""
    fault = fault_in(problem)
    if fault is not None:
        raise fault(operation, "ValidationError", problem)


def deferred(plan: StagePlan, stack: StackPlan, problem: str) -> StackPlan:
    """Let a stack wait for what an earlier one will bring, though its manifest does not say that it depends on it.

    Raises ``InvalidRelease`` where that is not what the problem is, or nothing earlier is left to change.
    """
    earlier = plan.unsettled_before(stack)
    if missing_dependency(problem) is None or not earlier:
        raise InvalidRelease([f"{stack.stack} ({stack.stack_name}): {problem}"])
    depends_on = tuple(dict.fromkeys((*stack.depends_on, *earlier)))
    return replace(stack, progress=Progress.WAITING, change_set_id=None, depends_on=depends_on)


def make(run: StageContext, plan: StagePlan, stack: StackPlan) -> StackPlan:
    """Ask CloudFormation for the stack's change set, unless somebody's operation on the stack must end first."""
    description = run.stacks.describe_stack(stack.stack_name)
    status = None if description is None else StackStatus(description["StackStatus"])
    creates = status is None or status is StackStatus.REVIEW_IN_PROGRESS
    if status is not None and status.in_progress:
        return stack
    if status is not None and not creates and not status.updatable:
        raise StackNotDeployable(
            f"{stack.stack_name} is in {status}, from which no change set can be executed; bring it to a stable "
            "status, then upload the release again"
        )
    generation = stack.generation + 1
    try:
        request = arguments(run, stack, generation, creates=creates)
        kept = [] if creates or description is None else description.get("Tags", [])
        change_set_id, stack_id = run.stacks.create_change_set(request | {"Tags": merged(kept, request["Tags"])})
    except InvalidRequest as error:
        refuse_fault(error.operation, error.message)
        return deferred(plan, replace(stack, generation=generation), error.message)
    return replace(
        stack,
        progress=Progress.CREATING,
        creates=creates,
        stack_id=stack_id,
        change_set_id=change_set_id,
        generation=generation,
    )


def merged(kept: Sequence[Mapping[str, str]], ours: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return a stack's tags with ours among them: an update's tags replace all that the stack had."""
    tags = {tag["Key"]: tag["Value"] for tag in (*kept, *ours)}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def arguments(run: StageContext, stack: StackPlan, generation: int, *, creates: bool) -> dict[str, Any]:
    """Return CreateChangeSet's arguments for one stack of the release."""
    manifest = {each.name: each for each in run.accepted.manifest.stacks}[stack.stack]
    release, stage = run.release, run.stage
    name = change_set_name(
        release.application, stage.name, release.version, stack.stack, f"{release.attempt}-{generation}"
    )
    parameters = run.accepted.parameters(stage.name, manifest, release.attempt, run.artifacts.name, release.prefix)
    return {
        "StackName": stack.stack_name,
        "ChangeSetName": name,
        "ChangeSetType": "CREATE" if creates else "UPDATE",
        "ClientToken": name,
        "TemplateURL": run.artifacts.url(release.member_key(manifest.template)),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())],
        "Capabilities": list(manifest.capabilities),
        "IncludeNestedStacks": run.artifacts.nests(release.member_key(manifest.template)),
        "RoleARN": stage.service_role,
        # Also where it is empty: CloudFormation would keep the triggers of an earlier registration.
        "RollbackConfiguration": rollback_triggers(
            Alarms(client("cloudwatch")).describe(stage.alarms), stage.verify.monitoring_minutes
        ),
        "Description": f"{release.application} {release.version} in {stage.name}",
        "Tags": [
            {"Key": "belay:application", "Value": release.application},
            {"Key": "belay:stage", "Value": stage.name},
        ],
    }

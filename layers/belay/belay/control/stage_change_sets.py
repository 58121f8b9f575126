"""The change sets of a stage: each created once its dependencies have changed, and polled until it is ready."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from belay.aws.clock import now, timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.cloudwatch import Alarms
from belay.aws.faults import refuse_fault_in
from belay.aws.kms import MacKey, ValueKey
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.errors import InvalidRelease, InvalidRequest, StackNotDeployable
from belay.masking import is_reference
from belay.policy.change_sets import check_change_set
from belay.policy.settings import PolicySettings
from belay.release.gate import refuse_wave
from belay.release.life import State
from belay.release.names import change_set_name
from belay.release.verification import rollback_triggers
from belay.stack.change_set import ChangeSet, missing_dependency
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.stack.stack_id import pseudo_parameters
from belay.stack.status import StackStatus
from belay.template.loader import load
from belay.template.no_echo import no_echo
from belay.template.sections import parameter_defaults
from belay.template.unpinned import unpinned


@dataclass(frozen=True)
class StageChangeSets:
    """Creates and reads a release's change sets in one stage; the plan, saved after every call, tracks the progress."""

    run: StageContext
    stacks: Stacks
    alarms: Alarms
    files: StageFiles
    key: ValueKey
    digests: MacKey

    def advance(self, enough_time: Callable[[], bool]) -> StagePlan:
        """Advance the plan one step and return it; ``ready`` once every change set that can be created now has been.

        Before the first is made, the files are copied to where CloudFormation reads them, while there is time. Raises
        ``InvalidRelease`` if a change set cannot be created or its changes violate a policy, and ``StackNotDeployable``
        if a stack cannot take one.
        """
        run = self.run
        plan = run.plan()
        if not plan.begun:
            run.ledger.attempts.record(run.release, State.PLANNING, timestamp(), stage=run.stage.name)
            plan = replace(plan, lock_seen=run.ledger.locks.free(run.release.application, run.stage.name))
            run.save(plan)
        if not self.files.copy(enough_time):
            return plan
        with run.reasons.refusing():
            for stack in plan.in_progress(Progress.CREATING):
                plan = plan.with_stack(self._look_at(plan, stack))
            for stack in plan.plannable:
                plan = plan.with_stack(self._make(plan, stack))
                run.save(plan)
        run.save(plan)
        refusal = refuse_wave(plan, run.stage) if plan.ready else None
        if refusal is not None:
            raise run.reasons.refused(refusal)
        return plan

    def _look_at(self, plan: StagePlan, stack: StackPlan) -> StackPlan:
        run, change_set_id = self.run, str(stack.change_set_id)
        change_set = self.stacks.describe_change_set(change_set_id)
        if change_set is None:
            return replace(stack, progress=Progress.WAITING, change_set_id=None)
        if change_set.in_progress:
            return stack
        if change_set.empty:
            self.stacks.delete_change_set(change_set_id)
            return replace(stack, progress=Progress.UNCHANGED, change_set_id=None)
        if change_set.failed:
            for each in change_set.failed_ones():
                refuse_fault_in(each.reason or "", "CloudFormation.CreateChangeSet")
            problem = f"no change set could be created: {self.stacks.why_failed(change_set)}"
            self.stacks.delete_change_set(change_set_id)
            return _deferred(plan, stack, problem)
        problems = self._unpinned(change_set, where=stack.stack)
        if problems:
            raise InvalidRelease(problems)
        policies = PolicySettings.from_registration(run.stage.policies, run.stage.trusted_networks)
        return replace(
            stack,
            progress=Progress.PLANNED,
            digest=change_set.digest,
            digests=self._digests(stack, change_set.change_set_id),
            changes=tuple(change_set.describe()),
            report=check_change_set(change_set, policies, now().date(), path=stack.stack).to_json(),
        )

    def _digests(self, stack: StackPlan, change_set_id: str) -> dict[str, str]:
        """Return the HMAC of the value of each NoEcho parameter, so that a change is seen without the value.

        A dynamic reference is kept as it is: it can be given again.
        """
        document = load(self.stacks.change_set_template(change_set_id), stack.stack)
        declared, given = parameter_defaults(document), self._values(stack)
        values = {name: given.get(name, declared.get(name, "")) for name in no_echo(document)}
        return {
            name: value if is_reference(value) else self.digests.generate_mac(_message(stack, name, value)).hex()
            for name, value in values.items()
        }

    def _values(self, stack: StackPlan) -> dict[str, str]:
        """Return the values of a stack's parameters, secret ones decrypted."""
        run = self.run
        manifest = next(each for each in run.accepted.manifest.stacks if each.name == stack.stack)
        return run.parameters(manifest) | run.accepted.secret_values(run.stage.name, stack.stack, self.key.decrypt)

    def _unpinned(self, change_set: ChangeSet, *, where: str) -> list[str]:
        """Return the nested stacks, at every level, whose templates could be changed before deployment."""
        run = self.run
        template = self.stacks.change_set_template(change_set.change_set_id)
        values = {**change_set.parameters, **pseudo_parameters(change_set.stack_id)}
        release = self.files.bucket.name, self.files.prefix
        found = unpinned(template, values, release, run.accepted.manifest.digests, where=where)
        inside = ((each.logical_id, change_set.inside(each)) for each in change_set.changes)
        nested = ((name, child) for name, child in inside if child is not None and child.status != "FAILED")
        return found + [line for name, child in nested for line in self._unpinned(child, where=f"{where}/{name}")]

    def _make(self, plan: StagePlan, stack: StackPlan) -> StackPlan:
        """Create the stack's change set, unless another operation on the stack must end first."""
        description = self.stacks.describe_stack(stack.stack_name)
        status = None if description is None else StackStatus(description["StackStatus"])
        creates = status is None or status is StackStatus.REVIEW_IN_PROGRESS
        if status is not None and status.in_progress:
            return stack
        if status is not None and not creates and not status.updatable:
            raise StackNotDeployable(
                f"{stack.stack_name} is in {status}, in which no change set can be executed; bring it to a stable "
                "status, then upload the release again"
            )
        stack = replace(stack, generation=stack.generation + 1)
        try:
            request = self._request(stack, creates=creates)
            kept = [] if creates or description is None else description.get("Tags", [])
            change_set_id, stack_id = self.stacks.create_change_set(request | {"Tags": _merged(kept, request["Tags"])})
        except InvalidRequest as error:
            refuse_fault_in(error.message, error.operation)
            return _deferred(plan, stack, error.message)
        return replace(
            stack, progress=Progress.CREATING, creates=creates, stack_id=stack_id, change_set_id=change_set_id
        )

    def _request(self, stack: StackPlan, *, creates: bool) -> dict[str, Any]:
        run, release, stage = self.run, self.run.release, self.run.stage
        manifest = {each.name: each for each in run.accepted.manifest.stacks}[stack.stack]
        unique = f"{release.attempt}-{stack.generation}"
        name = change_set_name(release.application, stage.name, release.version, stack.stack, unique)
        parameters = self._values(stack)
        return {
            "StackName": stack.stack_name,
            "ChangeSetName": name,
            "ChangeSetType": "CREATE" if creates else "UPDATE",
            "ClientToken": name,
            "TemplateURL": self.files.url(manifest.template),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())],
            "Capabilities": list(manifest.capabilities),
            "IncludeNestedStacks": True,
            "RoleARN": stage.service_role,
            # Even if it is empty: CloudFormation would keep the triggers of an earlier registration.
            "RollbackConfiguration": rollback_triggers(
                self.alarms.describe(stage.alarms), stage.verify.monitoring_minutes
            ),
            "Description": f"{release.application} {release.version} in {stage.name}",
            "Tags": [
                {"Key": "belay:application", "Value": release.application},
                {"Key": "belay:stage", "Value": stage.name},
            ],
        }


def _message(stack: StackPlan, name: str, value: str) -> bytes:
    """Return the HMAC's input: KMS accepts 4,096 bytes at most, which a value alone may have."""
    return hashlib.sha256(json.dumps([stack.stack_name, name, value]).encode()).digest()


def _deferred(plan: StagePlan, stack: StackPlan, problem: str) -> StackPlan:
    """Make a stack wait for an earlier one that it needs, though its manifest does not declare that dependency.

    Raises ``InvalidRelease`` if that is not the problem, or no earlier stack is left to change.
    """
    earlier = plan.unsettled_before(stack)
    if missing_dependency(problem) is None or not earlier:
        raise InvalidRelease([f"{stack.stack} ({stack.stack_name}): {problem}"])
    depends_on = tuple(dict.fromkeys((*stack.depends_on, *earlier)))
    return replace(stack, progress=Progress.WAITING, change_set_id=None, depends_on=depends_on)


def _merged(kept: Sequence[Mapping[str, str]], ours: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return a stack's tags including ours: an update's tags replace all existing ones."""
    tags = {tag["Key"]: tag["Value"] for tag in (*kept, *ours)}
    return [{"Key": key, "Value": value} for key, value in tags.items()]

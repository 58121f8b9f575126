"""The stacks of an incident: observing them, and performing their steps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from belay.aws.clock import now, timestamp
from belay.aws.cloudformation import ResourceDrift, Stacks
from belay.control.recovery import Recovery
from belay.control.stack_values import StackValues
from belay.errors import AccessDenied, AwsFault, InvalidRequest, ServiceUnavailable, Throttled, UnreadableTemplate
from belay.ledger.operations import Purpose
from belay.masking import MASK
from belay.release.names import change_set_name
from belay.release.place import artifact_key
from belay.rollback.plan import Action, Step
from belay.rollback.question import AskedQuestion, names_all, update_question
from belay.rollback.situation import StackSeen
from belay.rollback.taken import StepTaken
from belay.stack.baseline import Baseline, baseline_of
from belay.stack.cause import Cause
from belay.stack.change_set import ChangeSet
from belay.stack.operation import last_operation, refused_for_now
from belay.stack.outputs import ChangedOutput, changed_outputs, outputs_of, replaced_ids, shown_outputs
from belay.stack.plan import Progress, StackPlan
from belay.stack.resource import NESTED_STACK
from belay.stack.stack_id import name_of_stack
from belay.stack.stateful import is_stateful
from belay.stack.status import StackStatus
from belay.stack.stuck import Resource, StuckResource, differences_in_words, stuck_in_rollback, stuck_resources
from belay.stack.trace import Trace, UnprovedResource, unproved
from belay.stack.values import KeptValue, KnownValues, kept_hidden, kept_references, kept_resolved, same_hidden
from belay.subject.subjects import AskedRollback, ForeignOperation
from belay.template.dependencies import behind_output, dependencies
from belay.template.loader import load
from belay.template.policies import deletion_policies

_BEGINS_WITHIN = timedelta(minutes=5)
_GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


class RecoveredStacks:
    """Observes an incident's stacks and performs their steps."""

    def __init__(self, recovery: Recovery, stacks: Stacks, drift: ResourceDrift, values: StackValues) -> None:
        self._recovery = recovery
        self._values = values
        self._incident = recovery.incident
        self._stacks = stacks
        self._drift = drift

    # -- observing -----------------------------------------------------------------------------------------------

    def look(self) -> tuple[StackSeen, ...]:
        """Return the incident's stacks in deploy order, as they are now."""
        if isinstance(self._incident.subject, ForeignOperation):
            return (self._foreign_stack(self._incident.subject),)
        baselines = self._recovery.ledger.baselines.of(self._recovery.origin, self._incident.stage)
        return tuple(
            self._own_stack(stack, baselines.get(stack.stack)) for stack in self._recovery.release_plan().stacks
        )

    def operation_not_visible_yet(self) -> bool:
        """Whether CloudFormation's events do not show yet that the last requested operation has begun.

        Until then a description shows the old status. After five minutes it will not begin any more, and a refused one
        never will. The same applies to the deployment's last change set while it executes without events.
        """
        planned = self._recovery.release_plan().in_progress(Progress.PLANNED)
        return self._step_not_visible_yet() or any(self._execution_not_visible_yet(stack) for stack in planned)

    def _step_not_visible_yet(self) -> bool:
        last = self._recovery.record.tried[-1] if self._recovery.record.tried else None
        if last is None or last.stack_id is None or last.token is None:
            return False
        if last.refused or now() - datetime.fromisoformat(last.at) > _BEGINS_WITHIN:
            return False
        return self._stacks.operation_status(last.stack_id, last.token) is None

    def _execution_not_visible_yet(self, stack: StackPlan) -> bool:
        stack_id, token = str(stack.stack_id), self._deployment_token(stack)
        if self._recovery.ledger.operations.get(stack_id, token) is None:
            return False
        if self._stacks.operation_status(stack_id, token) is not None:
            return False
        change_set = self._stacks.describe_change_set(str(stack.change_set_id))
        return change_set is not None and change_set.execution_status == "EXECUTE_IN_PROGRESS"

    def _foreign_stack(self, operation: ForeignOperation) -> StackSeen:
        return StackSeen(
            stack=operation.stack,
            name=name_of_stack(operation.stack_id),
            stack_id=operation.stack_id,
            token=operation.token,
            ours=False,
            **self._described(operation.stack, self._stacks.describe_stack(operation.stack_id), touched=True),
        )

    def _own_stack(self, stack: StackPlan, baseline: Baseline | None) -> StackSeen:
        description = self._stacks.describe_stack(stack.stack_id or stack.stack_name)
        stack_id = None if description is None else str(description["StackId"])
        change_sets = self._change_sets_of_shell(description)
        changed = self._changed(stack)
        described = self._described(stack.stack, description, touched=changed or stack.token is not None)
        at_baseline = stack.stack in self._recovery.record.settled or self._at_baseline(stack, baseline, description)
        data = described.get("stateful", ()) if changed and not at_baseline else ()
        own_shell = change_sets is not None and set(change_sets) <= {stack.change_set_id}
        skipped = any(each.trace is Trace.SKIPPED for each in described.get("unproved", ()))
        return StackSeen(
            stack=stack.stack,
            name=stack.stack_name,
            stack_id=stack_id,
            token=stack.token,
            baseline=baseline,
            created_by_release=stack.creates and (changed or own_shell),
            changed_by_release=changed,
            completed_by_release=stack.progress is Progress.EXECUTED,
            ours=description is not None and self._ours(description["StackId"]),
            at_baseline=at_baseline,
            kept=tuple(self._kept(stack, baseline, description, skipped=skipped)) if changed else (),
            endangered=self._endangered_by_going_back(stack.stack, baseline, stack_id, data)
            if stack_id and data
            else (),
            outputs=self._outputs(stack.stack, baseline, description) if changed else (),
            change_sets=tuple(each for each in change_sets or () if each == stack.change_set_id),
            depends_on=stack.depends_on,
            **described,
        )

    def _endangered_by_going_back(
        self, stack: str, baseline: Baseline | None, stack_id: str, data: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the resources whose data a rollback endangers, as far as that is known.

        A change set has shown it, or else the earlier template lacks them and nothing retains them.
        """
        noted = self._recovery.noted(stack).endangered
        if noted or baseline is None or baseline.template is None:
            return noted
        then = self._recovery.artifacts.get_bytes(artifact_key(baseline.template.key))
        if then is None or not baseline.template.is_of(then):
            return ()
        try:
            before = load(then, baseline.template.key).section("Resources").entries
            policies = deletion_policies(load(self._stacks.get_template(stack_id, "Processed"), stack_id))
        except UnreadableTemplate:
            return ()
        return tuple(
            logical_id
            for (logical_id, kind), policy in policies.items()
            if is_stateful(kind) and logical_id in data and logical_id not in before and policy in (None, "Delete")
        )

    def _described(self, stack: str, description: Mapping[str, Any] | None, *, touched: bool) -> dict[str, Any]:
        blocked = self._recovery.blocked(stack)
        if description is None:
            return {"status": None, "blocked": blocked}
        status = StackStatus(description["StackStatus"])
        stack_id = description["StackId"]
        resources = {} if status.holds_nothing else self._stacks.resources_by_stack(stack_id)
        return {
            "status": status,
            "blocked": blocked,
            "reason": description.get("StackStatusReason"),
            "stateful": tuple(
                each["LogicalResourceId"]
                for them in resources.values()
                for each in them
                if is_stateful(each["ResourceType"]) and each["ResourceStatus"] not in _GONE
            ),
            "failed_resources": stuck_resources(stack_id, status, resources),
            "stuck": self._stuck(stack_id, resources) if status is StackStatus.UPDATE_ROLLBACK_FAILED else (),
            "unproved": self._unproved(stack, stack_id, resources) if touched and _stands(status) else (),
            "parameter_keys": tuple(each["ParameterKey"] for each in description.get("Parameters", [])),
            "role_arn": description.get("RoleARN"),
            "capabilities": tuple(description.get("Capabilities", ())),
            "failed_because": self._failed_because(stack, stack_id, status),
            "stands_still": status.in_progress and self._stacks.stands_still(stack_id, now()),
        }

    def _failed_because(self, stack: str, stack_id: str, status: StackStatus) -> Cause | None:
        """Return why the stack's last operation failed, or else the last of this incident's that did."""
        if status.in_progress or not status.turned_back:
            return None
        ours = [each.token for each in reversed(self._recovery.record.tried) if each.subject == stack and each.token]
        return self._stacks.what_keeps_it(stack_id, [None, *ours])

    def _stuck(self, stack_id: str, resources: Mapping[str, Sequence[Resource]]) -> tuple[StuckResource, ...]:
        """Read what a rollback is stuck on from each stack's events, and the dependencies from its template."""
        events = {each: list(self._stacks.events(each)) for each in resources}
        needs = {each: self._needs(each) for each in resources}
        return stuck_in_rollback(stack_id, resources, events, needs)

    def _needs(self, stack_id: str) -> dict[str, frozenset[str]]:
        """Without a readable template, no dependencies are known."""
        try:
            return dependencies(load(self._stacks.get_template(stack_id, "Processed"), stack_id))
        except UnreadableTemplate:
            return {}

    def _unproved(
        self, stack: str, stack_id: str, resources: Mapping[str, Sequence[Resource]]
    ) -> tuple[UnprovedResource, ...]:
        """Read from the events what is in doubt, and add what drift detection found."""
        events = self._stacks.events_since(stack_id, self._in_doubt_since(stack))
        known = {each.key: each for each in self._noted(stack)}
        return tuple(each.compared(known.get(each.key)) for each in unproved(stack_id, events, resources))

    def _outputs(
        self, stack: str, baseline: Baseline | None, description: Mapping[str, Any] | None
    ) -> tuple[ChangedOutput, ...]:
        """Compare a stack's outputs with its baseline's, and find who imports the exports that differ."""
        if baseline is None or baseline.outputs is None or description is None:
            return ()
        now, stack_id = outputs_of(description), str(description["StackId"])
        if not _stands(StackStatus(description["StackStatus"])) or now == baseline.outputs:
            return ()
        templates = [self._stacks.get_template(stack_id, "Processed")]
        before, now = shown_outputs(baseline.outputs, templates), shown_outputs(now, templates)
        now |= {name: replace(now[name], value=MASK) for name in before.keys() & now if before[name].value == MASK}
        resources = self._stacks.resources_by_stack(stack_id)
        replaced = replaced_ids(self._stacks.events_since(stack_id, self._operation_on(stack)), resources)
        renewed = {
            each["LogicalResourceId"]
            for each in resources[stack_id]
            if replaced
            and (each["ResourceType"] == NESTED_STACK or each.get("PhysicalResourceId") in replaced.values())
        }
        found = changed_outputs(before, now, replaced, lambda name: bool(renewed & self._behind(stack_id, name)))
        return tuple(replace(each, importers=self._importers(each)) for each in found)

    def _behind(self, stack_id: str, output: str) -> frozenset[str]:
        """The resources that an output depends on; none are known without a readable template."""
        try:
            return behind_output(load(self._stacks.get_template(stack_id, "Processed"), stack_id), output)
        except UnreadableTemplate:
            return frozenset()

    def _importers(self, output: ChangedOutput) -> tuple[str, ...]:
        """Return who imports an output; an access denied is reported, and blocks no recovery."""
        try:
            found = [each for export in output.exports for each in self._stacks.importers(export)]
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            found = [f"stacks that could not be listed ({fault})"]
        return tuple(dict.fromkeys(found))

    def _in_doubt_since(self, stack: str) -> str | None:
        """The operation that failed. A requested rollback undoes successful ones: only its own operations may fail."""
        if isinstance(self._incident.subject, AskedRollback):
            own = (each.token for each in self._recovery.record.tried if each.subject == stack and each.token)
            return next(own, None)
        return self._operation_on(stack)

    def _operation_on(self, stack: str) -> str | None:
        if isinstance(self._incident.subject, ForeignOperation):
            return self._incident.subject.token
        plans = self._recovery.release_plan().stacks
        return next((each.token or self._deployment_token(each) for each in plans if each.stack == stack), None)

    def _noted(self, stack: str) -> tuple[UnprovedResource, ...]:
        return self._recovery.noted(stack).unproved

    def _note(self, step: Step, found: Iterable[UnprovedResource]) -> None:
        known = {each.key: each for each in self._noted(step.subject)} | {each.key: each for each in found}
        noted = self._recovery.noted(step.subject)
        self._recovery.note(step.subject, replace(noted, unproved=(*known.values(),)))

    def _ours(self, stack_id: str) -> bool:
        """Whether the newest operation on a stack was this attempt's or its recovery's."""
        newest, operations = self._stacks.newest_event(stack_id), self._recovery.ledger.operations
        if newest is None:
            return False
        operation = operations.get(stack_id, last_operation(newest))
        if operation is None and (taken := self._stacks.taken_over(stack_id)) is not None:
            # Cancelling or deleting what Belay had started is part of that, whoever did it.
            operation = operations.get(stack_id, taken.token or "")
        if operation is None or operation.purpose is Purpose.REPAIR:
            return False
        # A requested rollback undoes several releases and their recoveries: any operation of Belay's counts.
        return isinstance(self._incident.subject, AskedRollback) or operation.attempt == self._incident.subject.attempt

    def _change_sets_of_shell(self, description: Mapping[str, Any] | None) -> list[str] | None:
        """The change sets of a stack that is only a shell for them; other releases may plan on the same shell."""
        if description is None or description["StackStatus"] != StackStatus.REVIEW_IN_PROGRESS:
            return None
        return self._stacks.list_change_sets(description["StackId"])

    def _changed(self, stack: StackPlan) -> bool:
        """Whether the change set was executed: after a crash the plan may not say so."""
        if stack.progress in (Progress.EXECUTING, Progress.EXECUTED):
            return True
        if stack.stack_id is None:
            return False
        return self._stacks.operation_status(stack.stack_id, self._deployment_token(stack)) is not None

    def _deployment_token(self, stack: StackPlan) -> str:
        return self._recovery.origin.deployment_token(self._incident.stage, stack.stack, stack.generation)

    def _at_baseline(self, stack: StackPlan, baseline: Baseline | None, description: Mapping[str, Any] | None) -> bool:
        """Whether a stack is as it was. A value that a change set did not restore is reported, not tried again."""
        if baseline is None or description is None or not self._matches(baseline, description):
            return False
        tried = any(each.action is Action.UPDATE_TO_BASELINE for each in self._steps_on(stack.stack))
        return tried or not self._values_differ(stack, baseline, description)

    def _matches(self, baseline: Baseline, description: Mapping[str, Any]) -> bool:
        if not baseline.existed or not StackStatus(description["StackStatus"]).updatable:
            return False
        return baseline.matches(description, self._stacks.get_template(description["StackId"]))

    def _values_differ(self, stack: StackPlan, baseline: Baseline, description: Mapping[str, Any]) -> bool:
        if [*kept_resolved(baseline, baseline_of(description, None).resolved)]:
            return True
        if not baseline.hidden or self._put_back(stack, description):
            return False
        return not same_hidden(baseline, self._values.in_use(description["StackId"]))

    def _put_back(self, stack: StackPlan, description: Mapping[str, Any]) -> bool:
        """Whether CloudFormation rolled back the release's own update, and put the hidden values back with it."""
        undone = description["StackStatus"] == StackStatus.UPDATE_ROLLBACK_COMPLETE
        return undone and stack.progress is not Progress.EXECUTED and not self._steps_on(stack.stack)

    def _steps_on(self, stack: str) -> list[StepTaken]:
        actions = (Action.UPDATE_TO_BASELINE, Action.REVERT_DRIFT)
        return [each for each in self._recovery.record.tried if each.subject == stack and each.action in actions]

    def _kept(
        self, stack: StackPlan, baseline: Baseline | None, description: Mapping[str, Any] | None, *, skipped: bool
    ) -> Iterator[KeptValue]:
        """Yield the earlier values that the stack does not get back.

        A resource that was skipped may have the release's hidden values, which drift detection does not compare
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html).
        """
        if baseline is None or not baseline.existed or description is None:
            return
        if baseline.hidden and not self._put_back(stack, description):
            yield from kept_hidden(baseline, self._values.in_use(description["StackId"]))
        elif skipped:
            yield from kept_hidden(baseline, KnownValues(str(stack.token), stack.digests))
        if self._matches(baseline, description):
            yield from kept_resolved(baseline, baseline_of(description, None).resolved)
        yield from kept_references(baseline, self._values.versions(baseline.versions))

    # -- acting --------------------------------------------------------------------------------------------------

    def perform(self, step: Step, number: int) -> bool:
        """Perform a step unless CloudFormation has begun it. Returns whether it has to be called again.

        The step's token distinguishes its events from the deployment's, and is the same for every try. If the stack has
        changed in between, it is planned again; any other refusal is permanent, and must not block the other stacks.
        """
        if self._stacks.operation_status(step.subject_id, self._recovery.token(step, number)) is not None:
            return False
        with self._recovery.blocking(step.subject, unless=refused_for_now):
            return self._begin(step, number)
        # A call that was refused before it was recorded counts as well: nothing is retried forever.
        self._recovery.take(step, number)
        self._recovery.refused(number)
        return False

    def _begin(self, step: Step, number: int) -> bool:
        match step.action:
            case Action.UPDATE_TO_BASELINE:
                return self._update_to_baseline(step, number)
            case Action.REVERT_DRIFT:
                return self._revert_drift(step, number)
            case Action.DETECT_DRIFT:
                self._detect_drift(step, number)
            case Action.DELETE_CHANGE_SET:
                self._recovery.take(step, number)
                self._stacks.delete_change_set(step.parameters["ChangeSetName"])
            case _:
                self._call(step, number)
        return False

    def _call(self, step: Step, number: int) -> None:
        token = self._take(step, number)
        with self._stacks.begun_once(step.subject_id, token):
            self._stacks.perform(step.call[1], step.parameters, token)

    def _update_to_baseline(self, step: Step, number: int) -> bool:
        """Create, check and execute the change set to the baseline. Returns whether it is still being created."""
        change_set_id = self._named_change_set(self._with_values(step), number)
        change_set = self._made(change_set_id)
        if change_set is None:
            return True
        if change_set.empty:
            self._recovery.settle(step.subject)
        elif change_set.failed:
            why = self._stacks.why_failed(change_set)
            self._recovery.block(step.subject, f"the change set for the rollback could not be created: {why}")
        elif (endangered := self._endangered(change_set)) and not self._approved(step, endangered):
            self._ask_about(step, endangered)
        else:
            self._execute(step, number, change_set_id)
            return False
        self._stacks.delete_change_set(change_set_id)
        return False

    def _approved(self, step: Step, endangered: Sequence[str]) -> bool:
        """Whether a person approved that these resources are deleted or replaced."""
        asked = self._asked_about(step)
        return asked is not None and asked.approved is True and names_all(asked, endangered)

    def _ask_about(self, step: Step, endangered: Sequence[str]) -> None:
        """Let the next plan ask; a person who was asked about other resources is not asked again."""
        if self._asked_about(step) is None:
            noted = self._recovery.noted(step.subject)
            self._recovery.note(step.subject, replace(noted, endangered=tuple(endangered)))
            return
        lost = ", ".join(endangered)
        why = (
            f"the change set for the rollback would replace or delete {lost}, which have data and were not asked about"
        )
        self._recovery.block(step.subject, why)

    def _asked_about(self, step: Step) -> AskedQuestion | None:
        name = update_question(step.subject, "", step.subject_id, ()).name
        return self._recovery.ledger.decisions.get(self._recovery.application, self._incident.name, name)

    def _with_values(self, step: Step) -> Step:
        """Return a step that returns to a baseline, with the values that are masked in the plan."""
        given = step.parameters["Parameters"]
        if not any(each.get("ParameterValue") == MASK for each in given):
            return step
        values = self._baseline(step).parameters
        whole = [
            {**each, "ParameterValue": values[each["ParameterKey"]]} if each.get("ParameterValue") == MASK else each
            for each in given
        ]
        return replace(step, parameters={**step.parameters, "Parameters": whole})

    def _baseline(self, step: Step) -> Baseline:
        return self._recovery.ledger.baselines.of(self._recovery.origin, self._incident.stage)[step.subject]

    def _made(self, change_set_id: str) -> ChangeSet | None:
        """Return a change set once it is created. One that became obsolete since a crash is created again."""
        change_set = self._stacks.describe_change_set(change_set_id)
        if change_set is not None and change_set.overtaken:
            self._stacks.delete_change_set(change_set_id)
            return None
        return None if change_set is None or change_set.in_progress else change_set

    def _endangered(self, change_set: ChangeSet) -> list[str]:
        """The resources with data that would be deleted or replaced, also within a nested stack that is deleted."""
        inside = [
            f"{path}/{resource['LogicalResourceId']}"
            for path, stack_id in change_set.removed_stacks
            for resources in self._stacks.resources_by_stack(stack_id).values()
            for resource in resources
            if is_stateful(resource["ResourceType"]) and resource["ResourceStatus"] not in _GONE
        ]
        return [*change_set.endangered, *inside]

    def _execute(self, step: Step, number: int, change_set_id: str) -> None:
        baseline = self._baseline(step) if step.action is Action.UPDATE_TO_BASELINE else None
        template = baseline.template if baseline else None
        token = self._take(step, number, change_set_id, (template.digest,) if template else ())
        if baseline is not None:
            self._values.going_back(step.subject_id, token, baseline)
        with self._stacks.begun_once(step.subject_id, token):
            self._stacks.execute_change_set(change_set_id, token)

    def _detect_drift(self, step: Step, number: int) -> None:
        """Compare one skipped resource with its template, and record how it differs.

        CloudFormation reads the resource with the caller's permissions, and Belay's role cannot read everything
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html).
        """
        stack_id, logical_id = step.parameters["StackName"], step.parameters["LogicalResourceId"]
        self._recovery.take(step, number)
        try:
            found = self._drift.detect(stack_id, logical_id)
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as error:
            found = {"StackResourceDriftStatus": "UNSUPPORTED", "DriftStatusReason": error.message}
        drift, differences = found["StackResourceDriftStatus"], differences_in_words(found)
        looked_at = (each for each in self._doubted(step) if (each.stack_id, each.logical_id) == (stack_id, logical_id))
        self._note(step, [replace(each, drift=drift, differences=differences) for each in looked_at])

    def _doubted(self, step: Step) -> tuple[UnprovedResource, ...]:
        """The resources of a step's stack that only drift detection can be evidence for."""
        found = self._unproved(step.subject, step.subject_id, self._stacks.resources_by_stack(step.subject_id))
        return tuple(each for each in found if not each.trace.outlives)

    def _revert_drift(self, step: Step, number: int) -> bool:
        """Create the drift-aware change set, check it, execute it. Returns whether it is still being created.

        If it is empty, or would do something forbidden, that is recorded and left to a person.
        """
        doubted = self._noted(step.subject)
        try:
            change_set_id = self._named_change_set(step, number)
        except (AccessDenied, InvalidRequest) as error:
            if refused_for_now(error.code, error.message):
                raise
            self._leave(step, f"CloudFormation refused the change set to revert its drift: {error.message}")
            return False
        change_set = self._made(change_set_id)
        if change_set is None:
            return True
        wanted, drifted = {each.path for each in doubted}, set(change_set.drifted)
        if change_set.failed:
            why = self._stacks.why_failed(change_set)
            self._leave(step, f"the change set to revert its drift could not be created: {why}")
        elif not wanted & drifted:
            # It need not be empty: a nested stack may be updated without checking it for drift.
            self._leave(step, "CloudFormation finds no drift to revert: compare it with the template manually")
        elif endangered := self._endangered(change_set):
            lost = ", ".join(endangered)
            self._leave(step, f"reverting its drift would replace or delete {lost}, which have data")
        elif others := drifted - wanted:
            named = ", ".join(sorted(others))
            self._leave(step, f"reverting its drift would also undo a manual change of {named}")
        else:
            # The recorded drift is from before the change set: it is detected again afterwards.
            again = (each for each in doubted if each.drift != "IN_SYNC")
            self._note(step, [replace(each, drift=None, differences="") for each in again])
            self._execute(step, number, change_set_id)
            return False
        self._stacks.delete_change_set(change_set_id)
        return False

    def _leave(self, step: Step, why: str) -> None:
        self._note(step, [replace(each, left=why) for each in self._noted(step.subject) if each.drift != "IN_SYNC"])

    def _named_change_set(self, step: Step, number: int) -> str:
        """Create the change set of a step, or find the one made before a crash."""
        incident = self._incident
        unique = f"{incident.name}-{number}"
        name = change_set_name(self._recovery.application, incident.stage, "recover", step.subject, unique)
        names = {"ChangeSetName": name, "ClientToken": name}
        change_set_id, _ = self._stacks.create_change_set({**step.parameters, **names})
        return change_set_id

    def _take(self, step: Step, number: int, change_set_id: str | None = None, templates: Sequence[str] = ()) -> str:
        """Record that the operation about to begin is Belay's, and what it submits. Returns its token."""
        token = self._recovery.token(step, number)
        self._recovery.ledger.operations.record(
            step.subject_id,
            token,
            self._recovery.origin,
            self._incident.stage,
            purpose=Purpose.RECOVER,
            now=timestamp(),
            change_set_id=change_set_id,
            templates=templates,
        )
        self._recovery.take(step, number, stack_id=step.subject_id, token=token)
        return token

    def discard_change_sets(self) -> None:
        """Delete the change sets of a failed release on unchanged stacks: they will never be executed."""
        for stack in self._recovery.release_plan().in_progress(Progress.PLANNED):
            if stack.change_set_id is not None:
                self._stacks.delete_change_set(stack.change_set_id)


def _stands(status: StackStatus) -> bool:
    """Whether nothing is in progress or failed halfway, so that the events are complete."""
    return status.updatable or status is StackStatus.DELETE_COMPLETE

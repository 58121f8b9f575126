"""The stacks of a stage once planned: executing their change sets, withdrawing those, deleting stacks."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from belay.aws.clock import now, timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.gateways import Aws
from belay.control.sealing import broken_since_approval
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.superseding import runs_newer
from belay.errors import AwsFault, ReleaseSuperseded, StackFailed
from belay.ledger.operations import Purpose
from belay.release.change_plan import ChangePlan
from belay.release.life import State
from belay.release.names import change_set_name
from belay.release.reason import PersonDecided, StackFailure, Statement, Why
from belay.stack.operation import SILENT, refused_for_now
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.stack.status import StackStatus
from belay.stack.trace import undeleted

_BEGINS_WITHIN: Final = timedelta(hours=1)
"""How long the first event of an execution may take; usually it takes seconds."""


def refuse_deleted(run: StageContext, stacks: Stacks) -> None:
    """Raise ``StackFailed`` if a stack of the release was deleted: it must not be announced as deployed."""
    for stack_id in (each.stack_id for each in run.plan().stacks if each.stack_id):
        status = stacks.status(stack_id)
        if status.startswith("DELETE_"):
            said = "it was deleted while the release was being deployed"
            raise run.reasons.failed(StackFailure(stack_id, status, said=said))


class StageStacks:
    """What a release does to the stacks of one stage; the plan, saved on the way, tracks the progress."""

    def __init__(self, run: StageContext, stacks: Stacks, values: StackValues) -> None:
        self._run = run
        self._values = values
        self._stacks = stacks

    @classmethod
    def of(cls, run: StageContext, there: Aws) -> "StageStacks":
        """Return the stacks of a stage, in its account and region."""
        return cls(run, there.stacks, StackValues.of(there, run.ledger))

    # -- confirming ----------------------------------------------------------------------------------------------

    def confirm(self, fencing: int, today: date, files: StageFiles) -> Statement | None:
        """Return why the plan is no longer valid under the stage's lock; None if it is.

        What was approved is compared with its seal, every planned change set with what CloudFormation says now.
        Differences are planned again, unless the stage asks for approval. Raises ``ReleaseSuperseded`` if a newer
        version came or was deployed while this one waited.
        """
        run = self._run
        run.refuse_superseded()
        self._refuse_overtaken()
        broken = broken_since_approval(files, self._stacks, today) if run.asks else None
        if broken is not None:
            return Statement(Why.PLAN_CHANGED, broken)
        plan = run.plan()
        stale = [stack.stack for stack in plan.in_progress(Progress.PLANNED) if self._stale(stack)]
        # Whether a stack still has nothing to change can only be determined by planning it again.
        changed = bool(stale) or plan.changed_since(fencing)
        doubtful = [stack.stack for stack in plan.in_progress(Progress.UNCHANGED)] if changed else []
        if not stale and not doubtful:
            return None
        run.save(plan.planned_anew([*stale, *doubtful]))
        again = ", ".join([*stale, *doubtful])
        return Statement(Why.PLAN_CHANGED, f"the stage changed while the release waited: {again} must be planned again")

    def _stale(self, stack: StackPlan) -> bool:
        found = self._stacks.describe_change_set(str(stack.change_set_id))
        return found is None or not found.ready or found.digest != stack.digest

    def _refuse_overtaken(self) -> None:
        """Raise ``ReleaseSuperseded`` unless this release is newer than what is deployed, or a deliberate downgrade."""
        run, manifest = self._run, self._run.accepted.manifest
        running = runs_newer(run.ledger, run.release, run.stage.name)
        if running is not None and not manifest.downgrade:
            raise ReleaseSuperseded(f"{running} was deployed to {run.stage.name} while {manifest.version} waited")

    # -- executing -----------------------------------------------------------------------------------------------

    def advance(self, changes: ChangePlan | None) -> StagePlan:
        """Execute the change sets that are ready and follow them; returns the plan. Raises ``StackFailed``.

        None is executed while database changes are to be applied first.
        """
        plan = self._run.plan()
        waits = changes is not None and changes.due(plan)
        for stack in plan.in_progress(Progress.PLANNED) if not waits else ():
            plan = plan.with_stack(self._execute(stack))
            self._run.save(plan)
        for stack in plan.in_progress(Progress.EXECUTING):
            plan = plan.with_stack(self._follow(stack))
        self._run.save(plan)
        return plan

    def _execute(self, stack: StackPlan) -> StackPlan:
        """Execute a stack's change set once: a rerun finds the operation by its token."""
        run, release, stage = self._run, self._run.release, self._run.stage.name
        stack_id, token = str(stack.stack_id), release.origin.deployment_token(stage, stack.stack, stack.generation)
        if self._stacks.operation_status(stack_id, token) is None:
            run.ledger.operations.record(
                stack_id,
                token,
                release,
                stage,
                purpose=Purpose.DEPLOY,
                now=timestamp(),
                change_set_id=stack.change_set_id,
                templates=(run.accepted.manifest.template_digest(stack.stack),),
            )
            run.ledger.attempts.record(release, State.EXECUTING, timestamp(), stage=stage, about=stack.stack)
            self._begin(stack, token)
        return replace(stack, progress=Progress.EXECUTING, token=token, asked_at=timestamp())

    def _begin(self, stack: StackPlan, token: str) -> None:
        """Execute a change set. Raises ``StackFailed`` if it is obsolete: the stack has changed since."""
        try:
            with self._stacks.begun_once(str(stack.stack_id), token):
                self._stacks.execute_change_set(str(stack.change_set_id), token)
        except AwsFault as fault:
            if not refused_for_now(fault.code, fault.message):
                raise
            why = (
                f"{stack.stack_name} was updated by others after its change set was created, so that it can no "
                f"longer be executed: upload the release again. CloudFormation: {fault.message}"
            )
            raise self._run.reasons.failed(Statement(Why.PLAN_CHANGED, why)) from fault

    def _follow(self, stack: StackPlan) -> StackPlan:
        """Return the stack with the state of its execution. Raises ``StackFailed`` with the first cause.

        If the execution's own events stop, the stack itself is described: another operation may have taken it over.
        """
        stack_id, token = str(stack.stack_id), str(stack.token)
        seen = self._stacks.operation(stack_id, token)
        if seen.taken_over is not None:
            by = seen.taken_over
            raise self._run.reasons.failed(PersonDecided(by.by, by.in_words(stack.stack_name)))
        if seen.status is None or (seen.status.in_progress and not seen.status.turned_back):
            silence = self._silence(stack, seen.status)
            if silence is None:
                return stack
            raise self._run.reasons.failed(StackFailure(stack_id, self._stacks.status(stack_id), said=silence))
        if seen.status.succeeded:
            self._values.keep(stack_id, token, stack.digests)
            left = undeleted(stack_id, self._stacks.events_since(stack_id, token))
            return replace(stack, progress=Progress.EXECUTED, undeleted=left)
        raise self._failed(stack_id, seen.status, token)

    def _silence(self, stack: StackPlan, status: StackStatus | None) -> str | None:
        """Say how long an execution has had no events, if that is too long: before its first, or since its last."""
        if status is not None:
            return SILENT if self._stacks.stands_still(str(stack.stack_id), now()) else None
        waited = now() - datetime.fromisoformat(stack.asked_at or timestamp())
        if waited <= _BEGINS_WITHIN:
            return None
        return f"the execution of its change set was requested at {stack.asked_at}, and CloudFormation shows none"

    def _failed(self, stack_id: str, status: StackStatus, token: str) -> StackFailed:
        cause = self._stacks.first_cause(stack_id, token)
        return self._run.reasons.failed(StackFailure(stack_id, status, cause, said="CloudFormation gave no cause"))

    # -- deleting ------------------------------------------------------------------------------------------------

    def delete_last(self) -> bool:
        """Delete the last stack that still exists. Returns whether none is left. Raises ``StackFailed``."""
        stacks = [stack for stack in self._run.plan().stacks if stack.stack_id]
        standing = next((stack for stack in reversed(stacks) if not self._gone(stack)), None)
        if standing is not None:
            self._delete(standing, "delete")
        return standing is None

    def _gone(self, stack: StackPlan) -> bool:
        """Whether a stack is deleted. Raises ``StackFailed`` if its deletion failed."""
        stack_id = str(stack.stack_id)
        status = self._stacks.status(stack_id)
        if status is StackStatus.DELETE_FAILED:
            raise self._failed(stack_id, status, self._run.token(stack.stack, "delete"))
        return status is StackStatus.DELETE_COMPLETE

    def _delete(self, stack: StackPlan, purpose: str) -> None:
        """Request a stack's deletion, unless its status does not allow it now; idempotent."""
        run, stack_id, token = self._run, str(stack.stack_id), self._run.token(stack.stack, purpose)
        run.ledger.operations.record(
            stack_id, token, run.release, run.stage.name, purpose=Purpose.DELETE, now=timestamp()
        )
        try:
            self._stacks.delete_stack(stack_id, token, run.stage.service_role)
        except AwsFault as fault:
            if not refused_for_now(fault.code, fault.message):
                raise

    # -- withdrawing ---------------------------------------------------------------------------------------------

    def withdraw(self) -> list[str]:
        """Delete every change set made under a plan's name, recorded or not, and empty stack shells.

        What was executed stays. Returns the stacks that have some left: CloudFormation cannot delete one that is still
        being created.
        """
        executed = (Progress.EXECUTING, Progress.EXECUTED)
        stacks = [self._found(stack) for stack in self._run.plan().stacks if stack.progress not in executed]
        for stack in stacks:
            for change_set_id in self._made(stack):
                self._stacks.delete_change_set(change_set_id)
            if self._is_shell(stack):
                self._delete(stack, "discard")
        return [stack.stack for stack in stacks if self._made(stack) or self._is_shell(stack)]

    def _found(self, stack: StackPlan) -> StackPlan:
        """Return a stack with its id: a step may have made its change set and crashed before recording that."""
        description = None if stack.stack_id else self._stacks.describe_stack(stack.stack_name)
        return stack if description is None else replace(stack, stack_id=description["StackId"], creates=True)

    def _made(self, stack: StackPlan) -> list[str]:
        """Return the ids of the change sets that this attempt has made of a stack that exists."""
        run, release = self._run, self._run.release
        gone = (StackStatus.DELETE_IN_PROGRESS, StackStatus.DELETE_COMPLETE)
        if stack.stack_id is None or self._stacks.status(stack.stack_id) in gone:
            return []
        names = {
            change_set_name(release.application, run.stage.name, release.version, stack.stack, f"{release.attempt}-{n}")
            for n in range(1, stack.generation + 2)
        }
        return [each for each in self._stacks.list_change_sets(stack.stack_id) if each.split("/")[1] in names]

    def _is_shell(self, stack: StackPlan) -> bool:
        """Whether a stack is only a shell that was never created; another release may plan on the same shell."""
        if not stack.creates or stack.stack_id is None:
            return False
        description = self._stacks.describe_stack(stack.stack_id)
        shell = description is not None and description["StackStatus"] == "REVIEW_IN_PROGRESS"
        return shell and not self._stacks.list_change_sets(stack.stack_id)

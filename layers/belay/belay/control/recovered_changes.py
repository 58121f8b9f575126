"""The database changes of an incident: determining their state, and having them undone."""

from collections.abc import Mapping
from dataclasses import replace

from belay.control.recovery import Recovery
from belay.control.stage import StageContext
from belay.control.stage_changes import StageChanges, record_changes
from belay.errors import ExecutorFailed, MissingDocument
from belay.release.applied import AppliedOutcome
from belay.release.change_plan import ChangePlan, ChangeState
from belay.rollback.plan import Action, Step
from belay.subject.subjects import AskedRollback, ReleaseAttempt

UNDO_OF: Mapping[Action, str] = {Action.CHECK_CHANGES: "settle", Action.UNDO_CHANGES: "undo"}


def blocked_as(database: str) -> str:
    """Return the name under which a recovery records why a database's changes, not the database, are blocked."""
    return f"{database}#changes"


class RecoveredChanges:
    """Performs the steps of an incident on its release's database changes, which are those of ``stage_of``."""

    def __init__(self, recovery: Recovery, changes: StageChanges) -> None:
        self._recovery = recovery
        self._changes = changes

    def perform(self, step: Step, number: int) -> bool:
        """Take a step; it is started once for an incident, however often this is called. Returns whether to call again.

        An executor that refused or does not respond is recorded: the next plan restores instead.
        """
        if not any(each.action is step.action for each in self._recovery.record.tried):
            self._recovery.take(step, number)
        with self._recovery.blocking(blocked_as(step.subject)):
            try:
                return self._advance(step)
            except ExecutorFailed as error:
                self._recovery.block(blocked_as(step.subject), str(error))
        return False

    def _advance(self, step: Step) -> bool:
        name = f"{UNDO_OF[step.action]}-{self._recovery.incident.name}"
        if step.action is Action.CHECK_CHANGES:
            return self._changes.settle(name).state is ChangeState.APPLYING
        plan = self._changes.undo(name)
        if plan.state is ChangeState.FAILED:
            self._recovery.block(blocked_as(step.subject), _refusal(plan))
        return plan.state is ChangeState.UNDOING


def record_restored(recovery: Recovery) -> None:
    """Record that a release's database changes are no longer there if its incident restored their database."""
    plan = recovery.change_plan()
    if plan is None or not plan.standing:
        return
    tried = [each.action for each in recovery.record.tried if each.subject == plan.database.identifier]
    swaps = [action for action in tried if action in _SWAPS]
    if swaps[-1:] == [Action.RENAME_RESTORED]:
        run = stage_of(recovery)
        record_changes(run, plan, AppliedOutcome.RESTORED)
        run.save_changes(replace(plan, state=ChangeState.RESTORED))


def stage_of(recovery: Recovery) -> StageContext:
    """Return the stage of the release whose database changes an incident is about. Raises ``MissingDocument``."""
    subject, accepted = recovery.incident.subject, recovery.accepted()
    if not isinstance(subject, ReleaseAttempt | AskedRollback) or accepted is None:
        raise MissingDocument(f"{recovery.incident.name} is about no release that changed a database")
    stage = accepted.stages[recovery.incident.stage]
    return StageContext(subject.release, accepted, stage, recovery.artifacts, recovery.ledger)


_SWAPS = (Action.RENAME_RESTORED, Action.UNDO_RENAME_RESTORED)


def _refusal(plan: ChangePlan) -> str:
    return f"its executor did not undo them: {plan.reason or 'it gave no reason'}"

"""Ending recoveries: the release gets its outcome, people are told once, the stage is free again."""

from collections.abc import Sequence
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.cloudformation import Stacks
from belay.control.endings import Endings
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.unhealthy import Unhealthy
from belay.notify.deployment import Deployment
from belay.notify.incidents import foreign_stack_failed
from belay.notify.releases import asked_rollback_ended
from belay.notify.told import in_words
from belay.release.left_to_do import LeftToDo
from belay.release.reason import caught, from_document
from belay.release.records import Outcome
from belay.rollback.services import left_stopped


class RecoveryEnd:
    """Ends one incident, whatever it is about; what it leaves unstable is watched from then on."""

    def __init__(self, recovery: Recovery, stacks: Stacks, endings: Endings, unhealthy: Unhealthy) -> None:
        self._recovery = recovery
        self._incident = recovery.incident
        self._ledger = recovery.ledger
        self._stacks = stacks
        self._endings = endings
        self._unhealthy = unhealthy

    def close(self, outcome: Outcome, stopped_by: Any) -> None:
        """Record and tell how the recovery ended; ``stopped_by`` is the fault that ended it, where one did."""
        left_to_do = self._left_to_do(stopped_by)
        if self._incident.foreign:
            self._close_foreign(outcome, left_to_do)
        elif self._incident.asked_by:
            self._close_asked(outcome, left_to_do)
        elif self._incident.pipeline is not None:
            self._close_pipeline(outcome, left_to_do)
        else:
            self._close_release(outcome, left_to_do)

    def free_stage(self, fencing: int) -> None:
        """Give the stage's lock back, last: who waits for it to recover the same must find the incident ended."""
        self._ledger.locks.release(self._recovery.application, self._incident.stage, fencing)

    def _close_release(self, outcome: Outcome, left_to_do: Sequence[LeftToDo]) -> None:
        """Give the release its outcome, then the incident: the release's own machines wait for that."""
        incident = self._incident
        RecoveredStacks.of(self._recovery).discard_change_sets()
        self._endings.close_release(
            incident.release,
            outcome,
            reason=incident.reason,
            stage=incident.stage,
            done=self._done(),
            left_to_do=left_to_do,
        )
        if outcome is Outcome.NEEDS_OPERATOR:
            self._unhealthy.watch(incident, self._recovery.stack_ids())
        self._record(outcome)
        self._ledger.incidents.announced(self._recovery.application, incident.name)

    def _close_pipeline(self, outcome: Outcome, left_to_do: Sequence[LeftToDo]) -> None:
        """Tell how the way back from what a pipeline had deployed ended, once."""
        incident = self._incident
        if outcome is Outcome.NEEDS_OPERATOR:
            self._unhealthy.watch(incident, self._recovery.stack_ids())
        self._endings.close_pipeline(
            incident, outcome, reason=incident.reason, done=self._recovery.done(), left_to_do=left_to_do
        )

    def _close_foreign(self, outcome: Outcome, left_to_do: Sequence[LeftToDo]) -> None:
        """Tell about a stack that failed under somebody else's hands, once."""
        incident, stack_id = self._incident, str(self._incident.stack_id)
        if not self._record(outcome):
            return
        description = self._stacks.describe_stack(stack_id)
        self._endings.tell(
            incident,
            foreign_stack_failed(
                self._recovery.application,
                incident.stage,
                stack=str(incident.stack),
                stack_id=stack_id,
                status="DELETED" if description is None else description["StackStatus"],
                reason=from_document(incident.reason),
                done=self._recovery.done(),
                left_to_do=left_to_do,
                thread=incident.name,
            ),
        )
        if outcome is Outcome.NEEDS_OPERATOR:
            self._unhealthy.watch(incident, self._recovery.stack_ids())
        self._ledger.incidents.announced(self._recovery.application, incident.name)

    def _close_asked(self, outcome: Outcome, left_to_do: Sequence[LeftToDo]) -> None:
        """Tell whoever asked how it ended; what the stage was brought back to is its last-known-good release again."""
        incident, application = self._incident, self._recovery.application
        if "announced" in self._recovery.record:
            return
        if outcome is Outcome.ROLLED_BACK and incident.target is not None:
            self._ledger.releases.went_back(incident.target, incident.stage, timestamp())
        self._record(outcome)
        self._endings.tell(
            incident,
            asked_rollback_ended(
                outcome,
                Deployment(application, incident.release.version, incident.stage, thread=incident.thread),
                target=None if incident.target is None else incident.target.version,
                reason=from_document(incident.reason),
                done=self._done(),
                left_to_do=left_to_do,
            ),
        )
        if outcome is Outcome.NEEDS_OPERATOR:
            self._unhealthy.watch(incident, self._recovery.stack_ids())
        self._ledger.incidents.announced(application, incident.name)

    def _record(self, outcome: Outcome) -> bool:
        """Record how the incident ended. False where that was recorded and announced before."""
        incident = self._incident
        return self._ledger.incidents.close(
            self._recovery.application, incident.name, outcome, incident.reason, timestamp()
        )

    def _done(self) -> list[str]:
        """Say what was done, in order, and what there is to say about it."""
        remarks = self._recovery.plan().remarks
        return [*self._recovery.done(), *(each.in_words() for each in remarks if not each.follow_up)]

    def _left_to_do(self, stopped_by: Any) -> list[LeftToDo]:
        """Return what a person must do: what the plan left, and what stopped the recovery itself, if anything."""
        plan = self._recovery.plan()
        left = [*plan.left_to_do, *(LeftToDo(each.subject, each.what) for each in plan.remarks if each.follow_up)]
        if stopped_by is None:
            return left
        stopped = LeftToDo(
            self._incident.stage,
            "look at each stack before anything is deployed again",
            f"the recovery stopped: {in_words(caught(stopped_by))}",
        )
        return [*left, stopped, *plan.undone(), *left_stopped(self._recovery.record["noted"])]

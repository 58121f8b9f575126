"""Closing incidents: recorded once, announced once, watched while stacks are unstable; the lock is released last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.metrics import emit
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.control.endings import Endings
from belay.control.places import Places
from belay.control.recovery import Recovery
from belay.control.unhealthy import Unhealthy
from belay.errors import AwsFault, may_pass
from belay.ledger.ledger import Ledger
from belay.notify.incidents import foreign_stack_failed
from belay.notify.message import Message
from belay.notify.pipelines import pipeline_recovered
from belay.notify.releases import asked_rollback_ended
from belay.notify.told import in_words
from belay.release.attempt import StackLeft
from belay.release.left_to_do import Choice, LeftToDo
from belay.release.reason import Reason, caught
from belay.release.records import Outcome
from belay.rollback.services import left_stopped
from belay.subject import measures
from belay.subject.incident import Incident
from belay.subject.subjects import AskedRollback, ForeignOperation, PipelineDeployment, ReleaseAttempt


@dataclass(frozen=True)
class Ended:
    """How a recovery ended: its cause, why it was abandoned if it was, what was done, and what is left for a person."""

    outcome: Outcome
    reason: Reason
    done: Sequence[str] = ()
    left_to_do: Sequence[LeftToDo] = ()


class Closing:
    """Closes incidents by kind of subject, and with them releases. A rerun finishes the work of a crashed one.

    ``default_topic`` is for applications without their own.
    """

    def __init__(
        self, ledger: Ledger, artifacts: ArtifactBucket, places: Places, sns: Notifications, default_topic: str
    ) -> None:
        self.endings = Endings(ledger, artifacts, sns, default_topic)
        self.unhealthy = Unhealthy(ledger, places, sns, default_topic)
        self._ledger = ledger
        self._places = places

    def close(self, recovery: Recovery, ended: Ended) -> None:
        """Record and announce how an incident ended, unless that was done; a recorded outcome is kept.

        A release's own state machines wait for the incident to end, so the release's stage gets its outcome first.
        """
        incident, record = recovery.incident, recovery.record
        if record.announced:
            return
        ended = replace(ended, outcome=record.outcome or ended.outcome)
        if ended.outcome is Outcome.NEEDS_OPERATOR:
            self._ledger.incidents.leave(incident)
            if not incident.subject.ephemeral:
                self._ledger.stages.leave(incident.application, incident.stage, self._mixed(recovery, ended.left_to_do))
        match incident.subject:
            case ReleaseAttempt(release=release, stage=stage):
                self.endings.stage_recovered(
                    release, stage, ended.outcome, ended.reason, done=ended.done, left_to_do=ended.left_to_do
                )
            case AskedRollback(stage=stage, target=target, asked_by=by) if ended.outcome is Outcome.ROLLED_BACK:
                gone = self._ledger.stages.went_back(
                    incident.application, stage, target, incident.name, by, timestamp()
                )
                emit(measures.taken_back(incident, gone))
                self.endings.supersede(incident.application, stage, f"{stage} was rolled back by {incident.name}")
        if ended.outcome is Outcome.NEEDS_OPERATOR:
            self.unhealthy.watch(incident, recovery.stacks(), ended.left_to_do)
        now = timestamp()
        if not self._ledger.incidents.close(incident, ended.outcome, ended.reason, now):
            return
        message = self._message(incident, ended)
        if message is not None:
            self.endings.tell(incident, message)
        self._ledger.decisions.close(incident.application, incident.name, timestamp())
        self._ledger.incidents.announced(incident)
        emit(measures.restored(incident, record.opened_at, ended.outcome, now))

    def _mixed(self, recovery: Recovery, left_to_do: Sequence[LeftToDo]) -> list[StackLeft]:
        """Return the stacks that do not run the stage's version after an incomplete rollback."""
        subject, doubtful = recovery.incident.subject, recovery.not_recovered(left_to_do)
        match subject:
            case ReleaseAttempt(release=release):
                return [StackLeft(each.stack, each.stack_name, release.version) for each in doubtful]
            case AskedRollback(release=release, target=target):
                runs = self._ledger.stages.runs(subject.application, subject.stage)
                left_by = "" if runs is not None and runs.release.version == release.version else release.version
                back = [each for each in recovery.changed_stacks() if each not in doubtful]
                return [
                    *(StackLeft(each.stack, each.stack_name, left_by) for each in doubtful if left_by),
                    *(StackLeft(each.stack, each.stack_name, target.version, back=True) for each in back if target),
                ]
        return []

    def _message(self, incident: Incident, ended: Ended) -> Message | None:
        """Return the message about the end; None for a release, which announces its own outcome."""
        subject, reason = incident.subject, ended.reason
        told: dict[str, Any] = {"done": ended.done, "left_to_do": ended.left_to_do}
        match subject:
            case ReleaseAttempt():
                return None
            case PipelineDeployment(application=application, stage=stage, pipeline=pipeline, execution=execution):
                return pipeline_recovered(
                    application,
                    stage,
                    pipeline=pipeline,
                    execution=execution,
                    incident=incident.name,
                    outcome=ended.outcome,
                    reason=reason,
                    thread=subject.thread,
                    **told,
                )
            case ForeignOperation(application=application, stage=stage, stack=stack, stack_id=stack_id):
                status = self._status(incident, stack_id)
                return foreign_stack_failed(
                    application,
                    stage,
                    stack=stack,
                    stack_id=stack_id,
                    status=status,
                    reason=reason,
                    thread=subject.thread,
                    **told,
                )
            case AskedRollback(application=application, stage=stage, target=target):
                to = None if target is None else target.version
                runs_now = self._ledger.stages.in_words(application, stage)
                return asked_rollback_ended(
                    ended.outcome, subject.told_as, target=to, reason=reason, runs_now=runs_now, **told
                )

    def _status(self, incident: Incident, stack_id: str) -> str:
        """Return a stack's status for people; a stack that cannot be described must not delay the announcement."""
        try:
            description = self._places.of_incident(incident).stacks.describe_stack(stack_id)
        except AwsFault as fault:
            if may_pass(fault):
                raise
            return "UNKNOWN"
        return "DELETED" if description is None else str(description["StackStatus"])

    def give_up(self, recovery: Recovery, reason: Reason) -> None:
        """Leave an incident to a person, and release the stage's lock."""
        incident = recovery.incident
        left_to_do = [
            _look_at_all(incident, in_words(reason)),
            *recovery.plan().undone(),
            *left_stopped(recovery.record.noted),
        ]
        self.close(recovery, Ended(Outcome.NEEDS_OPERATOR, reason, left_to_do=left_to_do))
        lock = self._ledger.locks.get(incident.application, incident.stage)
        if lock is not None and lock.held and lock.incident == incident.name:
            self._ledger.locks.release(incident.application, incident.stage, lock.fencing)


def ended(recovery: Recovery, outcome: Outcome, stopped_by: str | Mapping[str, str] | None) -> Ended:
    """Summarize a recovery: the steps, the remarks, what the plan left undone, and what stopped it.

    ``stopped_by`` is the fault that ended the recovery itself, if one did.
    """
    plan = recovery.plan()
    done = [*recovery.done(), *(each.in_words() for each in plan.remarks if not each.follow_up)]
    left = [*plan.left_to_do, *(LeftToDo(each.subject, each.what) for each in plan.remarks if each.follow_up)]
    if stopped_by is not None:
        stopped = _look_at_all(recovery.incident, f"the recovery stopped: {in_words(caught(stopped_by))}")
        left += [stopped, *plan.undone(), *left_stopped(recovery.record.noted)]
    return Ended(outcome, recovery.incident.reason, done, left)


def _look_at_all(incident: Incident, why: str) -> LeftToDo:
    """Leave to a person a stage whose recovery was not completed: what was not done is listed after it."""
    by_hand = Choice("complete the remaining steps manually", "only what each step says")
    again = Choice("have Belay continue", f"as its plan says ({incident.again} --plan)", incident.again)
    return LeftToDo(
        incident.stage,
        "check every stack before the next deployment",
        why,
        look=f"belay status {incident.application}",
        choices=(again, by_hand) if incident.again else (),
    )

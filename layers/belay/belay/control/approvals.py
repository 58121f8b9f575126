"""Requesting a stage's approval, and sending reminders."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from belay.approval.asked import AskedApproval, AwaitedApproval
from belay.approval.request import ApprovalRequest, ApprovalText, in_utc, remind_at
from belay.approval.seal import Seal
from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.control.decisions import Decisions
from belay.control.endings import Endings
from belay.control.sealing import looked_up, sealed_now
from belay.control.shown_change_sets import shown
from belay.control.stage_files import StageFiles
from belay.ledger.ledger import Ledger
from belay.notify.approvals import approval_requested
from belay.notify.deployment import Deployment
from belay.notify.message import Message
from belay.release.attempt import Attempt
from belay.release.left_to_do import LeftToDo
from belay.release.life import State
from belay.release.records import ReleaseReference
from belay.rollback.rehearsal import Rehearsal

_MOST_OTHERS = 10


class Approvals:
    """Approval requests: stored in the ledger and the artifact bucket, announced on the application's topic."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, endings: Endings) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._endings = endings

    def gather(self, files: StageFiles, stacks: Stacks, asked_at: datetime) -> ApprovalRequest:
        """Gather everything that a stage's approval covers, given the release's files there."""
        run, sealed = files.run, sealed_now(files, stacks, asked_at.date())
        held = run.stage.calendar.held(asked_at)
        request = ApprovalRequest(
            sealed=replace(sealed, change_sets=shown(sealed.change_sets, stacks)),
            seal=Seal.of(sealed),
            asked_at=asked_at,
            expires_at=asked_at + timedelta(days=run.stage.approval.expires_after_days),
            replaces=self._ledger.stages.in_words(run.release.application, run.stage.name),
            others=tuple(self._others(run.release)),
            rehearsal=run.artifacts.read(run.release.stage_key(run.stage.name, "rehearsal.json"), Rehearsal.from_dict),
            held=None if held is None else run.stage.calendar.in_words(held.until),
        )
        return replace(request, unsealed=tuple(looked_up(run, request.static)))

    def _others(self, release: ReleaseReference) -> list[str]:
        open_ones = [
            self._ledger.attempts.get(each.upload)
            for each in self._ledger.attempts.open_ones(faults=[])  # the sweep reports what cannot be read
            if each.upload.application == release.application and each.upload.attempt != release.attempt
        ]
        others = [each for each in open_ones if each is not None and each.release is not None]
        return [f"{each.version} ({each.standing})" for each in others[:_MOST_OTHERS]]

    def keep(self, request: ApprovalRequest, report: str) -> None:
        """Write the seal and the report beside the stage's other documents."""
        release, stage = request.sealed.release, request.stage.name
        self._artifacts.put_json(release.stage_key(stage, "seal.json"), request.seal.to_dict())
        self._artifacts.put_html(release.stage_key(stage, "report.html"), report)
        self._artifacts.put_json(release.stage_key(stage, "approval.json"), ApprovalText.of(request).to_dict())

    def record(self, request: ApprovalRequest, task_token: str) -> None:
        """Record that the stage waits for an answer."""
        release, stage = request.sealed.release, request.stage
        asked_at = request.asked_at.isoformat(timespec="milliseconds")
        asked = AskedApproval(
            stage.name,
            release.attempt,
            task_token,
            requested_at=asked_at,
            expires_at=request.expires_at.isoformat(timespec="milliseconds"),
            four_eyes=stage.approval.four_eyes,
            digest=request.seal.digest,
            seal=request.seal,
        )
        until = f"until {in_utc(request.expires_at)}"
        self._ledger.attempts.record(release, State.AWAITING_APPROVAL, asked_at, stage=stage.name, detail=until)
        self._ledger.approvals.ask(release, asked)

    def announce(self, request: ApprovalRequest) -> None:
        """Ask the approvers."""
        release, stage, told = request.sealed.release, request.stage, ApprovalText.of(request)
        # Anyone with the link can answer: it is sent to the approvers and stored nowhere.
        by_link = [LeftToDo("", f"Without the command: open {request.link}")] if request.link else []
        message = _message(release, stage.name, told, by_link)
        withheld = request.link.partition("=")[0] if request.link else ""
        self._endings.topic_of(release).publish(replace(message, withheld=withheld), ())

    def follow_up(self, awaited: AwaitedApproval, decisions: Decisions, now: datetime) -> bool:
        """Process one pending approval; True if a reminder was sent.

        An answer that was recorded but maybe not delivered is delivered again. One reminder is sent, when it is due.
        A request that can no longer be answered is dropped.
        """
        release, stage = awaited.release, awaited.stage
        approval = self._ledger.approvals.asked_of(release, stage)
        attempt = self._ledger.attempts.get(release)
        asked_at, expires_at = map(datetime.fromisoformat, (awaited.asked_at, awaited.expires_at))
        answer = None if approval is None else approval.answer
        if answer is not None and decisions.deliver(release, stage, answer):
            return False
        if attempt is None or attempt.outcome is not None or now > expires_at or (answer and _went_on(attempt, stage)):
            self._ledger.approvals.ask_no_more(release, stage)
        elif answer is None and awaited.reminded_at is None and now >= remind_at(asked_at, expires_at):
            kept = self._artifacts.require_json(release.stage_key(stage, "approval.json"))
            message = _message(release, stage, ApprovalText.from_dict(kept), (), reminder=True)
            self._endings.topic_of(release).publish(message, ())
            self._ledger.approvals.reminded(awaited, now.isoformat(timespec="milliseconds"))
            return True
        return False


def _went_on(attempt: Attempt, stage: str) -> bool:
    """Whether an execution has continued after an approval, having received the answer."""
    asks = (State.AWAITING_APPROVAL, State.APPROVED, State.APPROVAL_DENIED)
    standing = attempt.in_stage(stage)
    return standing is None or standing.state not in asks


def _message(
    release: ReleaseReference, stage: str, told: ApprovalText, by_link: Sequence[LeftToDo], *, reminder: bool = False
) -> Message:
    about = Deployment(release.application, release.version, stage, thread=release.thread)
    answers = [*(LeftToDo("", answer, then=command) for answer, command in told.answers.items()), *by_link]
    return approval_requested(about, **{**vars(told), "answers": answers}, reminder=reminder)

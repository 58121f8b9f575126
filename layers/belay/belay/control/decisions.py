"""Processing decisions: each is recorded once, then delivered to the waiting execution."""

import json
from contextlib import suppress
from dataclasses import replace

from belay.approval.asked import GivenAnswer, Word
from belay.approval.decision import Decision, answered_before, refuse_approval, refuse_override, refuse_question
from belay.approval.principal import Principal
from belay.aws.stepfunctions import Executions
from belay.errors import IllegalTransition
from belay.events.function_url import Refusal
from belay.ledger.ledger import Ledger
from belay.release.life import Occurrence, State
from belay.release.reason import APPROVAL_DENIED, PersonDecided, to_dict
from belay.release.records import Outcome, ReleaseReference
from belay.rollback.question import AskedQuestion


class Decisions:
    """Records decisions in the ledger. A recorded decision that was not delivered is delivered again later."""

    def __init__(self, ledger: Ledger, executions: Executions) -> None:
        self._ledger = ledger
        self._executions = executions

    def take(self, decision: Decision, caller: Principal, now: str) -> GivenAnswer | Refusal:
        """Record a decision and return it as stored in the ledger, or the reason for a refusal.

        The same decision sent twice by the same person is recorded once and gets the same response.
        """
        answer = GivenAnswer(decision.word, caller.arn, now, decision.comment, caller.principal_id)
        if decision.incident:
            return self._question(decision, answer)
        if decision.word == "override":
            return self._override(decision, answer)
        return self._approval(decision, caller, answer)

    def _approval(self, decision: Decision, caller: Principal, answer: GivenAnswer) -> GivenAnswer | Refusal:
        application, version, stage = decision.application, decision.version, decision.stage
        attempt = self._ledger.attempts.current(application, version)
        release = None if attempt is None else attempt.release
        approval = None if release is None else self._ledger.approvals.asked_of(release, stage)
        refusal = refuse_approval(
            decision,
            approval,
            attempt,
            uploader=None if attempt is None else self._ledger.uploads.uploader(attempt.upload),
            earlier=self._earlier_uploaders(application, version),
            caller=caller,
            now=answer.at,
        )
        if approval is None or release is None or (refusal and not answer.repeats(approval.answer)):
            return refusal or Refusal(404, "Unknown", f"{decision.about} is not known")
        if refusal is None:
            answer = replace(answer, seal=approval.digest)
            if not self._ledger.approvals.answer(release, stage, answer):
                first = self._ledger.approvals.asked_of(release, stage)
                return answered_before(decision.about, (first and first.answer) or answer)
        answer = approval.answer or answer
        waited = self.deliver(release, stage, answer)
        # A delivered answer closed the task: a repeat gets the same response, unless the release stopped.
        stopped = attempt is not None and attempt.outcome is Outcome.ABORTED
        if not waited and (refusal is None or stopped):
            return Refusal(410, "Ended", f"{decision.about} is no longer waiting: it expired or was stopped")
        return answer

    def deliver(self, release: ReleaseReference, stage: str, answer: GivenAnswer) -> bool:
        """Deliver a recorded answer to the execution that waits for it. False if none is waiting.

        A successor may replace the task token at any time: it is read last, and again if nothing waits for it.
        """
        state = State.APPROVED if answer.word == "approve" else State.APPROVAL_DENIED
        # An execution that already continued, or has ended, no longer waits.
        with suppress(IllegalTransition):
            self._ledger.attempts.record(release, state, answer.at, stage=stage, detail=answer.in_words)
        tried = None
        while (asked := self._ledger.approvals.asked_of(release, stage)) and asked.task_token != tried:
            tried = asked.task_token
            if self._send(tried, answer):
                self._ledger.approvals.delivered(release, stage, tried)
                return True
        return False

    def _send(self, token: str, answer: GivenAnswer) -> bool:
        if answer.word == "approve":
            return self._executions.send_task_success(token, {"seal": answer.seal, "by": answer.by})
        denied = PersonDecided(answer.by, "rejected it", answer.comment)
        return self._executions.send_task_failure(token, APPROVAL_DENIED, json.dumps(to_dict(denied)))

    def _earlier_uploaders(self, application: str, version: str) -> list[Principal]:
        attempts = self._ledger.attempts.of_version(application, version)
        return [*filter(None, (self._ledger.uploads.uploader(each.upload) for each in attempts))]

    def _question(self, decision: Decision, answer: GivenAnswer) -> GivenAnswer | Refusal:
        application, incident, question = decision.application, decision.incident, decision.question
        asked = self._ledger.decisions.of_incident(application, incident)
        record = self._ledger.incidents.get(application, incident)
        outcome = None if record is None else record.outcome
        refusal = refuse_question(decision, asked, known=record is not None, outcome=outcome)
        if refusal is not None:
            standing = _said(asked.get(question))
            return standing if standing and answer.repeats(standing) else refusal
        if self._ledger.decisions.decide(
            application,
            incident,
            question,
            approved=answer.word == "approve",
            by=answer.by,
            at=answer.at,
            comment=answer.comment,
        ):
            return answer
        first = self._ledger.decisions.get(application, incident, question)
        return answered_before(decision.about, _said(first) or answer)

    def _override(self, decision: Decision, answer: GivenAnswer) -> GivenAnswer | Refusal:
        application, version, stage = decision.application, decision.version, decision.stage
        attempt = self._ledger.attempts.current(application, version)
        release = None if attempt is None else attempt.release
        overridden = None if release is None else self._ledger.holds.override(release, stage)
        refusal = refuse_override(decision, attempt, overridden)
        if release is None or (refusal and not answer.repeats(overridden)):
            return refusal or Refusal(404, "Unknown", f"{decision.about} is not known")
        if refusal is None:
            self._ledger.holds.record_override(release, stage, answer)
            self._ledger.attempts.note(release, Occurrence.LET_THROUGH, answer.at, stage=stage, detail=answer.in_words)
        hold = self._ledger.holds.of(release, stage)
        if hold is not None:
            self._executions.send_task_success(hold.task_token, {})
        return overridden if refusal and overridden else answer


def _said(question: AskedQuestion | None) -> GivenAnswer | None:
    """Return the answer to an incident's question in the form of a decision; None if there is none."""
    if question is None or question.approved is None:
        return None
    word: Word = "approve" if question.approved else "reject"
    return GivenAnswer(word, str(question.by), str(question.at), question.comment or "")

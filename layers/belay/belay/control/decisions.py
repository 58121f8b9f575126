"""Taking what people decide: an answer is recorded once, then whatever waits for it is told."""

from collections.abc import Mapping
from typing import Any

from belay.approval.decision import (
    Decision,
    answered_before,
    refuse_approval,
    refuse_override,
    refuse_question,
)
from belay.approval.principal import Principal
from belay.aws.stepfunctions import Executions
from belay.events.function_url import Refusal
from belay.ledger.ledger import Ledger
from belay.release.records import Outcome, ReleaseReference, Upload


class Decisions:
    """Records decisions in the ledger. What was recorded is delivered again by whoever finds it undelivered."""

    def __init__(self, ledger: Ledger, executions: Executions) -> None:
        self._ledger = ledger
        self._executions = executions

    def take(self, decision: Decision, caller: Principal, now: str) -> Mapping[str, Any] | Refusal:
        """Record a decision and return the answer as it stands in the ledger, or why it is not taken.

        The same decision sent twice by the same person is taken once and answered alike.
        """
        answer = {
            "decision": decision.word,
            "by": caller.arn,
            "principal_id": caller.principal_id,
            "comment": decision.comment,
            "at": now,
        }
        if decision.incident:
            return self._question(decision, answer)
        if decision.word == "override":
            return self._override(decision, answer)
        return self._approval(decision, caller, answer)

    def _approval(self, decision: Decision, caller: Principal, answer: dict[str, Any]) -> Mapping[str, Any] | Refusal:
        application, version, stage = decision.application, decision.version, decision.stage
        approval = self._ledger.approvals.get(application, version, stage)
        record = self._ledger.releases.get(application, version)
        refusal = refuse_approval(
            decision,
            approval,
            record,
            uploader=self._uploader(record),
            earlier=self._earlier_uploaders(application, version),
            caller=caller,
            now=answer["at"],
        )
        if approval is None or record is None or (refusal and not _again(answer, approval.get("answer"))):
            return refusal or Refusal(404, "Unknown", f"{decision.about} is not known")
        release = ReleaseReference.from_dict(record)
        if refusal is None:
            answer["seal"] = approval["seal"]["digest"]
            if not self._ledger.approvals.answer(release, stage, answer):
                first = self._ledger.approvals.get(application, version, stage) or {}
                return answered_before(decision.about, first.get("answer", answer))
            approval = {**approval, "answer": answer}
            self._ledger.releases.record(release, stage, _STATES[decision.word], answer["at"], in_words(answer))
        waited = self.deliver(release, stage, approval)
        # An answer that arrived closed the task: who says the same again is told the same, unless the release stopped.
        if not waited and (refusal is None or record.get("outcome") == Outcome.ABORTED):
            return Refusal(410, "Ended", f"{decision.about} no longer waits: it expired or was stopped")
        return dict(approval["answer"])

    def deliver(self, release: ReleaseReference, stage: str, approval: Mapping[str, Any]) -> bool:
        """Tell the execution that waits for an approval what was answered. False where none waits any more."""
        answer, token = approval["answer"], str(approval["task_token"])
        if answer["decision"] == "approve":
            waited = self._executions.send_task_success(token, {"seal": answer["seal"], "by": answer["by"]})
        else:
            waited = self._executions.send_task_failure(token, "ApprovalDenied", in_words(answer))
        self._ledger.approvals.ask_no_more(release.application, release.version, stage)
        return waited

    def _uploader(self, record: Mapping[str, Any] | None) -> Principal | None:
        """Return who uploaded a release, where CloudTrail told."""
        found = self._ledger.uploads.uploader(Upload(**record["upload"])) if record and "upload" in record else None
        return None if found is None else Principal(found["arn"], found["principal_id"])

    def _earlier_uploaders(self, application: str, version: str) -> list[Principal]:
        """Return all who are known to have uploaded this version, be it with other content."""
        found = (
            self._ledger.uploads.uploader(upload) for upload in self._ledger.uploads.of_version(application, version)
        )
        return [Principal(each["arn"], each["principal_id"]) for each in found if each is not None]

    def _question(self, decision: Decision, answer: dict[str, Any]) -> Mapping[str, Any] | Refusal:
        application, incident, question = decision.application, decision.incident, decision.question
        asked = self._ledger.decisions.of_incident(application, incident)
        record = self._ledger.incidents.get(application, incident)
        outcome = None if record is None else record.outcome
        refusal = refuse_question(decision, asked, known=record is not None, outcome=outcome)
        if refusal is not None:
            standing = _said(asked.get(question, {}))
            return standing if standing and _again(answer, standing) else refusal
        said, by, at = _ANSWERS[decision.word], answer["by"], answer["at"]
        if self._ledger.decisions.decide(application, incident, question, said, by, at, decision.comment):
            return answer
        first = self._ledger.decisions.get(application, incident, question) or {}
        return answered_before(decision.about, _said(first) or answer)

    def _override(self, decision: Decision, answer: dict[str, Any]) -> Mapping[str, Any] | Refusal:
        application, version, stage = decision.application, decision.version, decision.stage
        record = self._ledger.releases.get(application, version)
        overridden = self._ledger.holds.override(application, version, stage)
        refusal = refuse_override(decision, record, overridden)
        if record is None or (refusal and not _again(answer, overridden)):
            return refusal or Refusal(404, "Unknown", f"{decision.about} is not known")
        release = ReleaseReference.from_dict(record)
        if refusal is None:
            self._ledger.holds.record_override(release, stage, answer)
            self._ledger.releases.record(release, stage, _STATES[decision.word], answer["at"], in_words(answer))
        hold = self._ledger.holds.get(application, version, stage)
        if hold is not None and hold["attempt"] == release.attempt:
            self._executions.send_task_success(str(hold["task_token"]), {})
        return overridden if refusal and overridden else answer


_ANSWERS = {"approve": "approved", "reject": "denied"}
"""How a question of an incident is answered in the ledger."""

_STATES = {"approve": "APPROVED", "reject": "APPROVAL DENIED", "override": "LET THROUGH"}


def in_words(answer: Mapping[str, Any]) -> str:
    """Say who answered what, and why."""
    said = {"approve": "approved", "reject": "rejected", "override": "let through"}[answer["decision"]]
    return f"{said} by {answer['by']}" + (f": {answer['comment']}" if answer["comment"] else "")


def _said(question: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answer to an incident's question as decisions are told; None where there is none."""
    if "answer" not in question:
        return None
    word = next(word for word, answer in _ANSWERS.items() if answer == question["answer"])
    return {"decision": word, "by": question["by"], "at": question["at"], "comment": question["comment"]}


def _again(answer: Mapping[str, Any], standing: Mapping[str, Any] | None) -> bool:
    """Whether the same person says the same once more, maybe because the answer to the first time was lost."""
    return standing is not None and (standing["decision"], standing["by"]) == (answer["decision"], answer["by"])
